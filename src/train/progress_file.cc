#include "train/progress_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace frugal {
namespace {

using Kind = ProgressRecord::Kind;
constexpr auto header_bytes = static_cast<int64_t>(sizeof progress_magic - 1);
constexpr auto record_bytes = static_cast<int64_t>(sizeof(ProgressRecord));

Error failure(const std::filesystem::path& path, const std::string& what) {
  return Error(path.string() + ": " + what + ": " + std::system_category().message(errno));
}

void rewind(ProgressLog& log, int64_t step, bool trained) {
  log.tested = -1;
  if (trained) return;
  if (static_cast<int64_t>(log.steps.size()) > step) log.steps.resize(static_cast<size_t>(step));
  log.validate.erase(log.validate.upper_bound(step), log.validate.end());
  log.trained_late = false;
  log.trained = log.validated = log.averaged = -1;
}

void apply(ProgressLog& log, const ProgressRecord& record, const std::string& path) {
  const auto step = static_cast<int64_t>(record.step);
  switch (record.kind) {
    case Kind::heartbeat:
      log.seconds_used = std::max(log.seconds_used, record.value);
      return;
    case Kind::step:
      if (step != static_cast<int64_t>(log.steps.size())) {
        throw Error(path + ": step " + std::to_string(step) + " follows upon " +
                    std::to_string(log.steps.size()) + " steps; the file is damaged");
      }
      log.steps.push_back(record.value);
      return;
    case Kind::validate:
      log.validate[step] = record.value != 0;
      return;
    case Kind::trained:
      // A run that diverged in its last validation goes back, and notes once more that there is no time.
      if (log.trained != step) log.trained_late = record.value != 0;
      log.trained = step;
      return;
    case Kind::validated:
      log.validated = static_cast<int64_t>(record.value);
      return;
    case Kind::averaged:
      log.averaged = static_cast<int64_t>(record.value);
      return;
    case Kind::tested:
      log.tested = static_cast<int64_t>(record.value);
      return;
    case Kind::rewind:
      rewind(log, step, record.value != 0);
      return;
  }
  throw Error(path + ": a record of kind " + std::to_string(static_cast<uint32_t>(record.kind)) +
              " is not known; the file is damaged, or a newer frugal wrote it");
}

}  // namespace

ProgressLog read_progress(const std::filesystem::path& path) {
  const std::vector<uint8_t> bytes = read_file(path);
  if (static_cast<int64_t>(bytes.size()) < header_bytes ||
      std::memcmp(bytes.data(), progress_magic, static_cast<size_t>(header_bytes)) != 0) {
    throw Error(path.string() + " is not the progress of a run of frugal");
  }
  ProgressLog log;
  log.bytes = header_bytes;
  for (auto at = static_cast<size_t>(header_bytes); at + record_bytes <= bytes.size(); at += record_bytes) {
    ProgressRecord record;
    std::memcpy(&record, bytes.data() + at, sizeof record);
    if (record.kind == Kind{}) break;  // a power cut can leave zeros where data had not been written yet
    apply(log, record, path.string());
    log.bytes = static_cast<int64_t>(at + sizeof record);
  }
  return log;
}

ProgressFile::ProgressFile(const std::filesystem::path& directory, Open how, std::function<double()> used)
    : path_(directory / "progress.bin"),
      used_(std::move(used)),
      file_(open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  if (file_ < 0) throw failure(path_, "cannot write to the run directory");
  try {
    open_file(how, directory);
  } catch (...) {
    close(file_);
    throw;
  }
}

void ProgressFile::begin() {
  thread_ = std::thread([this] { beat(); });
}

void ProgressFile::open_file(Open how, const std::filesystem::path& directory) {
  if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) throw Error(directory.string() + " is in use by another run of frugal");
    throw failure(path_, "cannot lock the run directory");
  }
  struct stat status {};
  if (fstat(file_, &status) != 0) throw failure(path_, "cannot read");
  if (how == Open::go_on && status.st_size >= header_bytes) {
    log_ = read_progress(path_);
    offset_ = log_.bytes;
    // What a power cut left behind it must not follow upon what is written now.
    if (ftruncate(file_, offset_) != 0) throw failure(path_, "cannot write");
    return;
  }
  if (ftruncate(file_, 0) != 0 || pwrite(file_, progress_magic, header_bytes, 0) != header_bytes) {
    throw failure(path_, "cannot write");
  }
  offset_ = header_bytes;
}

ProgressFile::~ProgressFile() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    stop_signal_.notify_one();
    thread_.join();
    write_heartbeat();
  }
  close(file_);
}

void ProgressFile::append(Kind kind, int64_t step, double value) {
  const std::lock_guard lock(mutex_);
  const ProgressRecord record{kind, static_cast<uint32_t>(step), value};
  if (!unwritten_.empty() || !write(record)) unwritten_.push_back(record);
}

void ProgressFile::sync() {
  const std::lock_guard lock(mutex_);
  auto next = unwritten_.begin();
  while (next != unwritten_.end() && write(*next)) ++next;
  unwritten_.erase(unwritten_.begin(), next);
  if (!unwritten_.empty() || fsync(file_) != 0) throw failure(path_, "cannot write");
}

void ProgressFile::beat() {
  std::unique_lock lock(mutex_);
  while (!stop_signal_.wait_for(lock, std::chrono::seconds(1), [this] { return stop_; })) {
    write_heartbeat();
  }
}

void ProgressFile::write_heartbeat() {
  // A full disk must not end a run: the next heartbeat takes the place of one that did not fit.
  if (unwritten_.empty()) write({.value = seconds_used()});
}

/// Whole or not at all; the caller holds the mutex.
bool ProgressFile::write(const ProgressRecord& record) {
  if (pwrite(file_, &record, sizeof record, offset_) != record_bytes) return false;
  offset_ += record_bytes;
  return true;
}

}  // namespace frugal
