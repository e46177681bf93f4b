// Holds one op against its definition in double precision: the result directly, gradients against finite
// differences of the definition; in fp32 and bf16, for every instruction set, with all that a planner may ask
// of it.
#pragma once

#include <functional>
#include <vector>

#include "graph/builder.h"

namespace frugal {

using Numbers = std::vector<double>;

/// One sample of the op's output from its inputs and its parameters, written for plainness.
using Definition =
    std::function<Numbers(const std::vector<Numbers>& inputs, const std::vector<Numbers>& parameters)>;

struct OpCase {
  Graph graph;
  int node;  // the op
  Definition definition;
  bool distinct = false;    // no two numbers of an input are equal, for ops that choose among them
  bool by_channel = false;  // a channel of the output depends on that channel of the input alone
  double cancels = 0;       // size of fp32 numbers that cancel to a smaller or no gradient
};

void check_op(const OpCase& c);

/// Element (h, w, c) of a sample.
inline size_t index(const Shape& s, int64_t h, int64_t w, int64_t c) {
  return static_cast<size_t>((h * s.w + w) * s.c + c);
}

}  // namespace frugal
