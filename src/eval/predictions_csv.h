// Predictions as a table that other programs read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace frugal {

/// A line an image: its number in its split, label, guess, and the probability of every class, whose names
/// are the columns'. `ids` are the images' numbers, `logits` [ids, classes]; labels and guesses are names,
/// too. RFC 4180, written atomically.
void write_predictions(const std::filesystem::path& path, std::span<const int32_t> ids,
                       std::span<const int32_t> labels, std::span<const float> logits,
                       const std::vector<std::string>& classes);

/// The counts [label, guess], a line a label, with the classes' names.
void write_confusion(const std::filesystem::path& path, std::span<const int64_t> confusion,
                     const std::vector<std::string>& classes);

}  // namespace frugal
