// safetensors files: raw bytes, and headers that announce their true length.
#include <string>

#include "base/safetensors.h"
#include "base/safetensors_header.h"
#include "scratch.h"

using namespace frugal;

namespace {

/// The input up to a zero byte is the header, what follows the data.
std::string with_length(std::span<const uint8_t> input) {
  const std::string text(input.begin(), input.end());
  const std::string header = text.substr(0, text.find('\0'));
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> (8 * i));
  return file + header + (header.size() < text.size() ? text.substr(header.size() + 1) : "");
}

void read_and_check() {
  const auto path = scratch() / "file";
  const SafetensorsFile file =
      within_memory(std::filesystem::file_size(path), [&] { return read_safetensors(path); });
  for (const TensorRecord& tensor : file.tensors) {
    int64_t bytes = safetensors_element_size(tensor.dtype);
    for (const int64_t extent : tensor.shape) bytes *= extent;
    demand(static_cast<int64_t>(tensor.data.size()) == bytes);
  }
  // What was read can be written.
  write_safetensors(scratch() / "again", file.metadata, file.tensors);
  demand(read_safetensors(scratch() / "again").tensors.size() == file.tensors.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::span<const uint8_t> rest(data + 1, size - 1);
  try_to([&] {
    if (data[0] % 2 == 0) {
      put(scratch() / "file", rest);
    } else {
      put(scratch() / "file", with_length(rest));
    }
    read_and_check();
  });
  return 0;
}
