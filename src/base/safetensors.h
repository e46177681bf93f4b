// The safetensors container (https://github.com/huggingface/safetensors): a JSON header of names, types,
// shapes and offsets, then the bytes. Written atomically; header and data carry an XXH3-128 in the metadata.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace frugal {

/// A tensor to be written, or one that was read (then `data` points into SafetensorsFile::storage).
struct TensorRecord {
  std::string name;
  std::string dtype;  // "F32", "I64", "U8", "BF16", ...
  std::vector<int64_t> shape;
  std::span<const uint8_t> data;
};

/// Moves but does not copy: the tensors' bytes lie in `storage`, at any alignment.
struct SafetensorsFile {
  SafetensorsFile() = default;
  SafetensorsFile(SafetensorsFile&&) = default;
  SafetensorsFile& operator=(SafetensorsFile&&) = default;
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;
  ~SafetensorsFile() = default;

  std::map<std::string, std::string> metadata;
  std::vector<TensorRecord> tensors;  // by offset
  std::vector<uint8_t> storage;

  /// Null where there is no such tensor.
  const TensorRecord* find(const std::string& name) const;
};

/// Adds "xxh3_128" to the metadata (of header without it, and data) and writes atomically.
void write_safetensors(const std::filesystem::path& path, std::map<std::string, std::string> metadata,
                       std::span<const TensorRecord> tensors);

/// Every number in the header is checked against the file's size before it is used; overlaps, gaps, duplicate
/// names and a wrong checksum are errors that name the file and the tensor. A file without checksum (from
/// elsewhere) loads.
SafetensorsFile read_safetensors(const std::filesystem::path& path);

}  // namespace frugal
