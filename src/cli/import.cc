// `frugal import`: another program's weights with what they leave unsaid, as a file that every command takes.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/lines.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/loading.h"
#include "cli/matching.h"
#include "cli/network_flags.h"
#include "cli/output.h"
#include "data/dataset.h"
#include "graph/table.h"
#include "interop/onnx_export.h"
#include "nn/engine.h"
#include "run/from_file.h"
#include "run/training_run.h"
#include "train/run_description.h"
#include "train/trainer.h"

namespace frugal {
namespace {

struct Options {
  std::string weights, to, data, class_names, normalize;
  NetworkFlags network;
  bool force = false, json = false;
};

void check(const Options& options) {
  if (std::filesystem::path(options.to).extension() != ".safetensors") {
    throw usage_error("--to " + options.to +
                      ": the name must end in .safetensors; frugal export makes others of it");
  }
  require_new_file(options.to, options.force);
  if (!options.normalize.empty()) check_normalize(options.normalize);
  const NetworkFlags& network = options.network;
  if (network.model.empty()) throw usage_error("--model: which network are the weights of?");
  if (!options.data.empty()) {
    for (const auto& [flag, value] :
         {std::pair{"--classes", &network.classes}, std::pair{"--class-names", &options.class_names},
          std::pair{"--channels", &network.channels}}) {
      if (!value->empty()) throw usage_error(std::string(flag) + ": the data set of --data says it");
    }
    return;
  }
  if (options.normalize == "auto") {
    throw usage_error("--normalize: auto is measured on images; name them with --data");
  }
  const bool names_classes = !network.classes.empty() || !options.class_names.empty();
  if (!network.model.ends_with(".onnx") && (network.image_size.empty() || !names_classes)) {
    throw usage_error(
        "what images and classes were the weights trained on? --data NAME says it, or --image-size with "
        "--classes or --class-names");
  }
}

/// A class a line.
std::vector<std::string> read_class_names(const std::string& path) {
  std::vector<std::string> names = nonempty_lines(read_text_file(path));
  if (names.empty()) throw Error(path + ": no class is in it; a name a line is read");
  return names;
}

/// What the network was trained on, by the flags alone: no image, but their shape and the classes.
Dataset described(const Graph& graph, std::vector<std::string> names) {
  Dataset data;
  data.train.height = graph.input.h, data.train.width = graph.input.w, data.train.channels = graph.input.c;
  data.classes = std::move(names);
  if (data.classes.empty()) {
    for (int64_t label = 0; label < graph.classes; ++label) data.classes.push_back(std::to_string(label));
  }
  if (std::ssize(data.classes) != graph.classes) {
    throw usage_error("--class-names: there are " + with_thousands(std::ssize(data.classes)) +
                      " names in it, the network has " + with_thousands(graph.classes) + " classes");
  }
  return data;
}

/// By the flag, or as an ONNX file of frugal export says (also one that normalises by itself: its weights are
/// those of the network behind that).
Normalization normalization_of(const Options& options, const OnnxExportOptions& exported,
                               const Dataset& data) {
  if (!options.normalize.empty()) return choose_normalization(options.normalize, data.train);
  const auto channels = static_cast<size_t>(data.train.channels);
  if (exported.mean.size() != channels || exported.std.size() != channels) {
    throw usage_error("--normalize: " + options.weights +
                      " does not say how the images were normalised that it was trained on; it is none, auto "
                      "(with --data) or given:mean=...,std=...");
  }
  return {exported.mean, exported.std};
}

/// The network that the weights are of, and what it was trained on.
struct Origin {
  TrainConfig config;
  Graph graph;
  Dataset data;
};

Origin origin_of(const Options& options) {
  Origin origin;
  origin.config.model = options.network.model;
  if (!options.data.empty()) {
    origin.config.data = options.data;
    if (!options.network.image_size.empty()) origin.config.image_size = options.network.image_size;
    origin.data = load_training_data(origin.config, loading(!options.json));
    origin.graph = graph_for(origin.config, origin.data);
    return origin;
  }
  NetworkFlags network = options.network;
  std::vector<std::string> names;
  if (!options.class_names.empty()) names = read_class_names(options.class_names);
  if (network.classes.empty() && !names.empty()) network.classes = std::to_string(names.size());
  origin.graph = make_network(network);
  origin.data = described(origin.graph, std::move(names));
  return origin;
}

/// Weights that were drawn at random are not what was asked for.
void require_all(const InitialWeights& from, const Graph& graph) {
  constexpr size_t most_named = 3;
  std::vector<std::string> missing;
  size_t count = 0;
  for (const WeightMatch& match : from.matching.tensors) {
    if (match.by != MatchedBy::nothing || ++count > most_named) continue;
    missing.push_back(
        in_quotes(match.name) + " " + dimensions_text(match.shape) +
        (match.source.empty() ? "" : " (there it is " + dimensions_text(match.source_shape) + ")"));
  }
  if (count == 0) return;
  throw Error(from.path + ": not all of " + graph.model + " is in it: " + join(missing) +
              (count > most_named
                   ? " and " + with_thousands(static_cast<int64_t>(count - most_named)) + " more"
                   : "") +
              "; is it a file of this model, with these options and for " + with_thousands(graph.classes) +
              " classes?");
}

std::string numbers_text(const std::vector<float>& numbers) {
  std::vector<std::string> texts;
  texts.reserve(numbers.size());
  for (const float number : numbers) texts.push_back(format("%.4g", static_cast<double>(number)));
  return join(texts, " ");
}

void print_imported(const InitialWeights& from, const CheckpointInfo& info, const Graph& graph,
                    const std::string& to, int64_t bytes) {
  constexpr size_t most_named = 5;
  std::vector<std::string> some(
      info.classes.begin(), info.classes.begin() + std::min<ptrdiff_t>(std::ssize(info.classes), most_named));
  print("%s", matching_text(from).c_str());
  print("wrote       %s, %s bytes (%s, %s)\n", to.c_str(), with_thousands(bytes).c_str(), graph.model.c_str(),
        parameters_text(graph).c_str());
  print("images      %s, (pixel / 255 - mean) / std, mean %s, std %s\n", shape_text(graph.input).c_str(),
        numbers_text(info.normalization.mean).c_str(), numbers_text(info.normalization.std).c_str());
  print("classes     %s: %s%s\n", with_thousands(graph.classes).c_str(), printable(join(some)).c_str(),
        info.classes.size() > most_named ? ", ..." : "");
}

ExitCode run(Options options) {
  std::string& model = options.network.model;
  if (model.empty() && options.weights.ends_with(".onnx")) model = options.weights;
  check(options);
  Origin origin = origin_of(options);
  const Graph& graph = origin.graph;
  const InitialWeights from = read_initial_weights(options.weights, graph, "");
  const OnnxExportOptions exported = described_options(from.file.metadata);
  const bool named = !options.data.empty() || !options.class_names.empty();
  if (!named && std::ssize(exported.classes) == graph.classes) origin.data.classes = exported.classes;
  const Normalization normalization = normalization_of(options, exported, origin.data);
  require_all(from, graph);
  const std::unique_ptr<Engine> engine = make_shard_engine(graph, {.threads = 1});
  copy_matched(from.matching, from.file.tensors, engine->parameters());
  const CheckpointInfo info =
      checkpoint_info(graph, written_config(origin.config, graph), origin.data, normalization);
  save_checkpoint(options.to, info, engine->parameters(), /*optimizer=*/false);
  const auto bytes = static_cast<int64_t>(std::filesystem::file_size(options.to));
  if (!options.json) {
    print_imported(from, info, graph, options.to, bytes);
    return ExitCode::done;
  }
  Json json = matching_json(from);
  json.erase("event");
  json["from"] = json["file"];
  json["file"] = options.to;
  json["bytes"] = bytes;
  json["model"] = info.model;
  json["params"] = graph.parameter_count();
  json["classes"] = graph.classes;
  print_json(json);
  return ExitCode::done;
}

}  // namespace

void add_import_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "import",
      "Give another program's weights what eval, predict, export and --teacher need (docs/import.md)");
  command->footer(
      "What is written says which network its weights are of, of what images and classes, as a run's do.\n"
      "Weights that the file does not hold are an error. Nothing in a file is executed.");
  command->add_option("weights", options->weights, "PyTorch's .pt, .pth, .th, safetensors or ONNX")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--model", options->network.model, network_model_help() + ". Default: an ONNX file's own")
      ->type_name("NAME|FILE");
  command->add_option("--to", options->to, "What to write: FILE.safetensors")->required()->type_name("FILE");
  command
      ->add_option(
          "--normalize", options->normalize,
          "How the images that it was trained on were normalised: none, given:mean=...,std=... (in [0, 1], "
          "by channel: 0.5|0.4|0.4), auto (measured on --data). Default: as an ONNX file of frugal export "
          "says")
      ->type_name("none|auto|given:...");
  command->add_option("--data", options->data, "The data set that it was trained on: its classes and images")
      ->type_name("NAME|DIR");
  add_network_flags(*command, options->network,
                    {"of --data, of an ONNX file its own", "likewise", "3, likewise"});
  command->add_option("--class-names", options->class_names, "What the classes are called, a name a line")
      ->type_name("FILE");
  command->add_flag("--force", options->force, "Write over a file that is there");
  add_json_flag(*command, options->json);
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace frugal
