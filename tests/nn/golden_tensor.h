// Tensors by rule and results by sketch: the C++ side of tools/goldens/tensors.py, which explains both.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

namespace frugal::golden {

/// Layers of the test streams; a parameter's layer is its index in the graph.
inline constexpr uint32_t layer_images = 1000, layer_targets = 2000, layer_entries = 3000, layer_signs = 3001;

/// offset + (2 u - 1) * bound for each word of (seed, test, layer).
void fill_uniform(std::span<float> values, uint64_t seed, uint32_t layer, float offset, float bound);

std::vector<int32_t> draw_labels(int64_t count, uint64_t seed, uint32_t layer, int64_t classes);

double norm(std::span<const double> values);

/// How far `found` is from the result that `record` keeps: ||found - true|| / ||true||, or the larger of its
/// two estimates. A wrong size or anything that is not finite gives infinity.
double relative_error(std::span<const double> found, const nlohmann::json& record);

}  // namespace frugal::golden
