// `frugal predict`: the most probable classes of picture files.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/units.h"
#include "cli/command.h"
#include "cli/output.h"
#include "data/image_file.h"
#include "eval/loaded_model.h"
#include "eval/predict.h"

namespace frugal {
namespace {

struct Options {
  std::string model, top = "5", precision = "auto", threads = "0";
  std::vector<std::string> images;
  bool json = false;
};

/// How many pictures are decoded before the network sees them: enough for a full batch, little memory.
constexpr size_t at_once = 128;

void print_guesses(const std::string& file, const std::vector<Guess>& guesses,
                   const std::vector<std::string>& classes, bool json) {
  if (json) {
    Json list = Json::array();
    for (const Guess& guess : guesses) {
      list.push_back({{"label", guess.label},
                      {"class", classes[static_cast<size_t>(guess.label)]},
                      {"probability", guess.probability}});
    }
    print_json({{"file", file}, {"top", std::move(list)}});
    return;
  }
  print("%s\n", file.c_str());
  for (const Guess& guess : guesses) {
    print("  %8s  %s\n", percent(guess.probability).c_str(),
          printable(classes[static_cast<size_t>(guess.label)]).c_str());
  }
}

ExitCode run(const Options& options) {
  const int64_t top = parse_integer(options.top, "--top");
  if (top < 1) throw usage_error("--top: " + options.top + " is not a positive number");
  EngineOptions engine_options;
  engine_options.precision = choose_precision(options.precision);
  engine_options.threads = parse_threads(options.threads);
  LoadedModel model = load_model(find_model(options.model), engine_options);
  const Shape input = model.info.input;
  if (input.c != 1 && input.c != 3) {
    throw Error(model.files.weights.string() + ": the model takes images of " + std::to_string(input.c) +
                " channels; picture files have 1 or 3");
  }

  // A broken picture among many is reported and passed over; the exit code remembers it.
  bool failed = false;
  for (size_t start = 0; start < options.images.size(); start += at_once) {
    const size_t end = std::min(options.images.size(), start + at_once);
    ImageSet set{0, input.h, input.w, input.c, {}, {}, {}};
    std::vector<std::string> names;
    for (size_t i = start; i < end; ++i) {
      try {
        const Image image = read_image(options.images[i], static_cast<int>(input.c));
        add_picture(set, image);
        names.push_back(options.images[i]);
      } catch (const Error& error) {
        std::fflush(stdout);
        std::fprintf(stderr, "frugal: %s\n", error.what());
        failed = true;
      }
    }
    const auto guesses = predict(*model.engine, set, model.info.normalization, model.graph.classes, top);
    for (size_t i = 0; i < names.size(); ++i)
      print_guesses(names[i], guesses[i], model.info.classes, options.json);
  }
  return failed ? ExitCode::failed : ExitCode::done;
}

}  // namespace

void add_predict_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("predict", "The most probable classes of PNG and JPEG files");
  command->footer(
      "A run directory means its best weights (else its last); a weights file is enough by itself. A picture "
      "is cut\n"
      "to its middle in the proportions of the model's input, resized to it with an antialiased triangle "
      "filter, and\n"
      "normalised as in training. What is transparent is laid over white.");
  add_weights_argument(*command, options->model);
  command->add_option("images", options->images, "Pictures")->required()->type_name("IMAGE");
  command->add_option("--top", options->top, "How many classes to print (default 5)")->type_name("N");
  add_engine_flags(*command, options->precision, "default auto", options->threads);
  add_json_flag(*command, options->json, "One JSON object a picture");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace frugal
