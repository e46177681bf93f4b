// The JSON header of a safetensors file: what it may say, as values. Nothing in it has been checked against
// the file.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/safetensors.h"

namespace frugal {

struct SafetensorsEntry {
  std::string name, dtype;
  std::vector<int64_t> shape;
  int64_t begin = 0, end = 0;  // bytes from the end of the header
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::vector<SafetensorsEntry> entries;  // in the order of the text
};

/// Bytes of one element, or 0 for a type that the format does not know.
int64_t safetensors_element_size(std::string_view dtype);

/// Strict: an object of tensor objects of exactly dtype, shape and data_offsets, and one object of texts.
/// Duplicates, negative numbers and everything else are errors that begin with `file`. Takes no memory beyond
/// what it returns, so nesting and size of the text do no harm.
SafetensorsHeader parse_safetensors_header(std::span<const uint8_t> text, const std::string& file);

/// The header of tensors that lie one behind the other in this order, padded with spaces to a multiple of 8.
std::string safetensors_header_text(const std::map<std::string, std::string>& metadata,
                                    std::span<const TensorRecord> tensors);

}  // namespace frugal
