// `frugal model`: the layer table of a network, or the network as a file.
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "base/file.h"
#include "cli/command.h"
#include "cli/network_flags.h"
#include "cli/output.h"
#include "cli/profile.h"
#include "graph/model_file.h"
#include "graph/svg.h"
#include "graph/table.h"

namespace frugal {
namespace {

struct Options {
  NetworkFlags network;
  std::string to_file, svg;
  std::string batch, precision, batch_norm;  // of --profile
  bool json = false, profile = false;
};

/// What may have been edited by hand is not written over.
void require_new_model_file(const std::string& path, const std::string& flag) {
  if (path.empty()) return;
  if (!path.ends_with(".toml")) throw usage_error(flag + " " + path + ": a model file's name ends in .toml");
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    throw usage_error(flag + " " + path + " exists already; choose another name or remove it");
  }
}

/// What only --profile reads would be ignored without it.
void require_profile(const Options& options) {
  for (const auto& [flag, value] : {std::pair{"--batch", &options.batch},
                                    {"--precision", &options.precision},
                                    {"--batch-norm", &options.batch_norm}}) {
    if (!value->empty()) throw usage_error(std::string(flag) + ": is for --profile");
  }
}

ExitCode run(const Options& options) {
  if (!options.profile) require_profile(options);
  require_new_model_file(options.to_file, "--to-file");
  if (!options.svg.empty() && options.svg == options.to_file) {
    throw usage_error("--svg and --to-file name the same file; choose another name for one of them");
  }
  require_replaceable(options.svg, "--svg", "<svg", "drawing");
  const Graph graph = make_network(options.network);
  if (!options.svg.empty()) write_file_atomic(options.svg, graph_svg(graph));
  if (!options.to_file.empty()) write_file_atomic(options.to_file, write_model(graph));
  if (options.profile) {
    print_profile(
        graph,
        {.batch = options.batch.empty() ? 128 : parse_extent(options.batch, "--batch", 65536),
         .precision = choose_precision(options.precision.empty() ? "auto" : options.precision),
         .batch_norm = choose_batch_norm(options.batch_norm.empty() ? "ghost" : options.batch_norm)},
        options.json);
  } else if (options.json) {
    print("%s\n", layer_table_json(graph).c_str());
  } else {
    print("%s", layer_table(graph, terminal_width()).c_str());
  }
  return ExitCode::done;
}

}  // namespace

void add_model_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "model", "The layer table of a network: shapes, parameters, MACs, activation bytes");
  command->add_option("model", options->network.model, network_model_help())
      ->required()
      ->type_name("NAME|FILE");
  command->add_option("--to-file", options->to_file, "Write the network as a model file, to go on from")
      ->type_name("FILE.toml");
  command->add_option("--svg", options->svg, "Draw the network")->type_name("FILE.svg");
  const std::string by_default = "of an ONNX file its own";
  add_network_flags(*command, options->network,
                    {"default 100, " + by_default, "default 32, likewise", "default 3, likewise"});
  command->add_flag("--profile", options->profile,
                    "Measure a training step on one thread: the time of every operation beside what the "
                    "machine's peaks allow");
  command->add_option("--batch", options->batch, "Images a step, for --profile (default 128)")
      ->type_name("N");
  command->add_option("--precision", options->precision, "For --profile: auto, bf16 or fp32")
      ->type_name("auto|bf16|fp32");
  command->add_option("--batch-norm", options->batch_norm, "For --profile: ghost or sync")
      ->type_name("ghost|sync");
  add_json_flag(*command, options->json);
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace frugal
