#include "train/progress_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "base/error.h"

namespace frugal {
namespace {

Error failure(const std::filesystem::path& path, const std::string& what) {
  return Error(path.string() + ": " + what + ": " + std::system_category().message(errno));
}

}  // namespace

ProgressFile::ProgressFile(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "progress.bin";
  file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file_ < 0) throw failure(path, "cannot write to the run directory");
  try {
    if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) throw Error(directory.string() + " is in use by another run of frugal");
      throw failure(path, "cannot lock the run directory");
    }
    const auto size = static_cast<ssize_t>(sizeof progress_magic - 1);
    if (ftruncate(file_, 0) != 0 || pwrite(file_, progress_magic, static_cast<size_t>(size), 0) != size) {
      throw failure(path, "cannot write");
    }
    offset_ = size;
  } catch (...) {
    close(file_);
    throw;
  }
  thread_ = std::thread([this] { beat(); });
}

ProgressFile::~ProgressFile() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stop_signal_.notify_one();
  thread_.join();
  write_heartbeat();
  close(file_);
}

double ProgressFile::seconds_used() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void ProgressFile::beat() {
  std::unique_lock lock(mutex_);
  while (!stop_signal_.wait_for(lock, std::chrono::seconds(1), [this] { return stop_; })) write_heartbeat();
}

void ProgressFile::write_heartbeat() {
  const ProgressRecord record{.value = seconds_used()};
  // A full disk must not end a run: the next record takes the place of one that did not fit.
  if (pwrite(file_, &record, sizeof record, offset_) == sizeof record) offset_ += sizeof record;
}

}  // namespace frugal
