// The named networks. Each is a function that reads like the paper's table.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace frugal {

/// The notebook's network: three blocks of convolution, batch-norm, ReLU, dropout and pooling, then two dense layers.
/// 996,376 parameters for 100 classes of 32x32x3.
Graph smallnet(Shape input, int64_t classes);

/// The network of that name ("smallnet"). An unknown name is an error that lists the known ones (exit code 2);
/// an image too small for the network names the layer.
Graph make_model(const std::string& spec, Shape input, int64_t classes);

std::vector<std::string> model_names();

}  // namespace frugal
