#include "data/picture_index.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <string_view>
#include <system_error>
#include <unordered_map>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "base/safetensors.h"
#include "data/image_file.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

constexpr const char* kind = "frugal picture index 1";
constexpr size_t hash_digits = 32;
constexpr int64_t settled_after = 2'000'000'000;  // nanoseconds; FAT counts in steps of two seconds

/// By which a change is noticed: size, time of change of content and of anything, inode. All -1: unreadable.
using Stamp = std::array<int64_t, 4>;
constexpr Stamp unreadable{-1, -1, -1, -1};
/// A stamp, then height and width.
using Numbers = std::array<int64_t, 6>;

int64_t nanoseconds(const timespec& time) { return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

Stamp stamp_of(const fs::path& path) {
  struct stat s {};
  if (::stat(path.c_str(), &s) != 0) return unreadable;
  return {s.st_size, nanoseconds(s.st_mtim), nanoseconds(s.st_ctim), static_cast<int64_t>(s.st_ino)};
}

int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

struct Entry {
  Stamp stamp;
  PictureFacts facts;
};
using Index = std::unordered_map<std::string, Entry>;

std::span<const uint8_t> tensor_of(const SafetensorsFile& file, const char* name, const char* type,
                                   const fs::path& path) {
  const TensorRecord* tensor = file.find(name);
  if (tensor == nullptr || tensor->dtype != type) throw Error(path.string() + ": it lacks " + name);
  return tensor->data;
}

/// Every entry comes from bytes with a checksum, and is bounded by the length of what it is in all the same.
Index read_index(const fs::path& path) {
  const SafetensorsFile file = read_safetensors(path);
  const auto found = file.metadata.find("kind");
  if (found == file.metadata.end() || found->second != kind || file.metadata.count("xxh3_128") == 0) {
    throw Error(path.string() + ": not an index of this version");
  }
  const auto numbers = tensor_of(file, "numbers", "I64", path);
  const auto hashes = tensor_of(file, "hashes", "U8", path), names = tensor_of(file, "names", "U8", path);
  const size_t count = numbers.size() / sizeof(Numbers);
  if (numbers.size() != count * sizeof(Numbers) || hashes.size() != count * hash_digits) {
    throw Error(path.string() + ": its parts do not belong together");
  }
  Index index;
  size_t at = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto* end = std::find(names.data() + at, names.data() + names.size(), uint8_t{0});
    const std::string name(names.data() + at, end);
    if (end == names.data() + names.size()) throw Error(path.string() + ": its names are cut short");
    at += name.size() + 1;
    Numbers n{};
    std::memcpy(n.data(), numbers.data() + i * sizeof n, sizeof n);
    const auto* hash = hashes.data() + i * hash_digits;
    index[name] = {{n[0], n[1], n[2], n[3]}, {std::string(hash, hash + hash_digits), {n[4], n[5]}}};
  }
  return index;
}

void write_index(const fs::path& path, const std::vector<std::string>& paths,
                 const std::vector<Entry>& entries, int64_t begin) {
  std::vector<Numbers> numbers;
  std::string hashes, names;
  for (size_t i = 0; i < paths.size(); ++i) {
    const auto& [stamp, facts] = entries[i];
    if (facts.hash.empty() || std::max(stamp[1], stamp[2]) > begin - settled_after) continue;
    numbers.push_back({stamp[0], stamp[1], stamp[2], stamp[3], facts.size.height, facts.size.width});
    hashes += facts.hash;
    names += paths[i];
    names += '\0';
  }
  const auto bytes = [](const auto& values) {
    return std::span(reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(values[0]));
  };
  const auto length = [](const auto& values) { return static_cast<int64_t>(values.size()); };
  const std::array<TensorRecord, 3> tensors{{{"numbers", "I64", {length(numbers), 6}, bytes(numbers)},
                                             {"hashes", "U8", {length(hashes)}, bytes(hashes)},
                                             {"names", "U8", {length(names)}, bytes(names)}}};
  write_safetensors(path, {{"kind", kind}}, tensors);
}

PictureFacts look_at(const fs::path& path) {
  PictureFacts facts;
  try {
    const std::vector<uint8_t> bytes = read_file(path, max_image_file_bytes);
    facts.hash = hash_of(bytes);
    facts.size = image_size(bytes, path.string());
  } catch (const Error&) {
    // Decoding it will say what is wrong, in the order of the files.
  }
  return facts;
}

Index read_index_if_any(const fs::path& path, const LoadOptions& options) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return {};
  try {
    return read_index(path);
  } catch (const Error& error) {
    options.warn(std::string(error.what()) + "; the pictures are looked at again");
    return {};
  }
}

}  // namespace

fs::path picture_index_file(const fs::path& cache_root, const fs::path& folder) {
  std::error_code ignored;
  fs::path whole = fs::canonical(folder, ignored);
  if (ignored) whole = fs::absolute(folder, ignored);
  return cache_root / "decoded" / (hash_of(whole.string()) + ".index");
}

std::vector<PictureFacts> picture_facts(const fs::path& folder, const std::vector<std::string>& paths,
                                        const LoadOptions& options) {
  const fs::path file =
      options.cache_root.empty() ? fs::path() : picture_index_file(options.cache_root, folder);
  const Index known = file.empty() ? Index() : read_index_if_any(file, options);
  const int64_t begin = now();
  std::vector<Entry> entries(paths.size());
  std::vector<int64_t> unknown;
  for (size_t i = 0; i < paths.size(); ++i) {
    entries[i].stamp = stamp_of(folder / paths[i]);
    const auto found = known.find(paths[i]);
    if (found != known.end() && entries[i].stamp != unreadable && found->second.stamp == entries[i].stamp) {
      entries[i].facts = found->second.facts;
    } else {
      unknown.push_back(static_cast<int64_t>(i));
    }
  }
  const auto count = static_cast<int64_t>(unknown.size());
  parallel_for(
      count, options.threads,
      [&](int64_t i) {
        const auto at = static_cast<size_t>(unknown[static_cast<size_t>(i)]);
        entries[at].facts = look_at(folder / paths[at]);
      },
      [&](int64_t done) { options.show("looking at pictures", done, count); });
  if (!file.empty() && (count > 0 || known.size() != paths.size())) {
    try {
      write_index(file, paths, entries, begin);
    } catch (const Error& error) {
      options.warn(std::string(error.what()) + "; the next start will read every picture again");
    }
  }
  std::vector<PictureFacts> facts;
  facts.reserve(entries.size());
  for (Entry& entry : entries) facts.push_back(std::move(entry.facts));
  return facts;
}

}  // namespace frugal
