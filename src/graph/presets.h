// The named networks. Each is a function that reads like the paper's table.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace frugal {

struct SmallNetOptions {
  float conv_dropout = 0.1f;   // after each convolution block
  float dense_dropout = 0.2f;  // between the dense layers
  int64_t dense_width = 420;
};

/// The notebook's network: three blocks of convolution, batch-norm, ReLU, dropout and pooling, then two dense
/// layers. 996,376 parameters for 100 classes of 32x32x3. Needs images of at least 8x8.
Graph smallnet(Shape input, int64_t classes, const SmallNetOptions& options = {});

/// The network of a spec ("smallnet", "smallnet:conv-dropout=0,dense-dropout=0,dense-width=200"). An unknown
/// name is a usage error that lists the known ones; an image too small for the network names the layer.
Graph make_model(const std::string& spec, Shape input, int64_t classes);

std::vector<std::string> model_names();

}  // namespace frugal
