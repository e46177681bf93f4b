#include "data/fetch.h"

#include <array>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/file_lock.h"
#include "base/file_writer.h"
#include "base/text.h"
#include "base/units.h"
#include "data/obtain.h"
#include "data/placed.h"
#include "data/unpack.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

/// A directory that is gone at the end, unless it was moved away.
struct Scratch {
  explicit Scratch(fs::path path) : path(std::move(path)) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

void make_directory(const fs::path& path) {
  std::error_code failure;
  fs::create_directories(path, failure);
  if (failure) {
    throw Error("cannot make the directory " + path.string() + ": " + failure.message() +
                "; FRUGAL_DATA names another place for data sets");
  }
}

/// One process at a time fetches a data set into a root.
void wait_for(FileLock& lock, const StopFlag& stop, const std::function<void()>& on_wait) {
  for (bool told = false; !lock.try_lock(); told = true) {
    if (!told) on_wait();
    throw_if_stopped(stop);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

class Fetching {
 public:
  Fetching(const DataSource& source, const FetchOptions& options, const StopFlag& stop,
           FetchObserver& observer)
      : source_(source),
        options_(options),
        stop_(stop),
        observer_(observer),
        downloads_(options.root / ".fetch"),
        target_(options.root / source.name),
        obtainer_(source, options, downloads_, stop, observer) {
    // A link to a directory elsewhere stays a link: it is that directory that is replaced.
    std::error_code ignored;
    if (fs::is_symlink(target_, ignored) && fs::exists(target_, ignored)) target_ = fs::canonical(target_);
  }

  FetchResult run() {
    if (const auto there = present()) return *there;
    make_directory(downloads_);
    try {
      FileLock lock(downloads_ / (source_.name + ".lock"));
      wait_for(lock, stop_, [this] {
        observer_.on_message("another frugal fetches " + source_.name + " into " + options_.root.string() +
                             "; waiting for it");
      });
      // It may have come while we waited.
      if (const auto there = present()) return *there;
      return get();
    } catch (const Interrupted& interrupted) {
      throw Interrupted(interrupted.signal(), "interrupted" + obtainer_.kept());
    }
  }

 private:
  /// What makes fetching unnecessary, or forbids it.
  std::optional<FetchResult> present() {
    if (options_.force) return std::nullopt;
    const Found found = examine(target_);
    switch (found.state) {
      case Found::State::absent:
        return std::nullopt;
      case Found::State::verified:
        return FetchResult{FetchResult::Status::verified, target_, {}};
      case Found::State::damaged:
        if (!told_damage_) {
          observer_.on_message(target_.string() + " is damaged (" + found.what +
                               "); it is fetched again, and stays until the new one is whole");
        }
        told_damage_ = true;
        return std::nullopt;
      case Found::State::foreign:
        break;
    }
    try {
      check_contents(target_);
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& error) {
      throw Error(target_.string() + " is there but not from frugal fetch, and not the whole " +
                  source_.title + ": " + error.what() +
                  "\nmove it away, or give --force to have it put aside");
    }
    return FetchResult{FetchResult::Status::foreign, target_, {}};
  }

  /// That a directory holds the data set, by what can be told without a manifest.
  void check_contents(const fs::path& directory) const {
    if (source_.check) source_.check(directory);
    if (source_.archive) return;
    for (const RemoteFile& file : source_.files) {
      const auto difference = checksum_difference(file.checksums, checksums_of(directory / file.name, stop_));
      if (!difference.empty()) throw Error((directory / file.name).string() + ": " + difference);
    }
  }

  FetchResult get() {
    // Under the lock, a directory of this name was left by a process that was killed.
    const Scratch scratch(target_.parent_path() / ("." + target_.filename().string() + ".tmp"));
    std::error_code ignored;
    fs::remove_all(scratch.path, ignored);
    try {
      std::vector<fs::path> files;
      for (const RemoteFile& file : source_.files) files.push_back(obtainer_.obtain(file));
      make_directory(scratch.path);
      const fs::path whole = assemble(files, scratch.path);
      seal(whole, source_.name,
           options_.from.empty() ? source_.files.front().urls.front() : shown_url(options_.from));
      throw_if_stopped(stop_);
      const fs::path aside = place(whole, target_);
      for (const RemoteFile& file : source_.files) fs::remove(downloads_ / file.name, ignored);
      return {FetchResult::Status::fetched, target_, aside};
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& error) {
      if (error.code() != ExitCode::failed) throw;
      throw Error(std::string(error.what()) + "\n" + source_.name + " was not placed" + obtainer_.kept());
    }
  }

  /// The data set in `scratch`, read and found whole. Returns the directory that is to be placed.
  fs::path assemble(const std::vector<fs::path>& files, const fs::path& scratch) const {
    fs::path whole = scratch;
    if (source_.archive) {
      observer_.on_message("verified; unpacking");
      unpack(files.front(), scratch, {.bytes = source_.max_unpacked_bytes}, stop_);
      std::error_code ignored;
      if (fs::is_directory(scratch / source_.folder, ignored)) whole /= source_.folder;
    } else {
      for (size_t i = 0; i < files.size(); ++i) copy(files[i], scratch / source_.files[i].name);
    }
    try {
      check_contents(whole);
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& error) {
      throw Error(files.front().string() + " does not hold the whole " + source_.title + ": " + error.what());
    }
    return whole;
  }

  void copy(const fs::path& from, const fs::path& to) const {
    throw_if_stopped(stop_);
    const std::vector<uint8_t> bytes = read_file(from, max_download_bytes);
    FileWriter file(to, FileWriter::Start::create);
    file.write(bytes);
    file.finish();
  }

  const DataSource& source_;
  const FetchOptions& options_;
  const StopFlag& stop_;
  FetchObserver& observer_;
  fs::path downloads_, target_;
  Obtainer obtainer_;
  bool told_damage_ = false;
};

}  // namespace

fs::path data_home() {
  const char* chosen = std::getenv("FRUGAL_DATA");
  if (chosen != nullptr && *chosen != '\0') return chosen;
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') return fs::path(home) / ".cache" / "frugal";
  throw usage_error("fetch: set FRUGAL_DATA to the directory that data sets are to go into");
}

FetchResult fetch(const DataSource& source, const FetchOptions& options, const StopFlag& stop,
                  FetchObserver& observer) {
  return Fetching(source, options, stop, observer).run();
}

}  // namespace frugal
