// Inputs of the goldens, by the rule of tools/goldens/tensors.py: number i is (2 u - 1) * bound with u from
// word i of (seed 1, test, layer).
#pragma once

#include <cmath>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/philox.h"

namespace frugal {

inline std::vector<uint32_t> golden_words(uint32_t layer, size_t count) {
  const RandomStream stream(1, Purpose::test, layer);
  std::vector<uint32_t> words(count);
  for (size_t i = 0; i < count; ++i) words[i] = stream.word(0, static_cast<uint32_t>(i));
  return words;
}

inline std::vector<float> golden_floats(uint32_t layer, size_t count, float bound) {
  std::vector<float> values;
  for (const uint32_t word : golden_words(layer, count))
    values.push_back((2.0f * uniform01(word) - 1.0f) * bound);
  return values;
}

inline std::vector<int32_t> golden_labels(uint32_t layer, size_t count, uint32_t classes) {
  std::vector<int32_t> labels;
  for (const uint32_t word : golden_words(layer, count)) {
    labels.push_back(static_cast<int32_t>(uniform_below(word, classes)));
  }
  return labels;
}

/// ||found - expected|| / ||expected||.
inline double relative_error(std::span<const float> found, const std::vector<double>& expected) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    difference += (found[i] - expected[i]) * (found[i] - expected[i]);
    norm += expected[i] * expected[i];
  }
  return std::sqrt(difference / norm);
}

inline nlohmann::json read_golden(const std::string& name) {
  std::ifstream file(std::string(FRUGAL_SOURCE_DIR "/tests/goldens/train/") + name);
  if (!file) throw std::runtime_error("no golden " + name);
  return nlohmann::json::parse(file);
}

}  // namespace frugal
