// The network that flags name, with the images that it takes and the classes that it tells apart.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "graph/graph.h"

namespace frugal {

struct NetworkFlags {
  std::string model, classes, image_size, channels;  // empty: not given
};

/// What is said of the flags that may be left out.
struct NetworkDefaults {
  std::string classes, image_size, channels;
};

/// What a model may be, for the help of the flag or argument that names it.
std::string network_model_help();
/// --classes, --image-size and --channels.
void add_network_flags(CLI::App& command, NetworkFlags& flags, const NetworkDefaults& defaults);

/// For what is not given: an ONNX file's own images and classes, else CIFAR-100's.
Graph make_network(const NetworkFlags& flags);

}  // namespace frugal
