#include "data/folder.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <iterator>
#include <optional>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/large_pages.h"
#include "base/parallel.h"
#include "base/text.h"
#include "base/units.h"
#include "data/decoded_cache.h"
#include "data/folder_files.h"
#include "data/image_file.h"
#include "data/picture_index.h"
#include "data/resize.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

constexpr int channels = 3;
constexpr ImageSize largest_kept{64, 64};

/// Files and what is known of them, training before test.
struct Pictures {
  const fs::path& folder;
  FolderFiles files;
  std::vector<PictureFacts> facts;

  size_t count() const { return facts.size(); }
  const PictureFile& file(size_t i) const {
    return i < files.train.size() ? files.train[i] : files.test[i - files.train.size()];
  }
};

ImageSize choose_size(const Pictures& pictures, const LoadOptions& options) {
  if (options.image_size) return *options.image_size;
  ImageSize common{0, 0};
  for (const PictureFacts& facts : pictures.facts) {
    if (facts.size == ImageSize{0, 0}) continue;  // broken
    if (common == ImageSize{0, 0}) common = facts.size;
    if (facts.size != common) return largest_kept;
  }
  const bool small = common.height <= largest_kept.height && common.width <= largest_kept.width;
  return small && common.height > 0 ? common : largest_kept;
}

/// Names everything that the pixels depend on, and nothing that they do not: not where the folder lies, nor
/// when its files were written. Empty where a file could not be read.
std::string key_of(const Pictures& pictures, ImageSize size, const LoadOptions& options) {
  std::string text = "decoded " + std::to_string(picture_version) + " " + decoder_versions() + " " +
                     std::to_string(size.height) + "x" + std::to_string(size.width) +
                     (options.skip_bad ? " skip " : " all ") + std::to_string(pictures.files.train.size());
  for (size_t i = 0; i < pictures.count(); ++i) {
    if (pictures.facts[i].hash.empty()) return {};
    text +=
        '\0' + pictures.facts[i].hash + std::to_string(pictures.file(i).label) + " " + pictures.file(i).path;
  }
  return hash_of(text);
}

void check_memory(const Pictures& pictures, ImageSize size, const LoadOptions& options) {
  const auto count = static_cast<int64_t>(pictures.count());
  int64_t largest = 0;
  for (const PictureFacts& facts : pictures.facts) {
    largest = std::max(largest, facts.size.height * facts.size.width);
  }
  const int64_t threads = options.threads > 0 ? options.threads : std::thread::hardware_concurrency();
  // A turned picture is there twice while it is turned, and a PNG may hold alpha, too.
  const int64_t at_work = std::min(largest, max_image_pixels) * (2 * channels + 1) * std::min(threads, count);
  require_memory(count * (size.height * size.width * channels + int64_t{sizeof(int32_t)}) + at_work,
                 pictures.folder.string() + ": " + with_thousands(count) + " images of " +
                     std::to_string(channels) + " x " + std::to_string(size.height) + " x " +
                     std::to_string(size.width),
                 options);
}

/// Decodes into the final block, picture by picture, each into its own place.
class Decoding {
 public:
  Decoding(const Pictures& pictures, ImageSize size, const LoadOptions& options)
      : pictures_(pictures), size_(size), options_(options), faults_(pictures.count()) {}

  DecodedPictures run() {
    const size_t train = pictures_.files.train.size();
    decoded_.train = make(train);
    decoded_.test = make(pictures_.count() - train);
    const auto count = static_cast<int64_t>(pictures_.count());
    parallel_for(
        count, options_.threads, [&](int64_t i) { decode(static_cast<size_t>(i)); },
        [&](int64_t done) { options_.show("decoding pictures", done, count); });
    for (std::string& fault : faults_) {
      if (!fault.empty()) decoded_.skipped.push_back(fault);
    }
    finish(decoded_.train, 0);
    finish(decoded_.test, train);
    return std::move(decoded_);
  }

  /// Whether every file still was what its hash says.
  bool as_known() const { return as_known_; }

 private:
  ImageSet make(size_t count) const {
    ImageSet set{static_cast<int64_t>(count), size_.height, size_.width, channels, {}, {}, {}};
    const size_t bytes = count * static_cast<size_t>(set.image_bytes());
    reserve_in_large_pages(set.pixels, bytes);
    set.pixels.resize(bytes);
    return set;
  }

  void decode(size_t i) {
    const size_t train = pictures_.files.train.size();
    ImageSet& set = i < train ? decoded_.train : decoded_.test;
    const size_t at = i < train ? i : i - train;
    const std::string path = (pictures_.folder / pictures_.file(i).path).string();
    try {
      const std::vector<uint8_t> bytes = read_file(path, max_image_file_bytes);
      if (hash_of(bytes) != pictures_.facts[i].hash) as_known_ = false;
      fit(decode_image(bytes, channels, path), size_.height, size_.width,
          set.pixels.data() + at * static_cast<size_t>(set.image_bytes()));
    } catch (const Error& error) {
      if (!options_.skip_bad) {
        throw Error(std::string(error.what()) +
                    "; repair or remove it, or leave broken pictures out with "
                    "--skip-bad");
      }
      // Without the folder: what is kept of it holds for a copy elsewhere, too.
      const std::string prefix = pictures_.folder.string() + "/";
      faults_[i] = error.what();
      if (const size_t begin = faults_[i].find(prefix); begin != std::string::npos) {
        faults_[i].erase(begin, prefix.size());
      }
    }
  }

  /// Labels, and the images moved together where some were left out.
  void finish(ImageSet& set, size_t first) {
    const auto bytes = static_cast<size_t>(set.image_bytes());
    size_t kept = 0;
    for (size_t i = 0; i < static_cast<size_t>(set.count); ++i) {
      if (!faults_[first + i].empty()) continue;
      if (kept != i) {
        std::copy_n(set.pixels.data() + i * bytes, bytes, set.pixels.data() + kept * bytes);
      }
      set.labels.push_back(pictures_.file(first + i).label);
      ++kept;
    }
    if (kept == 0) {
      throw Error(pictures_.folder.string() + ": not one of its " + (first == 0 ? "training" : "test") +
                  " pictures can be read; the first: " + decoded_.skipped.front());
    }
    set.count = static_cast<int64_t>(kept);
    set.pixels.resize(kept * bytes);
  }

  const Pictures& pictures_;
  ImageSize size_;
  const LoadOptions& options_;
  std::vector<std::string> faults_;  // a picture's, where it is left out
  DecodedPictures decoded_;
  std::atomic<bool> as_known_{true};
};

std::optional<DecodedPictures> from_cache(const fs::path& file, const std::string& key, ImageSize size,
                                          int64_t classes, const LoadOptions& options) {
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return std::nullopt;
  try {
    return read_decoded(file, key, size, classes);
  } catch (const Error& error) {
    options.warn(std::string(error.what()) + "; the pictures are decoded again");
    return std::nullopt;
  }
}

DecodedPictures decode_or_recall(const Pictures& pictures, ImageSize size, const LoadOptions& options) {
  check_memory(pictures, size, options);
  const std::string key = options.cache_root.empty() ? "" : key_of(pictures, size, options);
  if (key.empty() && !options.cache_root.empty()) {
    options.warn(pictures.folder.string() +
                 ": a file cannot be read, so that nothing is kept of it; the next start will decode every "
                 "picture again");
  }
  const fs::path file = key.empty() ? fs::path() : decoded_file(options.cache_root, key);
  const auto classes = static_cast<int64_t>(pictures.files.classes.size());
  if (!file.empty()) {
    if (auto kept = from_cache(file, key, size, classes, options)) return std::move(*kept);
  }
  Decoding decoding(pictures, size, options);
  DecodedPictures decoded = decoding.run();
  if (!file.empty() && decoding.as_known()) {
    try {
      write_decoded(file, key, decoded);
    } catch (const Error& error) {
      options.warn(std::string(error.what()) + "; the next start will decode every picture again");
    }
  }
  return decoded;
}

void warn_of_skipped(const fs::path& folder, const std::vector<std::string>& skipped,
                     const LoadOptions& options) {
  if (skipped.empty()) return;
  constexpr size_t most = 5;
  std::string text = folder.string() + ": " + with_thousands(static_cast<int64_t>(skipped.size())) +
                     " broken " + (skipped.size() == 1 ? "picture was" : "pictures were") + " left out:";
  for (size_t i = 0; i < std::min(most, skipped.size()); ++i) text += "\n  " + skipped[i];
  options.warn(text + (skipped.size() > most ? "\n  ..." : ""));
}

/// The same file in both splits makes the test too easy.
void warn_of_duplicates(const Pictures& pictures, const LoadOptions& options) {
  std::unordered_map<std::string, size_t> train;
  const size_t first_test = pictures.files.train.size();
  for (size_t i = 0; i < first_test; ++i) train.emplace(pictures.facts[i].hash, i);
  int64_t count = 0;
  std::string example;
  for (size_t i = first_test; i < pictures.count(); ++i) {
    const PictureFacts& facts = pictures.facts[i];
    const auto found = train.find(facts.hash);
    if (facts.size == ImageSize{0, 0} || found == train.end()) continue;
    if (count++ == 0) example = pictures.file(i).path + " is " + pictures.file(found->second).path;
  }
  if (count == 0) return;
  options.warn(pictures.folder.string() + ": " + with_thousands(count) + " of the " +
               with_thousands(static_cast<int64_t>(pictures.files.test.size())) +
               " test pictures are among the training pictures, too: " + example);
}

/// Without a cache where none can be written, which is told once.
LoadOptions with_usable_cache(LoadOptions options) {
  if (options.cache_root.empty()) return options;
  const fs::path directory = decoded_file(options.cache_root, "").parent_path();
  std::error_code failure;
  fs::create_directories(directory, failure);
  if (!failure && ::access(directory.c_str(), W_OK) != 0) failure = {errno, std::generic_category()};
  if (failure) {
    options.warn("cannot write to " + directory.string() + ": " + failure.message() +
                 "; the next start will decode every picture again");
    options.cache_root.clear();
  }
  return options;
}

}  // namespace

bool is_folder(const fs::path& directory) {
  std::error_code failure;
  for (fs::directory_iterator it(directory, failure); !failure && it != fs::directory_iterator();
       it.increment(failure)) {
    std::error_code dangling;
    if (it->is_directory(dangling) && !it->path().filename().string().starts_with('.')) return true;
  }
  return failure == std::errc::permission_denied;  // reading it will say so
}

void read_folder(const fs::path& directory, const LoadOptions& asked, Dataset& dataset) {
  const LoadOptions options = with_usable_cache(asked);
  Pictures pictures{directory, find_pictures(directory, options), {}};
  std::vector<std::string> paths;
  for (const auto* files : {&pictures.files.train, &pictures.files.test}) {
    std::ranges::transform(*files, std::back_inserter(paths), &PictureFile::path);
  }
  pictures.facts = picture_facts(directory, paths, options);
  const ImageSize size = choose_size(pictures, options);
  if (options.on_layout) options.on_layout({size, channels, pictures.files.classes});
  DecodedPictures decoded = decode_or_recall(pictures, size, options);
  warn_of_skipped(directory, decoded.skipped, options);
  warn_of_duplicates(pictures, options);
  dataset.classes = std::move(pictures.files.classes);
  dataset.train = std::move(decoded.train);
  dataset.test = std::move(decoded.test);
}

}  // namespace frugal
