// `frugal model`: the layer table of a network, or the network as a file.
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "base/file.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/profile.h"
#include "data/load_options.h"
#include "graph/model_file.h"
#include "graph/presets.h"
#include "graph/svg.h"
#include "graph/table.h"
#include "interop/onnx_import.h"

namespace frugal {
namespace {

struct Options {
  std::string model, classes, image_size, channels;
  std::string to_file, svg;
  std::string batch, precision, batch_norm;  // of --profile
  bool json = false, profile = false;
};

int64_t parse_extent(const std::string& text, const std::string& flag, int64_t most) {
  const int64_t value = parse_integer(text, flag);
  if (value < 1 || value > most) {
    throw usage_error(flag + ": " + text + " is not in 1 to " + with_thousands(most));
  }
  return value;
}

/// What may have been edited by hand is not written over.
void write_new_file(const std::string& path, const std::string& text, const std::string& flag) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    throw usage_error(flag + " " + path + " exists already; choose another name or remove it");
  }
  write_file_atomic(path, text);
}

/// A drawing may take the place of one; a slip of the hand must not cost a model file.
void require_svg(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return;
  std::string begin(4, '\0');
  std::ifstream(path, std::ios::binary).read(begin.data(), 4);
  if (begin != "<svg")
    throw usage_error("--svg " + path + " exists already and is no drawing; choose another name");
}

/// For what is not given: an ONNX file's own images and classes, else CIFAR-100's.
Graph graph_of(const Options& options) {
  const bool onnx = options.model.ends_with(".onnx");
  const bool given = !options.classes.empty() || !options.image_size.empty() || !options.channels.empty();
  if (onnx && !given) return read_onnx(options.model).graph;
  Shape input{32, 32, 3};
  int64_t classes = 100;
  if (onnx) {
    const Graph own = read_onnx(options.model).graph;
    input = own.input, classes = own.classes;
  }
  if (!options.image_size.empty()) {
    const std::optional<ImageSize> size = parse_image_size(options.image_size, "--image-size");
    if (!size) throw usage_error("--image-size: auto is for data; give a number of pixels, such as 32");
    input.h = size->height, input.w = size->width;
  }
  if (!options.channels.empty()) input.c = parse_extent(options.channels, "--channels", 4096);
  if (!options.classes.empty()) classes = parse_extent(options.classes, "--classes", 1'000'000);
  return make_model(options.model, input, classes);
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
  const Graph graph = graph_of(options);
  if (!options.svg.empty()) {
    require_svg(options.svg);
    write_file_atomic(options.svg, graph_svg(graph));
  }
  if (!options.to_file.empty()) write_new_file(options.to_file, write_model(graph), "--to-file");
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
  command
      ->add_option("model", options->model,
                   "A model, with or without options (wrn-16-2:width=1.5,init=orthogonal), or a model file "
                   "(my.toml, my.toml:width=96) or ONNX file (net.onnx). Capitals stand for numbers: " +
                       join(model_names()))
      ->required()
      ->type_name("NAME|FILE");
  command->add_option("--to-file", options->to_file, "Write the network as a model file, to go on from")
      ->type_name("FILE.toml");
  command->add_option("--svg", options->svg, "Draw the network")->type_name("FILE.svg");
  command
      ->add_option("--classes", options->classes,
                   "Classes to tell apart (default 100, of an ONNX file its own)")
      ->type_name("N");
  command
      ->add_option("--image-size", options->image_size, "Height and width in pixels (default 32, likewise)")
      ->type_name("N|HxW");
  command->add_option("--channels", options->channels, "Channels of an image (default 3, likewise)")
      ->type_name("C");
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
