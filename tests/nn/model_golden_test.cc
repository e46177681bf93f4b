// Every preset against PyTorch in double precision: three training steps, fp32 and bf16, with the batch's
// statistics and with those of shards. tools/goldens/make_presets.py made the goldens and says what they
// hold.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "golden_case.h"
#include "golden_compare.h"
#include "golden_tensor.h"

namespace frugal {
namespace {

using nlohmann::json;

constexpr const char* set = "models";

/// The results of a family ("gradient") in the order of the golden's numbers.
std::vector<std::string> names_of(const Graph& graph, const std::string& family) {
  std::vector<std::string> names;
  if (family == "gradient" || family == "change") {
    for (const ParameterSpec& parameter : graph.parameters) {
      if (parameter.trainable) names.push_back(family + ":" + parameter.name);
    }
  } else {
    for (const BufferSpec& buffer : graph.buffers) names.push_back(family + ":" + buffer.name);
  }
  return names;
}

/// A sample of every tensor of a family, each brought to about the norm one.
std::vector<double> together(const std::vector<std::string>& names, const json& norms,
                             const golden::Results& found) {
  constexpr size_t sampled = 1024;
  std::vector<double> all;
  for (size_t i = 0; i < names.size(); ++i) {
    if (norms[i].is_null()) continue;  // the true one is zero
    const std::vector<double>& values = found.at(names[i]);
    const size_t step = (values.size() + sampled - 1) / sampled, count = (values.size() + step - 1) / step;
    const double scale =
        std::sqrt(static_cast<double>(values.size()) / static_cast<double>(count)) / norms[i].get<double>();
    for (size_t k = 0; k < values.size(); k += step) all.push_back(values[k] * scale);
  }
  return all;
}

/// Expects the norm of every tensor of a family to be no further off than the tensor may be; names the worst.
void expect_norms(const std::string& family, const std::vector<std::string>& names, const json& norms,
                  const json& errors, const golden::Results& found, Precision precision) {
  ASSERT_EQ(names.size(), norms.size()) << family;
  double worst = 0;
  std::string which;
  for (size_t i = 0; i < names.size(); ++i) {
    if (norms[i].is_null()) continue;
    const double norm = norms[i], off = std::abs(golden::norm(found.at(names[i])) - norm) / norm;
    const json record = {{"fp32_error", errors.at(family + ", fp32").at(i)},
                         {"bf16_error", errors.at(family + ", bf16").at(i)}};
    const double part = off / golden::limit(family, record, precision);
    if (part > worst || !std::isfinite(part)) {
      worst = part;
      which = names[i] + ", off by " + std::to_string(off);
    }
    if (!std::isfinite(part)) break;
  }
  EXPECT_LE(worst, 1) << "of what the norm of " << which << " may be off";
}

void expect_run(const json& golden, const json& run, golden::Results found, Precision precision) {
  const Graph graph = golden::build_graph(golden);
  for (const auto& [family, norms] : run.at("norms").items()) {
    const std::vector<std::string> names = names_of(graph, family);
    expect_norms(family, names, norms, golden.at("errors"), found, precision);
    if (testing::Test::HasFatalFailure()) return;
    found[family] = together(names, norms, found);
  }
  golden::expect_results(run.at("results"), found, precision);
}

using Param = std::tuple<std::string, Precision>;
class ModelGolden : public testing::TestWithParam<Param> {};

TEST_P(ModelGolden, EqualsPyTorch) {
  const Precision precision = std::get<Precision>(GetParam());
  if (precision == Precision::bf16 && !machine_info().bf16) GTEST_SKIP() << "this processor has no bf16";
  const json golden = golden::load(std::get<std::string>(GetParam()), set);
  for (const json& run : golden.at("runs")) {
    const bool ghost = run.at("batch_norm") == "ghost";
    SCOPED_TRACE(ghost ? "ghost" : "sync");
    const EngineOptions options{.threads = 2,
                                .batch = golden.at("batch"),
                                .shard = ghost ? run.at("shard").get<int64_t>() : 3,
                                .precision = precision,
                                .batch_norm = ghost ? BatchNormMode::ghost : BatchNormMode::sync};
    expect_run(golden, run, golden::run(golden, options), precision);
    if (HasFatalFailure()) return;
  }
}

std::string test_name(const testing::TestParamInfo<Param>& info) {
  const auto& [name, precision] = info.param;
  return golden::test_name(name) + (precision == Precision::bf16 ? "_bf16" : "_fp32");
}

INSTANTIATE_TEST_SUITE_P(Nn, ModelGolden,
                         testing::Combine(testing::ValuesIn(golden::names(set)),
                                          testing::Values(Precision::fp32, Precision::bf16)),
                         test_name);

}  // namespace
}  // namespace frugal
