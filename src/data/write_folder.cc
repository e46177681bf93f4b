#include "data/write_folder.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "data/image_file.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

void check(const Dataset& data, const fs::path& directory) {
  if (fs::exists(directory) && !(fs::is_directory(directory) && fs::is_empty(directory))) {
    throw usage_error(directory.string() + " exists; choose another directory, or remove it");
  }
  for (const std::string& name : data.classes) {
    if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos) {
      throw Error("the class " + in_quotes(name) + " cannot be a directory");
    }
  }
  if (data.train.channels != 1 && data.train.channels != 3) {
    throw Error("pictures are grey or RGB; these have " + std::to_string(data.train.channels) + " channels");
  }
}

/// Without waiting for the disk, which would take longer than all the rest; a failure is told all the same.
void write(const fs::path& path, const std::vector<uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw Error("cannot write " + path.string());
}

}  // namespace

void write_folder(const Dataset& data, const fs::path& directory) {
  check(data, directory);
  for (const auto& [split, images] : {std::pair{"train", &data.train}, {"test", &data.test}}) {
    for (const std::string& name : data.classes) fs::create_directories(directory / split / name);
    for (int64_t i = 0; i < images->count; ++i) {
      std::array<char, 32> number{};
      std::snprintf(number.data(), number.size(), "%05lld.png", static_cast<long long>(i));
      const std::string& name = data.classes[static_cast<size_t>(images->labels[static_cast<size_t>(i)])];
      write(directory / split / name / number.data(), encode_png(images->picture(i)));
    }
  }
}

}  // namespace frugal
