// Networks as files that people write: a TOML list of layers, with parameters, repeats and blocks. The format
// is described in docs/model-files.md.
#pragma once

#include <string>

#include "graph/graph.h"

namespace frugal {

/// Makes a model file's text of a network in another format.
using ModelImport = std::string (*)(const std::string& path);

/// From now on files of this extension (".onnx") are model files too. This folder knows no other format than
/// its own; the program says at its start what it can read.
void add_model_format(const std::string& extension, ModelImport convert);

/// A model's spec whose name is a path: "nets/my.toml", "my.toml:width=96,depth=3".
bool is_model_file(const std::string& spec);

/// The path in such a spec, and the options behind it ("width=96"), which may be empty.
struct ModelFileSpec {
  std::string path, options;
};
ModelFileSpec split_model_file(const std::string& spec);

/// Reads the file that the spec names; a TOML file has at most 8 MiB.
Graph read_model_file(const std::string& spec, Shape input, int64_t classes);

/// The graph that `text`, the contents of the spec's file, describes for these images and classes; the spec's
/// options replace its parameters. Errors are usage errors with file, line and layer. At most 100,000 layers
/// come of it, in a time that its size bounds.
Graph parse_model(const std::string& text, const std::string& spec, Shape input, int64_t classes);

/// The graph as a model file: a flat list of its layers with their shapes beside them, from which parse_model
/// makes the same nodes, parameters and buffers for the same images and classes.
std::string write_model(const Graph& graph);

}  // namespace frugal
