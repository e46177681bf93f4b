// `frugal data`: what a data set holds.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/loading.h"
#include "cli/output.h"
#include "data/dataset.h"
#include "data/image_file.h"
#include "data/selection.h"
#include "data/write_folder.h"
#include "eval/sheet.h"

namespace frugal {
namespace {

struct Options {
  std::string data, select = "all", sheet, augment, to_folder, image_size = "auto", seed;
  bool skip_bad = false, json = false;
};

std::string spread(const std::vector<int64_t>& counts) {
  const auto [least, most] = std::ranges::minmax(counts);
  return least == most ? with_thousands(least) : with_thousands(least) + " to " + with_thousands(most);
}

std::string joined(const std::vector<float>& values) {
  std::string text;
  for (float value : values) text += format("%s%.4f", text.empty() ? "" : "  ", static_cast<double>(value));
  return text;
}

/// The names, a few to a line.
std::string wrapped(const std::vector<std::string>& names, size_t indent, size_t width) {
  std::string text, line;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string item = printable(names[i]) + (i + 1 < names.size() ? "," : "");
    if (!line.empty() && indent + line.size() + 1 + item.size() > width) {
      text += line + "\n" + std::string(indent, ' ');
      line.clear();
    }
    line += (line.empty() ? "" : " ") + item;
  }
  return text + line;
}

void print_text(const Dataset& data, const Normalization& colours) {
  const auto train_counts = class_counts(data.train, data.classes.size());
  const auto test_counts = class_counts(data.test, data.classes.size());
  print("data set     %s (%s)\n", data.name.c_str(), data.path.string().c_str());
  print("images       %s training, %s test, each %s (channels x height x width)\n",
        with_thousands(data.train.count).c_str(), with_thousands(data.test.count).c_str(),
        image_shape(data.train).c_str());
  print("classes      %zu, with %s training and %s test images each\n", data.classes.size(),
        spread(train_counts).c_str(), spread(test_counts).c_str());
  print("             %s\n", wrapped(data.classes, 13, 100).c_str());
  if (!data.coarse_classes.empty()) {
    print("groups       %zu\n             %s\n", data.coarse_classes.size(),
          wrapped(data.coarse_classes, 13, 100).c_str());
  }
  print("mean         %s (training images, by channel, pixels in [0, 1])\n", joined(colours.mean).c_str());
  print("std          %s\n", joined(colours.std).c_str());
  print("fingerprint  %s\n", data.fingerprint.c_str());
}

Json to_json(const Dataset& data, const Normalization& colours) {
  const ImageSet& train = data.train;
  return {{"name", data.name},
          {"path", data.path.string()},
          {"train", train.count},
          {"test", data.test.count},
          {"image", {train.channels, train.height, train.width}},
          {"classes", data.classes},
          {"coarse_classes", data.coarse_classes},
          {"train_per_class", class_counts(train, data.classes.size())},
          {"test_per_class", class_counts(data.test, data.classes.size())},
          {"mean", colours.mean},
          {"std", colours.std},
          {"fingerprint", data.fingerprint}};
}

ExitCode run(const Options& options) {
  if (!options.augment.empty() && options.sheet.empty()) {
    throw usage_error("--augment: needs --sheet FILE.png, where its images are shown");
  }
  if (!options.seed.empty() && options.augment.empty()) {
    throw usage_error("--seed: is of the images and changes that --augment shows");
  }
  require_replaceable(options.sheet, "--sheet", "\x89PNG", "PNG picture");
  const uint64_t seed = options.seed.empty() ? 1 : parse_seed(options.seed);
  const std::vector<Augment> augment = parse_augment(options.augment);
  LoadOptions how = loading(!options.json);
  how.image_size = parse_image_size(options.image_size, "--image-size");
  how.skip_bad = options.skip_bad;
  Dataset data = load_dataset(options.data, how);
  select(data, {.classes = options.select});
  const Normalization colours = measure_normalization(data.train);
  if (!options.sheet.empty()) {
    write_png(options.sheet, options.augment.empty()
                                 ? sample_sheet(data.train, static_cast<int64_t>(data.classes.size()))
                                 : augment_sheet(data.train, augment, colours, seed));
  }
  if (!options.to_folder.empty()) {
    write_folder(data, options.to_folder);
    for (const std::string& name : data.classes) {
      const std::string directory = class_directory(name);
      if (directory != name) warn("the class " + in_quotes(name) + " is in the directory " + directory);
    }
  }
  if (options.json) {
    Json json = to_json(data, colours);
    if (!options.sheet.empty()) json["sheet"] = options.sheet;
    if (!options.to_folder.empty()) json["folder"] = options.to_folder;
    print_json(json);
    return ExitCode::done;
  }
  print_text(data, colours);
  if (!options.sheet.empty()) print("sheet        %s\n", options.sheet.c_str());
  if (!options.to_folder.empty()) print("folder       %s\n", options.to_folder.c_str());
  return ExitCode::done;
}

}  // namespace

void add_data_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      program.add_subcommand("data", "What a data set holds: counts, classes, mean and std, samples");
  command->add_option("data", options->data, known_data)->required()->type_name("NAME|DIR");
  command
      ->add_option(
          "--image-size", options->image_size,
          "Height and width that images are cut and resized to (default auto: as they are, of a folder "
          "at most 64x64)")
      ->type_name("N|HxW");
  command
      ->add_option("--select", options->select, "Only these classes, by number or name: 0-9, or 3,apple,bear")
      ->type_name("CLASSES");
  command->add_flag("--skip-bad", options->skip_bad,
                    "Leave broken pictures of a folder out and count them, instead of failing");
  command
      ->add_option(
          "--sheet", options->sheet,
          "Write samples as a PNG: up to 20 classes in rows of ten images, more as one image a class")
      ->type_name("FILE.png");
  command
      ->add_option("--augment", options->augment,
                   "Let the sheet show twelve images, each beside what this list makes of it in eight epochs")
      ->type_name("LIST");
  command
      ->add_option("--to-folder", options->to_folder,
                   "Write all images as PNG pictures: DIR/train/CLASS/... and DIR/test/CLASS/...")
      ->type_name("DIR");
  command->add_option("--seed", options->seed, "With --augment: which images, and which changes (default 1)")
      ->type_name("N");
  command->footer("Entries of an augmentation list, joined by commas:\n" + augment_help());
  add_json_flag(*command, options->json);
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace frugal
