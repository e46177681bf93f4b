// Zip files: raw bytes, and files whose directory lies about their entries.
#include <string>
#include <vector>

#include "interop/zip_archive.h"
#include "interop/zip_writer.h"
#include "scratch.h"

using namespace frugal;

namespace {

/// Two entries; then triples of the input replace bytes of the file.
void write_changed(std::span<const uint8_t> changes) {
  const std::string content = "content of the first entry";
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(content.data()), content.size());
  const std::vector<ZipContent> contents{{"a/data.pkl", bytes}, {"a/data/0", bytes.first(7)}};
  write_zip(scratch() / "file", contents);
  const auto file = scratch() / "file";
  std::vector<uint8_t> all(std::filesystem::file_size(file));
  std::FILE* in = std::fopen(file.c_str(), "rb");
  demand(in != nullptr && std::fread(all.data(), 1, all.size(), in) == all.size());
  std::fclose(in);
  for (size_t i = 0; i + 3 <= changes.size(); i += 3)
    all[(changes[i] * size_t{256} + changes[i + 1]) % all.size()] = changes[i + 2];
  put(file, all);
}

void read_and_check() {
  const auto path = scratch() / "file";
  const ZipArchive archive = within_memory(
      std::filesystem::file_size(path), [&] { return ZipArchive(path); }, libzip_memory);
  size_t held = 0;
  for (size_t i = 0; i < archive.entries().size(); ++i) {
    std::vector<uint8_t> bytes(static_cast<size_t>(archive.entries()[i].size));
    held += bytes.size();
    demand(held <= std::filesystem::file_size(path));
    try_to([&] { archive.read(i, bytes); });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::span<const uint8_t> rest(data + 1, size - 1);
  try_to([&] {
    if (data[0] % 2 == 0) {
      put(scratch() / "file", rest);
    } else {
      write_changed(rest);
    }
    read_and_check();
  });
  return 0;
}
