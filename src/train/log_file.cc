#include "train/log_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace frugal {
namespace {

/// With their ends.
std::string first_lines(const std::filesystem::path& path, int64_t lines) {
  std::string text = read_text_file(path);
  size_t end = 0;
  for (int64_t line = 0; line < lines; ++line) {
    end = text.find('\n', end);
    if (end == std::string::npos) {
      throw Error(path.string() + ": it has " + std::to_string(line) + " lines where the checkpoint knows " +
                  std::to_string(lines));
    }
    ++end;
  }
  text.resize(end);
  return text;
}

}  // namespace

LogFile::LogFile(std::filesystem::path path, int64_t lines) : path_(std::move(path)) {
  if (lines > 0) kept_ = first_lines(path_, lines);
  file_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  size_ = static_cast<int64_t>(kept_.size());
  if (file_ < 0 || ftruncate(file_, size_) != 0) {
    const std::string reason = std::system_category().message(errno);
    if (file_ >= 0) close(file_);
    throw Error(path_.string() + ": cannot write: " + reason);
  }
}

LogFile::~LogFile() { close(file_); }

void LogFile::append(const std::string& line) {
  pending_ += line + "\n";
  flush();
}

void LogFile::flush() {
  size_t done = 0;
  while (done < pending_.size()) {
    const ssize_t written =
        pwrite(file_, pending_.data() + done, pending_.size() - done, size_ + static_cast<int64_t>(done));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const std::string reason = std::system_category().message(written < 0 ? errno : ENOSPC);
      // No half a line; should even this fail, the next attempt writes over it.
      if (ftruncate(file_, size_) != 0) errno = 0;
      throw Error(path_.string() + ": cannot write: " + reason);
    }
    done += static_cast<size_t>(written);
  }
  size_ += static_cast<int64_t>(done);
  pending_.clear();
}

void LogFile::sync() {
  flush();
  if (fsync(file_) != 0)
    throw Error(path_.string() + ": cannot write: " + std::system_category().message(errno));
}

}  // namespace frugal
