#include "data/decoded_cache.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/safetensors.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kind = "frugal decoded pictures 1";

template <class T>
std::span<const uint8_t> bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(T)};
}

struct Reader {
  const SafetensorsFile& file;
  const std::string& path;

  [[noreturn]] void fail(const std::string& why) const { throw Error(path + ": " + why); }

  const std::string& text(const char* key) const {
    const auto found = file.metadata.find(key);
    if (found == file.metadata.end()) fail(std::string("it lacks ") + key);
    return found->second;
  }
  const TensorRecord& tensor(const std::string& name, const char* type, size_t dimensions) const {
    const TensorRecord* found = file.find(name);
    if (found == nullptr || found->dtype != type || found->shape.size() != dimensions) {
      fail("it lacks " + name);
    }
    return *found;
  }

  /// All but the pixels. The container has made sure that the shapes are those of the bytes.
  ImageSet split(const std::string& name, ImageSize size, int64_t classes) const {
    const std::vector<int64_t>& shape = tensor(name + ".pixels", "U8", 4).shape;
    const TensorRecord& labels = tensor(name + ".labels", "I32", 1);
    ImageSet set{shape[0], shape[1], shape[2], shape[3], {}, {}, {}};
    if (labels.shape[0] != set.count || set.count >= std::numeric_limits<int32_t>::max()) {
      fail("its labels are not those of its images");
    }
    if (ImageSize{set.height, set.width} != size || set.channels != 3) {
      fail("its images have another size than its name says");
    }
    set.labels.resize(static_cast<size_t>(set.count));
    if (!labels.data.empty()) std::memcpy(set.labels.data(), labels.data.data(), labels.data.size());
    if (std::ranges::any_of(set.labels, [&](int32_t label) { return label < 0 || label >= classes; })) {
      fail("it has labels of other classes");
    }
    return set;
  }

  std::vector<std::string> skipped() const {
    const Json list = Json::parse(text("skipped"), nullptr, /*allow_exceptions=*/false);
    if (!list.is_array()) fail("its list of broken pictures is broken");
    std::vector<std::string> names;
    for (const Json& item : list) {
      if (!item.is_string()) fail("its list of broken pictures is broken");
      names.push_back(item.get<std::string>());
    }
    return names;
  }
};

/// What has not been used for so long is not kept on.
constexpr auto kept_for = std::chrono::days(30);

/// Also what a write that was killed has left. Another process may do the same at the same time.
void remove_unused(const fs::path& directory) {
  const auto now = fs::file_time_type::clock::now();
  std::error_code failure;
  for (fs::directory_iterator it(directory, failure); !failure && it != fs::directory_iterator();
       it.increment(failure)) {
    std::error_code gone;
    const auto used = it->last_write_time(gone);
    if (!gone && it->is_regular_file(gone) && now - used > kept_for) fs::remove(it->path(), gone);
  }
}

}  // namespace

fs::path decoded_file(const fs::path& cache_root, const std::string& key) {
  return cache_root / "decoded" / (key + ".safetensors");
}

DecodedPictures read_decoded(const fs::path& file, const std::string& key, ImageSize size, int64_t classes) {
  SafetensorsFile stored = read_safetensors(file);
  std::error_code ignored;  // of a cache that may be read only, it ages
  fs::last_write_time(file, fs::file_time_type::clock::now(), ignored);
  const std::string path = file.string();
  const Reader reader{stored, path};
  reader.text("xxh3_128");  // without a checksum the container takes what it gets
  if (reader.text("kind") != kind) reader.fail("not decoded pictures of this version");
  if (reader.text("key") != key) reader.fail("it holds other pictures than its name says");
  DecodedPictures pictures{reader.split("train", size, classes), reader.split("test", size, classes),
                           reader.skipped()};
  const auto test_pixels = reader.tensor("test.pixels", "U8", 4).data;
  pictures.test.pixels.assign(test_pixels.begin(), test_pixels.end());
  // The bulk stays where it was read to: no moment holds it twice.
  const auto train_pixels = reader.tensor("train.pixels", "U8", 4).data;
  const auto begin = train_pixels.data() - stored.storage.data();
  stored.storage.resize(static_cast<size_t>(begin) + train_pixels.size());
  stored.storage.erase(stored.storage.begin(), stored.storage.begin() + begin);
  pictures.train.pixels = std::move(stored.storage);
  return pictures;
}

void write_decoded(const fs::path& file, const std::string& key, const DecodedPictures& pictures) {
  const auto pixels = [](const char* name, const ImageSet& set) {
    return TensorRecord{name, "U8", {set.count, set.height, set.width, set.channels}, bytes_of(set.pixels)};
  };
  const auto labels = [](const char* name, const ImageSet& set) {
    return TensorRecord{name, "I32", {set.count}, bytes_of(set.labels)};
  };
  const std::array<TensorRecord, 4> tensors{
      {pixels("train.pixels", pictures.train), pixels("test.pixels", pictures.test),
       labels("train.labels", pictures.train), labels("test.labels", pictures.test)}};
  const std::string skipped = Json(pictures.skipped).dump(-1, ' ', false, Json::error_handler_t::replace);
  write_safetensors(file, {{"kind", kind}, {"key", key}, {"skipped", skipped}}, tensors);
  remove_unused(file.parent_path());
}

}  // namespace frugal
