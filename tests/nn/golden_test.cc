// The engine against PyTorch in double precision: every op, blocks of them, random graphs, and SmallNet
// whole; fp32 and bf16, both batch-norm modes, several shard sizes. tools/goldens made the goldens, and its
// golden.py names what they hold.
#include <gtest/gtest.h>

#include "golden_case.h"
#include "golden_compare.h"

namespace frugal {
namespace {

using nlohmann::json;

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
    const golden::Results found = golden::run(golden, options);
    EXPECT_EQ(run.at("results").size(), found.size());
    golden::expect_results(run.at("results"), found, precision, random);
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
