// What the residual networks have in common.
#pragma once

#include <string>

#include "graph/builder.h"

namespace frugal {

/// A convolution between batch-norms: no bias, padded so that stride 1 keeps the size; He's initialisation by
/// the outputs, as Torch's ResNets have it.
inline Value residual_conv(GraphBuilder& net, const std::string& name, Value x, int64_t channels, int kernel,
                           int stride = 1) {
  return net.conv2d(name, x, channels,
                    {.kernel = kernel,
                     .stride = stride,
                     .padding = kernel / 2,
                     .bias = false,
                     .init = Init::kaiming_normal_fan_out});
}

}  // namespace frugal
