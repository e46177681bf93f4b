#include "data/write_folder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>
#include <vector>

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
  if (data.train.channels != 1 && data.train.channels != 3) {
    throw Error("pictures are grey or RGB; these have " + std::to_string(data.train.channels) + " channels");
  }
}

std::vector<std::string> directories_of(const std::vector<std::string>& classes) {
  std::vector<std::string> names;
  names.reserve(classes.size());
  for (const std::string& name : classes) names.push_back(class_directory(name));
  std::vector<std::string> sorted = names;
  std::ranges::sort(sorted);
  if (const auto same = std::ranges::adjacent_find(sorted); same != sorted.end()) {
    throw Error("two classes would both be in the directory " + in_quotes(*same));
  }
  return names;
}

/// Without waiting for the disk, which would take longer than all the rest; a failure is told all the same.
void write(const fs::path& path, const std::vector<uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw Error("cannot write " + path.string() + ": " + std::strerror(errno));
}

}  // namespace

std::string class_directory(const std::string& name) {
  std::string directory = name;
  std::ranges::replace(directory, '/', '_');
  if (directory.empty() || directory.front() == '.') directory.insert(0, "_");
  return directory;
}

void write_folder(const Dataset& data, const fs::path& directory) {
  check(data, directory);
  const std::vector<std::string> names = directories_of(data.classes);
  for (const auto& [split, images] : {std::pair{"train", &data.train}, {"test", &data.test}}) {
    for (const std::string& name : names) fs::create_directories(directory / split / name);
    for (int64_t i = 0; i < images->count; ++i) {
      std::array<char, 32> number{};
      std::snprintf(number.data(), number.size(), "%05lld.png", static_cast<long long>(i));
      const std::string& name = names[static_cast<size_t>(images->labels[static_cast<size_t>(i)])];
      write(directory / split / name / number.data(), encode_png(images->picture(i)));
    }
  }
}

}  // namespace frugal
