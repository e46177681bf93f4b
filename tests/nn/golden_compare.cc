#include "golden_compare.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "golden_tensor.h"

namespace frugal::golden {

using nlohmann::json;

double limit(const std::string& name, const json& record, Precision precision, bool random) {
  const bool zero = record.contains("zero_beside");
  if (precision == Precision::bf16) {
    if (random) return std::max(0.25, 3 * record.at("bf16_error").get<double>());
    return std::max(zero ? 1e-5 : 0x1p-9, 1.5 * record.at("bf16_error").get<double>());
  }
  if (zero) return 1e-5;
  const bool gradient = name.starts_with("gradient") || name.starts_with("change");
  return std::max(gradient ? 1e-4 : 1e-5, 3 * record.at("fp32_error").get<double>());
}

double error(const std::string& name, const json& record, const Results& found) {
  const std::vector<double>& values = found.at(name);
  if (!record.contains("zero_beside")) return relative_error(values, record);
  return norm(values) / norm(found.at(record["zero_beside"]));
}

void expect_results(const json& expected, const Results& found, Precision precision, bool random) {
  for (const auto& [name, record] : expected.items()) {
    ASSERT_TRUE(found.contains(name)) << name;
    EXPECT_LE(error(name, record, found), limit(name, record, precision, random)) << name;
  }
}

}  // namespace frugal::golden
