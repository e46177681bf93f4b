#include "cli/network_flags.h"

#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/output.h"
#include "data/load_options.h"
#include "graph/presets.h"
#include "interop/onnx_import.h"

namespace frugal {

std::string network_model_help() {
  return "A model, with or without options (wrn-16-2:width=1.5,init=orthogonal), or a model file (my.toml, "
         "my.toml:width=96) or ONNX file (net.onnx). Capitals stand for numbers: " +
         join(model_names());
}

void add_network_flags(CLI::App& command, NetworkFlags& flags, const NetworkDefaults& defaults) {
  command.add_option("--classes", flags.classes, "Classes to tell apart (" + defaults.classes + ")")
      ->type_name("N");
  command
      .add_option("--image-size", flags.image_size,
                  "Height and width in pixels (" + defaults.image_size + ")")
      ->type_name("N|HxW");
  command.add_option("--channels", flags.channels, "Channels of an image (" + defaults.channels + ")")
      ->type_name("C");
}

Graph make_network(const NetworkFlags& flags) {
  Shape input{32, 32, 3};
  int64_t classes = 100;
  if (flags.model.ends_with(".onnx")) {
    const Graph own = read_onnx(flags.model).graph;
    input = own.input, classes = own.classes;
  }
  if (!flags.image_size.empty()) {
    const std::optional<ImageSize> size = parse_image_size(flags.image_size, "--image-size");
    if (!size) throw usage_error("--image-size: auto is for data; give a number of pixels, such as 32");
    input.h = size->height, input.w = size->width;
  }
  if (!flags.channels.empty()) input.c = parse_extent(flags.channels, "--channels", 4096);
  if (!flags.classes.empty()) classes = parse_extent(flags.classes, "--classes", 1'000'000);
  return make_model(flags.model, input, classes);
}

}  // namespace frugal
