#include "graph/builder.h"
#include "graph/presets.h"

namespace frugal {

Graph smallnet(Shape input, int64_t classes, const SmallNetOptions& options) {
  GraphBuilder net("smallnet", input);
  Value x = net.input();
  int64_t channels = 32;
  for (const char* i : {"1", "2", "3"}) {
    x = net.conv2d(std::string("conv") + i, x, channels, {.kernel = 3, .padding = 1});
    x = net.batch_norm(std::string("bn") + i, x);
    x = net.relu(x);
    x = net.dropout(std::string("do") + i, x, options.conv_dropout);
    x = net.max_pool(x, {.kernel = 2});
    channels *= 2;
  }
  x = net.flatten(x);
  x = net.linear("fc1", x, options.dense_width);
  x = net.relu(x);
  x = net.dropout("do4", x, options.dense_dropout);
  x = net.linear("fc2", x, classes);
  return net.finish(x);
}

}  // namespace frugal
