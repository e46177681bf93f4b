// The engine against PyTorch in double precision: every op, blocks of them, random graphs, and SmallNet
// whole; fp32 and bf16, both batch-norm modes, several shard sizes. tools/goldens made the goldens, and its
// golden.py names what they hold.
#include <gtest/gtest.h>

#include <algorithm>

#include "golden_case.h"
#include "golden_tensor.h"

namespace frugal {
namespace {

using nlohmann::json;

/// The larger of what is asked for and what PyTorch itself achieves, with a margin: the plan, "How we know it
/// works". In bf16 nothing is asked for that a single rounding to bf16 would break.
double limit(const std::string& name, const json& record, Precision precision, bool random) {
  const bool zero = record.contains("zero_beside");
  if (precision == Precision::bf16) {
    // The few numbers of a random graph's tensors are at the mercy of single ReLUs that tip over: here bf16
    // shows what is wrong, not what is imprecise (docs/decisions.md).
    if (random) return std::max(0.25, 3 * record.at("bf16_error").get<double>());
    return std::max(zero ? 1e-5 : 0x1p-9, 1.5 * record.at("bf16_error").get<double>());
  }
  if (zero) return 1e-5;
  const bool gradient = name.starts_with("gradient:") || name.starts_with("change:");
  return std::max(gradient ? 1e-4 : 1e-5, 3 * record.at("fp32_error").get<double>());
}

/// Distance from the truth; where that is zero, size beside the gradient of the weight.
double error(const std::string& name, const json& record, const golden::Results& found) {
  const std::vector<double>& values = found.at(name);
  if (!record.contains("zero_beside")) return golden::relative_error(values, record);
  return golden::norm(values) / golden::norm(found.at(record["zero_beside"]));
}

void compare(const json& expected, const golden::Results& found, Precision precision, bool random) {
  EXPECT_EQ(expected.size(), found.size());
  for (const auto& [name, record] : expected.items()) {
    ASSERT_TRUE(found.contains(name)) << name;
    EXPECT_LE(error(name, record, found), limit(name, record, precision, random)) << name;
  }
}

using Param = std::tuple<std::string, Precision>;
class Golden : public testing::TestWithParam<Param> {};

TEST_P(Golden, EqualsPyTorch) {
  const Precision precision = std::get<Precision>(GetParam());
  if (precision == Precision::bf16 && !machine_info().bf16) GTEST_SKIP() << "this processor has no bf16";
  const json golden = golden::load(std::get<std::string>(GetParam()));
  const int64_t batch = golden.at("batch");
  const bool large = batch > 64, random = golden.at("case").get<std::string>().starts_with("random");
  const auto check = [&](const json& run, BatchNormMode mode, int64_t shard) {
    SCOPED_TRACE(std::string(mode == BatchNormMode::ghost ? "ghost" : "sync") + ", shard " +
                 std::to_string(shard));
    const EngineOptions options{
        .threads = 2, .batch = batch, .shard = shard, .precision = precision, .batch_norm = mode};
    compare(run.at("results"), golden::run(golden, options), precision, random);
  };
  bool has_batch_norm = false;
  for (const json& layer : golden.at("net")) has_batch_norm |= layer[0] == "batch_norm";
  for (const json& run : golden.at("runs")) {
    if (run.at("batch_norm") == "ghost") {
      check(run, BatchNormMode::ghost, run.at("shard"));
    } else {
      // The batch's own statistics, or none: the shards must not show.
      for (int64_t shard : large ? std::vector<int64_t>{32, 50} : std::vector<int64_t>{3, 4, batch}) {
        check(run, BatchNormMode::sync, shard);
        if (!has_batch_norm) check(run, BatchNormMode::ghost, shard);
      }
    }
  }
}

std::string test_name(const testing::TestParamInfo<Param>& info) {
  const auto& [name, precision] = info.param;
  return golden::test_name(name) + (precision == Precision::bf16 ? "_bf16" : "_fp32");
}

INSTANTIATE_TEST_SUITE_P(Nn, Golden,
                         testing::Combine(testing::ValuesIn(golden::names()),
                                          testing::Values(Precision::fp32, Precision::bf16)),
                         test_name);

}  // namespace
}  // namespace frugal
