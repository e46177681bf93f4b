// What losses on logits share: the label of a sample, how it ranks, and its row of probabilities.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/engine.h"

namespace frugal {

/// Of sample n: the hard label, or the class of the largest soft one. An Error outside the classes.
int64_t label_of(const Targets& targets, int64_t n, int64_t classes);

/// Adds a sample whose label is that to the counts. Ties go to the smaller index as in torch.argmax, and a
/// NaN is greater than everything, so that a broken network is never counted as right.
void count_ranks(LossSums& sums, const float* logits, int64_t classes, int64_t label);

/// softmax(logits / temperature) and its logarithm, in double; both [classes]. Logits that are not finite
/// make NaN.
void softmax_row(const float* logits, int64_t classes, double temperature, std::vector<double>& probabilities,
                 std::vector<double>& logarithms);

}  // namespace frugal
