#include "data/folder_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <set>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"
#include "data/split.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

constexpr size_t max_depth = 64;
constexpr int64_t max_files = int64_t{1} << 31;  // ids of images have 31 bits

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

bool is_picture_name(const std::string& name) {
  const std::string ending = lower(fs::path(name).extension().string());
  return ending == ".jpg" || ending == ".jpeg" || ending == ".png";
}

struct Entries {
  std::vector<std::string> directories, files;  // names, sorted
};

/// Without what is hidden, and what macOS leaves in archives. Links count as what they point to.
Entries entries_of(const fs::path& directory) {
  std::error_code failure;
  Entries entries;
  fs::directory_iterator it(directory, failure);
  for (; !failure && it != fs::directory_iterator(); it.increment(failure)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with('.') || name == "__MACOSX") continue;
    std::error_code dangling;  // a link to nowhere is left to whoever opens it
    (it->is_directory(dangling) ? entries.directories : entries.files).push_back(name);
  }
  if (failure) throw Error("cannot read the directory " + directory.string() + ": " + failure.message());
  std::ranges::sort(entries.directories);
  std::ranges::sort(entries.files);
  return entries;
}

/// What was found on the way and is no picture: counted, with one example.
struct LeftAside {
  int64_t count = 0;
  std::string example;
  void add(const fs::path& path) {
    if (count++ == 0) example = path.string();
  }
};

/// Collects the pictures below one class's directory.
class Walk {
 public:
  Walk(const fs::path& folder, LeftAside& others, LeftAside& loops)
      : folder_(folder), others_(others), loops_(loops) {}

  std::vector<std::string> below(const std::string& directory) {
    seen_.clear();
    found_.clear();
    visit(directory, 0);
    // "a/b" and "a-b": sorted by whole paths, whatever the walk's order.
    std::ranges::sort(found_);
    return std::move(found_);
  }

 private:
  void visit(const std::string& directory, size_t depth) {
    struct stat status {};
    // A directory that links lead back to is entered once.
    if (depth > max_depth || ::stat((folder_ / directory).c_str(), &status) != 0 ||
        !seen_.insert({status.st_dev, status.st_ino}).second) {
      loops_.add(folder_ / directory);
      return;
    }
    const Entries entries = entries_of(folder_ / directory);
    for (const std::string& name : entries.files) {
      if (is_picture_name(name)) {
        found_.push_back(directory + "/" + name);
      } else {
        others_.add(folder_ / directory / name);
      }
    }
    for (const std::string& name : entries.directories) visit(directory + "/" + name, depth + 1);
  }

  const fs::path& folder_;
  LeftAside &others_, &loops_;
  std::set<std::pair<dev_t, ino_t>> seen_;
  std::vector<std::string> found_;
};

/// The directory of this name in any case; empty where there is none.
std::string find_split(const std::vector<std::string>& directories,
                       std::initializer_list<std::string_view> names) {
  for (const std::string_view wanted : names) {
    for (const std::string& name : directories) {
      if (lower(name) == wanted) return name;
    }
  }
  return {};
}

class Finder {
 public:
  Finder(const fs::path& folder, const LoadOptions& options) : folder_(folder), options_(options) {}

  FolderFiles run() {
    const Entries top = entries_of(folder_);
    const std::string train = find_split(top.directories, {"train", "training"});
    // A class may be called "train": trains in photographs. A split holds directories.
    if (!train.empty() && !entries_of(folder_ / train).directories.empty()) {
      read_splits(train, top);
    } else {
      const std::string test = find_split(top.directories, {"test", "testing", "val", "valid", "validation"});
      if (!test.empty() && !entries_of(folder_ / test).directories.empty()) {
        throw Error((folder_ / test).string() + ": there is no train directory with classes beside it");
      }
      for (const std::string& file : top.files) others_.add(folder_ / file);
      read_classes("", top.directories, files_.train);
      hold_out();
    }
    if (files_.train.empty()) {
      throw Error(folder_.string() +
                  ": no pictures (.jpg, .jpeg, .png) in the directories of its classes; "
                  "it should hold a directory a class, or train/ and test/ with those");
    }
    if (static_cast<int64_t>(files_.train.size() + files_.test.size()) >= max_files) {
      throw Error(folder_.string() + ": more than 2^31 pictures");
    }
    tell();
    return std::move(files_);
  }

 private:
  void read_splits(const std::string& train, const Entries& top) {
    read_classes(train + "/", entries_of(folder_ / train).directories, files_.train);
    for (const std::string& file : entries_of(folder_ / train).files) others_.add(folder_ / train / file);
    std::string test = find_split(top.directories, {"test", "testing"});
    const std::string val = find_split(top.directories, {"val", "valid", "validation"});
    if (test.empty()) {
      test = val;
    } else if (!val.empty()) {
      options_.warn((folder_ / val).string() +
                    ": left aside: for validation, a part of the training images "
                    "is held out (--val)");
    }
    if (test.empty()) return hold_out();
    const Entries classes = entries_of(folder_ / test);
    for (const std::string& name : classes.directories) {
      if (std::ranges::find(files_.classes, name) == files_.classes.end()) {
        throw Error((folder_ / test / name).string() + ": a class that " + (folder_ / train).string() +
                    " lacks; both must have the same directories");
      }
    }
    if (classes.directories.empty()) {
      throw Error((folder_ / test).string() + ": holds no directories of classes, where " +
                  (folder_ / train).string() + " does");
    }
    read_classes(test + "/", classes.directories, files_.test);
  }

  void read_classes(const std::string& prefix, const std::vector<std::string>& names,
                    std::vector<PictureFile>& files) {
    if (files_.classes.empty()) files_.classes = names;
    Walk walk(folder_, others_, loops_);
    for (const std::string& name : names) {
      const auto label =
          static_cast<int32_t>(std::ranges::lower_bound(files_.classes, name) - files_.classes.begin());
      for (std::string& path : walk.below(prefix + name)) files.push_back({std::move(path), label});
    }
  }

  /// Moves a part of each class from training to test.
  void hold_out() {
    std::vector<PictureFile> train;
    for (auto begin = files_.train.begin(); begin != files_.train.end();) {
      const int32_t label = begin->label;
      const auto end =
          std::find_if(begin, files_.train.end(), [&](const PictureFile& f) { return f.label != label; });
      const int64_t count = end - begin;
      const auto wanted = std::llround(options_.test_fraction * static_cast<double>(count));
      const int64_t held_out = std::min(std::max<int64_t>(wanted, 1), count - 1);
      for (const int32_t id : test_indices(count, held_out, options_.split_seed, label)) {
        files_.test.push_back(std::move(begin[id]));
        begin[id].path.clear();
      }
      for (; begin != end; ++begin) {
        if (!begin->path.empty()) train.push_back(std::move(*begin));
      }
    }
    if (!train.empty() && files_.test.empty()) {
      throw Error(folder_.string() +
                  ": one picture a class leaves none to test with; add pictures, or a "
                  "directory " +
                  (folder_ / "test").string());
    }
    files_.train = std::move(train);
  }

  void tell() const {
    const auto say = [&](const LeftAside& left, const char* one, const char* many) {
      if (left.count == 0) return;
      options_.warn(left.example +
                    (left.count == 1 ? "" : " and " + with_thousands(left.count - 1) + " more") +
                    ": left aside: " + (left.count == 1 ? one : many));
    };
    say(others_, "no picture by its name (.jpg, .jpeg, .png)",
        "no pictures by their names (.jpg, .jpeg, .png)");
    say(loops_, "a directory that was read already, or lies too deep",
        "directories that were read already, or lie too deep");
  }

  const fs::path& folder_;
  const LoadOptions& options_;
  FolderFiles files_;
  LeftAside others_, loops_;
};

}  // namespace

FolderFiles find_pictures(const fs::path& folder, const LoadOptions& options) {
  return Finder(folder, options).run();
}

}  // namespace frugal
