#include "interop/file_kind.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/file.h"

namespace frugal {

FileKind file_kind(const std::filesystem::path& path) {
  const InputFile file(path);
  std::array<uint8_t, 9> first{};  // zeros beyond a short file's end
  file.read(0, std::span(first).first(static_cast<size_t>(std::min<int64_t>(file.size(), 9))));
  // PK\3\4, or PK\5\6 of an empty one.
  if (first[0] == 'P' && first[1] == 'K' && (first[2] == 3 || first[2] == 5)) return FileKind::torch_zip;
  // Opcode PROTO, then the protocol.
  if (first[0] == 0x80 && first[8] != '{') return FileKind::torch_stream;
  // A length below 16 MiB, then the header's brace.
  if (first[8] == '{' && std::all_of(first.begin() + 4, first.begin() + 8, [](uint8_t b) { return b == 0; }))
    return FileKind::safetensors;
  // A protocol buffer has no magic number; this is the tag of its first field, ir_version.
  if (first[0] == 0x08) return FileKind::onnx;
  return FileKind::unknown;
}

}  // namespace frugal
