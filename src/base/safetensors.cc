#include "base/safetensors.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/safetensors_header.h"
#include "base/text.h"
#include "base/units.h"

namespace frugal {
namespace {

constexpr const char* checksum_key = "xxh3_128";
constexpr int64_t prefix_bytes = 8;  // the header's length, little-endian
// The reference implementation stops at 100 MB; ten thousand tensors take one.
constexpr int64_t max_header_bytes = int64_t{16} << 20;

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

/// Bytes of a tensor, or -1 where the product leaves 64 bits or the type is unknown.
int64_t tensor_bytes(const std::string& dtype, const std::vector<int64_t>& shape) {
  int64_t bytes = safetensors_element_size(dtype);
  if (bytes == 0) return -1;
  for (int64_t dimension : shape) {
    if (dimension < 0 || __builtin_mul_overflow(bytes, dimension, &bytes)) return -1;
  }
  return bytes;
}

/// Of the header as it is without its checksum, then of the data.
std::string checksum(std::map<std::string, std::string> metadata, std::span<const TensorRecord> tensors) {
  metadata.erase(checksum_key);
  Hasher hasher;
  hasher.update(bytes_of(safetensors_header_text(metadata, tensors)));
  for (const TensorRecord& tensor : tensors) hasher.update(tensor.data);
  return hasher.hex();
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::vector<std::string> items;
  items.reserve(shape.size());
  for (int64_t dimension : shape) items.push_back(std::to_string(dimension));
  return "[" + join(items) + "]";
}

/// Checks one entry; `offset` is where the tensor before it ended.
void check_entry(const SafetensorsEntry& entry, int64_t offset, int64_t data_bytes, const std::string& file) {
  const auto fail = [&](const std::string& why) {
    throw Error(file + ": tensor " + in_quotes(entry.name) + " " + why + "; the file is damaged");
  };
  if (safetensors_element_size(entry.dtype) == 0) fail("has an unknown type " + in_quotes(entry.dtype));
  if (entry.begin > entry.end || entry.end > data_bytes) {
    fail("claims bytes " + std::to_string(entry.begin) + " to " + std::to_string(entry.end) + " of " +
         std::to_string(data_bytes));
  }
  if (entry.begin < offset) fail("overlaps the one before it");
  if (entry.begin > offset) fail("leaves a gap behind the one before it");
  if (tensor_bytes(entry.dtype, entry.shape) != entry.end - entry.begin) {
    fail("has " + std::to_string(entry.end - entry.begin) + " bytes, which do not hold " + entry.dtype + " " +
         shape_text(entry.shape));
  }
}

}  // namespace

const TensorRecord* SafetensorsFile::find(const std::string& name) const {
  const auto found = std::ranges::find(tensors, name, &TensorRecord::name);
  return found == tensors.end() ? nullptr : &*found;
}

void write_safetensors(const std::filesystem::path& path, std::map<std::string, std::string> metadata,
                       std::span<const TensorRecord> tensors) {
  std::set<std::string> names{"__metadata__"};
  for (const TensorRecord& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      throw Error("cannot write " + path.string() + ": tensor " + in_quotes(tensor.name) + " is there twice");
    }
    if (tensor_bytes(tensor.dtype, tensor.shape) != static_cast<int64_t>(tensor.data.size())) {
      throw Error("cannot write " + path.string() + ": tensor " + in_quotes(tensor.name) + " has " +
                  std::to_string(tensor.data.size()) + " bytes, which do not hold " + tensor.dtype + " " +
                  shape_text(tensor.shape));
    }
  }
  metadata[checksum_key] = checksum(metadata, tensors);
  const std::string header = safetensors_header_text(metadata, tensors);
  std::array<uint8_t, prefix_bytes> prefix{};
  for (size_t i = 0; i < prefix.size(); ++i) prefix[i] = static_cast<uint8_t>(header.size() >> (8 * i));

  std::vector<std::span<const uint8_t>> pieces{prefix, bytes_of(header)};
  for (const TensorRecord& tensor : tensors) pieces.push_back(tensor.data);
  write_file_atomic(path, pieces);
}

namespace {

/// A zip archive, or a pickle of protocol 2 and on.
bool looks_like_torch(std::span<const uint8_t> bytes) {
  return (bytes[0] == 'P' && bytes[1] == 'K' && bytes[2] == 3 && bytes[3] == 4) ||
         (bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5);
}

/// The version of ONNX, then the name of what made it.
bool looks_like_onnx(std::span<const uint8_t> bytes) {
  return bytes[0] == 0x08 && bytes[1] < 0x10 && bytes[2] == 0x12;
}

}  // namespace

SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  const std::string file = path.string();
  SafetensorsFile result;
  result.storage = read_file(path);
  const std::span<const uint8_t> all(result.storage);
  const auto size = static_cast<int64_t>(all.size());
  if (size < prefix_bytes) {
    throw Error(file + ": not a safetensors file: " + std::to_string(size) + " bytes are too few");
  }
  uint64_t length = 0;
  for (size_t i = 0; i < prefix_bytes; ++i) length |= uint64_t{all[i]} << (8 * i);
  if (length > static_cast<uint64_t>(std::min(max_header_bytes, size - prefix_bytes))) {
    if (looks_like_torch(all)) {
      throw Error(
          file +
          ": a PyTorch file, which does not say what network its weights are of; frugal import makes a file "
          "that does, frugal train --model NAME --from FILE begins with them");
    }
    if (looks_like_onnx(all)) {
      throw Error(file +
                  ": probably an ONNX file; frugal import makes a file of its weights that can be used here, "
                  "frugal train --model FILE trains its network anew");
    }
    throw Error(file + ": not a safetensors file, or cut short: its first eight bytes announce a header of " +
                std::to_string(length) + " bytes in a file of " + with_thousands(size));
  }
  SafetensorsHeader header = parse_safetensors_header(all.subspan(prefix_bytes, length), file);
  const auto data = all.subspan(prefix_bytes + length);

  // Empty tensors share their offset with the next one; by end as well, the order is that of the bytes.
  std::ranges::sort(header.entries, {}, [](const SafetensorsEntry& e) { return std::pair(e.begin, e.end); });
  int64_t offset = 0;
  for (SafetensorsEntry& entry : header.entries) {
    check_entry(entry, offset, static_cast<int64_t>(data.size()), file);
    offset = entry.end;
    result.tensors.push_back(
        {std::move(entry.name), std::move(entry.dtype), std::move(entry.shape),
         data.subspan(static_cast<size_t>(entry.begin), static_cast<size_t>(entry.end - entry.begin))});
  }
  if (offset != static_cast<int64_t>(data.size())) {
    throw Error(file + ": " + std::to_string(static_cast<int64_t>(data.size()) - offset) +
                " bytes at the end belong to no tensor; the file is damaged");
  }
  result.metadata = std::move(header.metadata);
  const auto stated = result.metadata.find(checksum_key);
  if (stated != result.metadata.end() && stated->second != checksum(result.metadata, result.tensors)) {
    throw Error(file + ": the checksum does not match: the file is damaged; go back to an older copy");
  }
  return result;
}

}  // namespace frugal
