// `frugal export`: trained weights, or the whole network with them, in a format that other programs read.
#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/output.h"
#include "eval/loaded_model.h"
#include "graph/table.h"
#include "interop/onnx_export.h"
#include "interop/torch_file.h"

namespace frugal {
namespace {

struct Options {
  std::string model, to;
  bool fold_bn = false, normalize = false, force = false, json = false;
};

/// What a written file takes and yields, in words; empty where it holds weights alone.
struct Written {
  std::string format, input, output;
};

Written write_onnx(LoadedModel& model, const Options& options) {
  const CheckpointInfo& info = model.info;
  write_file_atomic(options.to, export_onnx(model.graph, model.engine->parameters(),
                                            {.fold_batch_norm = options.fold_bn,
                                             .normalise = options.normalize,
                                             .classes = info.classes,
                                             .mean = info.normalization.mean,
                                             .std = info.normalization.std,
                                             .version = FRUGAL_VERSION}));
  const Shape& in = info.input;
  return {"ONNX, opset 17" + std::string(options.fold_bn ? ", batch-norm folded" : ""),
          format("input [batch, %ld, %ld, %ld], ", static_cast<long>(in.c), static_cast<long>(in.h),
                 static_cast<long>(in.w)) +
              (options.normalize ? "pixel / 255" : "(pixel / 255 - mean) / std"),
          format("logits [batch, %ld]", static_cast<long>(model.graph.classes))};
}

Written write_weights(LoadedModel& model, const Options& options) {
  if (options.fold_bn || options.normalize) {
    throw usage_error("--fold-bn and --normalize change a network, and " + options.to +
                      " holds weights alone");
  }
  if (std::filesystem::path(options.to).extension() == ".safetensors") {
    save_checkpoint(options.to, model.info, model.engine->parameters(), /*optimizer=*/false);
    return {"safetensors", "", ""};
  }
  write_torch_file(options.to, state_dict(model.engine->parameters()));
  return {"PyTorch state_dict", "", ""};
}

struct Format {
  const char* extension;
  Written (*write)(LoadedModel& model, const Options& options);
};
constexpr std::array formats = {
    Format{".onnx", write_onnx},
    Format{".safetensors", write_weights},
    Format{".pt", write_weights},
    Format{".pth", write_weights},
};

const Format& format_of(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  const auto* found =
      std::ranges::find_if(formats, [&](const Format& format) { return extension == format.extension; });
  if (found != formats.end()) return *found;
  std::vector<std::string> known;
  known.reserve(formats.size());
  for (const Format& format : formats) known.emplace_back(format.extension);
  throw usage_error("--to " + path + ": the name must end in one of " + join(known));
}

ExitCode run(const Options& options) {
  const Format& format = format_of(options.to);
  require_new_file(options.to, options.force);
  LoadedModel model = load_model(find_model(options.model), {.threads = 1});
  const Written written = format.write(model, options);
  const auto bytes = static_cast<int64_t>(std::filesystem::file_size(options.to));
  const std::string weights = model.files.weights.string();
  if (options.json) {
    Json json = {{"weights", weights}, {"model", model.info.model}, {"params", model.graph.parameter_count()},
                 {"file", options.to}, {"format", written.format},  {"bytes", bytes}};
    if (!written.input.empty()) json["input"] = written.input;
    if (!written.output.empty()) json["output"] = written.output;
    print_json(json);
    return ExitCode::done;
  }
  print("weights  %s (%s, %s)\n", weights.c_str(), model.info.model.c_str(),
        parameters_text(model.graph).c_str());
  print("wrote    %s, %s bytes (%s)\n", options.to.c_str(), with_thousands(bytes).c_str(),
        written.format.c_str());
  if (!written.input.empty())
    print("input    %s\noutput   %s\n", written.input.c_str(), written.output.c_str());
  return ExitCode::done;
}

}  // namespace

void add_export_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "export", "Write trained weights for other programs: ONNX, safetensors, PyTorch");
  command->footer(
      "A run directory means its best weights (else its last). An ONNX file is the network as in evaluation, "
      "and takes\n"
      "images as the network sees them, normalised as in training; its metadata has class names, mean and "
      "std. Batch-norm\n"
      "stays a layer of its own, under its own name, unless --fold-bn is given; runtimes fold it when they "
      "load the file.");
  add_weights_argument(*command, options->model);
  command->add_option("--to", options->to, "What to write: FILE.onnx, FILE.safetensors, FILE.pt or FILE.pth")
      ->required()
      ->type_name("FILE");
  command->add_flag("--fold-bn", options->fold_bn, "ONNX: batch-norm goes into the layer before it");
  command->add_flag("--normalize", options->normalize,
                    "ONNX: the network takes pixels in [0, 1] and normalises them itself");
  command->add_flag("--force", options->force, "Write over a file that is there");
  add_json_flag(*command, options->json);
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace frugal
