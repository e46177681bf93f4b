#include "eval/npy.h"

#include <string>

#include "base/file.h"

namespace frugal {

void write_npy(const std::filesystem::path& path, std::span<const float> values, int64_t columns) {
  const int64_t rows = std::ssize(values) / columns;
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
                       std::to_string(columns) + "), }";
  // Magic, version and length are ten bytes; the numbers begin at a multiple of 64.
  constexpr size_t fixed = 10, alignment = 64;
  header += std::string((alignment - (fixed + header.size() + 1) % alignment) % alignment, ' ') + "\n";
  std::string begin = "\x93NUMPY";
  begin += {'\x01', '\0', static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
  begin += header;
  const std::span text(reinterpret_cast<const uint8_t*>(begin.data()), begin.size());
  const std::span numbers(reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes());
  const std::span<const uint8_t> pieces[] = {text, numbers};
  write_file_atomic(path, pieces);
}

}  // namespace frugal
