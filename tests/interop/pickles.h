// Pickles and PyTorch files made by hand, for what no torch.save writes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "interop/zip_writer.h"

namespace frugal {

inline std::string little_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

namespace pickles {

using namespace std::string_literals;

inline const std::string start = "\x80\x02", mark = "(", tuple = "t", reduce = "R", set_items = "u",
                         stop = ".";

inline std::string text(const std::string& value) { return "X" + little_endian(value.size(), 4) + value; }
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string integer(int64_t value) {
  return "\x8a\x08" + little_endian(static_cast<uint64_t>(value), 8);
}
inline std::string integers(const std::vector<int64_t>& values) {
  std::string all = mark;
  for (const int64_t value : values) all += integer(value);
  return all + tuple;
}
inline std::string storage(const std::string& type, const std::string& key, int64_t elements) {
  return mark + text("storage") + global("torch", type) + text(key) + text("cpu") + integer(elements) +
         tuple + "Q";
}
/// _rebuild_tensor of the storage.
inline std::string tensor(const std::string& storage, int64_t offset, const std::vector<int64_t>& shape,
                          const std::vector<int64_t>& strides) {
  return global("torch._utils", "_rebuild_tensor") + mark + storage + integer(offset) + integers(shape) +
         integers(strides) + tuple + reduce;
}
/// {key: value, ...}, without the pickle around it.
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string all = "}" + mark;
  for (const auto& [key, value] : items) all += text(key) + value;
  return all + set_items;
}
inline std::string whole(const std::string& value) { return start + value + stop; }

}  // namespace pickles

inline std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

using NamedBytes = std::vector<std::pair<std::string, std::string>>;

inline void put_zip(const std::filesystem::path& path, const NamedBytes& entries) {
  std::vector<ZipContent> contents;
  for (const auto& [name, bytes] : entries) contents.push_back({name, bytes_of(bytes)});
  write_zip(path, contents);
}

/// A file of the zip layout, with four floats in storage "0".
inline void put_torch_zip(const std::filesystem::path& path, const std::string& pickle,
                          NamedBytes more = {}) {
  NamedBytes entries{{"archive/data.pkl", pickle}, {"archive/data/0", std::string(16, '\0')}};
  entries.insert(entries.end(), more.begin(), more.end());
  put_zip(path, entries);
}

/// A file of the layout before 1.6; `storages` are (key, count of numbers, bytes).
struct StreamStorage {
  std::string key;
  uint64_t count;
  std::string bytes;
};
inline std::string torch_stream(const std::string& pickle, const std::vector<StreamStorage>& storages,
                                bool little = true, int64_t version = 1001) {
  using namespace pickles;
  std::string file = whole("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19");
  file += whole(integer(version)) + whole(dict({{"little_endian", little ? "\x88" : "\x89"}})) + pickle;
  std::string keys = "]" + mark, data;
  for (const StreamStorage& storage : storages) {
    keys += text(storage.key);
    data += little_endian(storage.count, 8) + storage.bytes;
  }
  return file + whole(keys + "e") + data;
}

}  // namespace frugal
