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

void add_train_flags(CLI::App& command, GivenFlags& given, bool (*wanted)(const std::string& flag)) {
  for (const TrainFlag& flag : train_flags()) {
    const std::string name = flag.flag;
    if (wanted != nullptr && !wanted(name)) continue;
    if (!flag.takes_value()) {  // there or not
      command
          .add_flag_callback(
              name, [&given, name] { given[name] = "true"; }, flag.help)
          ->group(flag.group);
      continue;
    }
    command
        .add_option_function<std::string>(
            name, [&given, name](const std::string& text) { given[name] = text; }, flag.help)
        ->type_name(flag.type)
        ->group(flag.group);
  }
}

}  // namespace frugal
