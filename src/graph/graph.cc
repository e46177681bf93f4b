#include "graph/graph.h"

namespace frugal {

int64_t ParameterSpec::elements() const {
  int64_t product = 1;
  for (int64_t extent : shape) product *= extent;
  return product;
}

int64_t Node::macs() const {
  if (kind == OpKind::conv2d) return out.elements() * in.c * kernel * kernel;
  if (kind == OpKind::linear) return in.c * out.c;
  return 0;
}

int64_t Graph::parameter_count() const {
  int64_t sum = 0;
  for (const ParameterSpec& parameter : parameters) sum += parameter.elements();
  return sum;
}

int64_t Graph::macs() const {
  int64_t sum = 0;
  for (const Node& node : nodes) sum += node.macs();
  return sum;
}

}  // namespace frugal
