#include "golden_tensor.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/philox.h"

namespace frugal::golden {
namespace {

constexpr int entries = 64, projections = 32;
constexpr double infinity = std::numeric_limits<double>::infinity();

double distance(std::span<const double> a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < b.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

std::vector<double> entries_of(std::span<const double> values) {
  const RandomStream random(0, Purpose::test, layer_entries);
  std::vector<double> result;
  for (uint32_t k = 0; k < entries; ++k) {
    result.push_back(values[uniform_below(random.word(0, k), static_cast<uint32_t>(values.size()))]);
  }
  return result;
}

std::vector<double> projections_of(std::span<const double> values) {
  const RandomStream random(0, Purpose::test, layer_signs);
  std::array<double, projections> sums{};
  for (size_t i = 0; i < values.size(); i += 4) {
    const auto words = random.block(0, static_cast<uint32_t>(i / 4));
    for (size_t j = 0; j < 4 && i + j < values.size(); ++j) {
      for (size_t p = 0; p < projections; ++p) {
        sums[p] += (words[j] >> p) & 1 ? -values[i + j] : values[i + j];
      }
    }
  }
  return {sums.begin(), sums.end()};
}

}  // namespace

void fill_uniform(std::span<float> values, uint64_t seed, uint32_t layer, float offset, float bound) {
  const RandomStream random(seed, Purpose::test, layer);
  for (size_t i = 0; i < values.size(); i += 4) {
    const auto words = random.block(0, static_cast<uint32_t>(i / 4));
    for (size_t j = 0; j < 4 && i + j < values.size(); ++j) {
      values[i + j] = offset + (2.0f * uniform01(words[j]) - 1.0f) * bound;
    }
  }
}

std::vector<int32_t> draw_labels(int64_t count, uint64_t seed, uint32_t layer, int64_t classes) {
  const RandomStream random(seed, Purpose::test, layer);
  std::vector<int32_t> labels;
  for (uint32_t i = 0; i < count; ++i) {
    labels.push_back(static_cast<int32_t>(uniform_below(random.word(0, i), static_cast<uint32_t>(classes))));
  }
  return labels;
}

double norm(std::span<const double> values) {
  double sum = 0;
  for (double value : values) sum += value * value;
  return std::sqrt(sum);
}

double relative_error(std::span<const double> found, const nlohmann::json& record) {
  if (found.size() != record.at("size").get<size_t>() || !std::isfinite(norm(found))) return infinity;
  const double scale = record.at("norm").get<double>();
  if (record.contains("whole")) return distance(found, record["whole"].get<std::vector<double>>()) / scale;
  const double n = static_cast<double>(found.size());
  const double by_entries = distance(entries_of(found), record.at("entries").get<std::vector<double>>());
  const double by_projections =
      distance(projections_of(found), record.at("projections").get<std::vector<double>>());
  return std::max(by_entries * std::sqrt(n / entries), by_projections / std::sqrt(projections)) / scale;
}

}  // namespace frugal::golden
