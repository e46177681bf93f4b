#include "data/folder_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <iterator>
#include <set>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/units.h"
#include "base/utf8.h"
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

/// What was found on the way and is not read: counted, with one example.
struct LeftAside {
  int64_t count = 0;
  std::string example;
  void add(const fs::path& path) {
    if (count++ == 0) example = path.string();
  }
};

struct AllLeftAside {
  LeftAside others, links, loops, beside;

  /// What is neither a directory nor a picture by its name.
  void add_file(const fs::path& path) {
    std::error_code ignored;
    (fs::is_symlink(path, ignored) && !fs::exists(path, ignored) ? links : others).add(path);
  }

  void tell(const LoadOptions& options) const {
    const auto say = [&](const LeftAside& left, const char* one, const char* many) {
      if (left.count == 0) return;
      options.warn(left.example +
                   (left.count == 1 ? "" : " and " + with_thousands(left.count - 1) + " more") +
                   ": left aside: " + (left.count == 1 ? one : many));
    };
    say(others, "no picture by its name (.jpg, .jpeg, .png)",
        "no pictures by their names (.jpg, .jpeg, .png)");
    say(links, "a link to what is not there", "links to what is not there");
    say(loops, "a directory that was read already, or lies too deep",
        "directories that were read already, or lie too deep");
    say(beside, "a directory beside those of training and test images",
        "directories beside those of training and test images");
  }
};

/// Collects the pictures below one class's directory.
class Walk {
 public:
  Walk(const fs::path& folder, AllLeftAside& left) : folder_(folder), left_(left) {}

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
      left_.loops.add(folder_ / directory);
      return;
    }
    const Entries entries = entries_of(folder_ / directory);
    for (const std::string& name : entries.files) {
      if (is_picture_name(name)) {
        found_.push_back(directory + "/" + name);
      } else {
        left_.add_file(folder_ / directory / name);
      }
    }
    for (const std::string& name : entries.directories) visit(directory + "/" + name, depth + 1);
  }

  const fs::path& folder_;
  AllLeftAside& left_;
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
      leave_files(folder_, top);
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
    left_.tell(options_);
    return std::move(files_);
  }

 private:
  void read_splits(const std::string& train, const Entries& top) {
    read_classes(train + "/", entries_of(folder_ / train).directories, files_.train);
    leave_files(folder_, top);
    leave_files(folder_ / train, entries_of(folder_ / train));
    std::string test = find_split(top.directories, {"test", "testing"});
    const std::string val = find_split(top.directories, {"val", "valid", "validation"});
    if (test.empty()) {
      test = val;
    } else if (!val.empty()) {
      options_.warn((folder_ / val).string() +
                    ": left aside: for validation, a part of the training images "
                    "is held out (--val)");
    }
    for (const std::string& name : top.directories) {
      if (name != train && name != test && name != val) left_.beside.add(folder_ / name);
    }
    if (test.empty()) return hold_out();
    const Entries classes = entries_of(folder_ / test);
    leave_files(folder_ / test, classes);
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

  void leave_files(const fs::path& directory, const Entries& entries) {
    for (const std::string& file : entries.files) left_.add_file(directory / file);
  }

  void read_classes(const std::string& prefix, const std::vector<std::string>& names,
                    std::vector<PictureFile>& files) {
    if (files_.classes.empty()) files_.classes = names;
    Walk walk(folder_, left_);
    for (const std::string& name : names) {
      if (!is_utf8(name)) {
        throw Error((folder_ / prefix / name).string() +
                    ": its name is a class's, and not UTF-8, in which names are kept; rename it");
      }
      const auto label =
          static_cast<int32_t>(std::ranges::lower_bound(files_.classes, name) - files_.classes.begin());
      for (std::string& path : walk.below(prefix + name)) files.push_back({std::move(path), label});
    }
  }

  /// Moves a part of each class from training to test: by the names of its files, so that a picture that is
  /// added or taken away does not make training pictures of test pictures.
  void hold_out() {
    std::vector<PictureFile> train;
    for (auto begin = files_.train.begin(); begin != files_.train.end();) {
      const int32_t label = begin->label;
      const auto end =
          std::find_if(begin, files_.train.end(), [&](const PictureFile& f) { return f.label != label; });
      const int64_t count = end - begin;
      const auto wanted = std::llround(options_.test_fraction * static_cast<double>(count));
      const int64_t held_out = std::min(std::max<int64_t>(wanted, 1), count - 1);
      std::vector<std::string> paths;
      std::transform(begin, end, std::back_inserter(paths), [](const PictureFile& f) { return f.path; });
      for (const size_t id : test_files(paths, static_cast<size_t>(held_out), options_.split_seed)) {
        files_.test.push_back(std::move(begin[static_cast<std::ptrdiff_t>(id)]));
        begin[static_cast<std::ptrdiff_t>(id)].path.clear();
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

  const fs::path& folder_;
  const LoadOptions& options_;
  FolderFiles files_;
  AllLeftAside left_;
};

}  // namespace

FolderFiles find_pictures(const fs::path& folder, const LoadOptions& options) {
  return Finder(folder, options).run();
}

}  // namespace frugal
