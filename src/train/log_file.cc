#include "train/log_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace frugal {

LogFile::LogFile(std::filesystem::path path)
    : path_(std::move(path)), file_(open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
  if (file_ < 0) throw Error(path_.string() + ": cannot write: " + std::system_category().message(errno));
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

}  // namespace frugal
