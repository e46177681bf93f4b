#include "cli/command.h"

namespace frugal {

void add_weights_argument(CLI::App& command, std::string& weights) {
  command.add_option("model", weights, "A run directory or a .safetensors file of frugal")
      ->required()
      ->type_name("RUN|FILE");
}

void add_engine_flags(CLI::App& command, std::string& precision, const std::string& by_default,
                      std::string& threads) {
  command.add_option("--precision", precision, "auto, bf16 or fp32 (" + by_default + ")")->type_name("P");
  command.add_option("--threads", threads, "Worker threads; 0: all that the machine allows")->type_name("N");
}

void add_json_flag(CLI::App& command, bool& json, const std::string& what) {
  command.add_flag("--json", json, what + " in place of text");
}

}  // namespace frugal
