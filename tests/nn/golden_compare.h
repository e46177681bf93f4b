// Results of ours beside a golden's: how far apart they are, and how far they may be.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "golden_case.h"
#include "nn/engine.h"

namespace frugal::golden {

/// The larger of what is asked for and what PyTorch itself achieves, with a margin: the plan, "How we know it
/// works". In bf16 nothing is asked for that a single rounding to bf16 would break, and of random graphs,
/// whose tensors' few numbers are at the mercy of single ReLUs that tip over, only that nothing is wrong
/// (docs/decisions.md). `record` holds PyTorch's errors.
double limit(const std::string& name, const nlohmann::json& record, Precision precision, bool random = false);

/// Distance of the result `name` from the truth; where that is zero, size beside the gradient of the weight.
double error(const std::string& name, const nlohmann::json& record, const Results& found);

/// Expects every result of `expected` among `found`, and none further off than its limit.
void expect_results(const nlohmann::json& expected, const Results& found, Precision precision,
                    bool random = false);

}  // namespace frugal::golden
