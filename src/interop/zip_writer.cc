#include "interop/zip_writer.h"

#include <zlib.h>

#include <deque>
#include <limits>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace frugal {
namespace {

constexpr size_t alignment = 64;
constexpr uint64_t version = 20, utf8_names = 1 << 11;
constexpr uint64_t date = 1 << 5 | 1;  // 1980-01-01: same tensors, same bytes
// The extra field that pads a header, under the name that PyTorch pads with, and its four bytes of header.
constexpr uint64_t padding_id = 'F' | 'B' << 8;
constexpr size_t padding_header = 4;

using Bytes = std::vector<uint8_t>;

void put(Bytes& bytes, uint64_t value, int count) {
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

/// What a local header and the central directory both say, from the version on.
void put_description(Bytes& bytes, const ZipContent& content, uint64_t checksum, size_t padding) {
  put(bytes, version, 2);
  put(bytes, utf8_names, 2);
  put(bytes, 0, 2);  // stored
  put(bytes, 0, 2);  // midnight
  put(bytes, date, 2);
  put(bytes, checksum, 4);
  put(bytes, content.data.size(), 4);
  put(bytes, content.data.size(), 4);
  put(bytes, content.name.size(), 2);
  put(bytes, padding, 2);
}

Bytes local_header(const ZipContent& content, uint64_t checksum, size_t at) {
  constexpr size_t fixed = 30;
  size_t padding = (alignment - (at + fixed + content.name.size()) % alignment) % alignment;
  if (padding != 0 && padding < padding_header) padding += alignment;
  Bytes header;
  put(header, 0x04034b50, 4);
  put_description(header, content, checksum, padding);
  header.insert(header.end(), content.name.begin(), content.name.end());
  if (padding != 0) {
    put(header, padding_id, 2);
    put(header, padding - padding_header, 2);
    header.resize(header.size() + padding - padding_header, 'Z');
  }
  return header;
}

void put_directory_entry(Bytes& directory, const ZipContent& content, uint64_t checksum, size_t at) {
  put(directory, 0x02014b50, 4);
  put(directory, version, 2);
  put_description(directory, content, checksum, 0);
  directory.resize(directory.size() + 2 + 2 + 2 + 4);  // no comment, first disk, no attributes
  put(directory, at, 4);
  directory.insert(directory.end(), content.name.begin(), content.name.end());
}

}  // namespace

void write_zip(const std::filesystem::path& path, std::span<const ZipContent> contents) {
  std::deque<Bytes> headers;  // stay where they are
  std::vector<std::span<const uint8_t>> pieces;
  Bytes directory;
  size_t at = 0;
  const auto add = [&](std::span<const uint8_t> piece) {
    pieces.push_back(piece);
    at += piece.size();
  };
  for (const ZipContent& content : contents) {
    const uint64_t checksum = crc32_z(0, content.data.data(), content.data.size());
    put_directory_entry(directory, content, checksum, at);
    add(headers.emplace_back(local_header(content, checksum, at)));
    add(content.data);
  }
  const size_t directory_at = at;
  const size_t directory_size = directory.size();
  put(directory, 0x06054b50, 4);
  put(directory, 0, 2 + 2);  // the only disk
  put(directory, contents.size(), 2);
  put(directory, contents.size(), 2);
  put(directory, directory_size, 4);
  put(directory, directory_at, 4);
  put(directory, 0, 2);  // no comment
  add(directory);
  if (at > std::numeric_limits<uint32_t>::max() || contents.size() >= std::numeric_limits<uint16_t>::max()) {
    throw Error("cannot write " + path.string() +
                ": a zip file goes up to 4 GiB and 65,534 entries; write a .safetensors file instead");
  }
  write_file_atomic(path, pieces);
}

}  // namespace frugal
