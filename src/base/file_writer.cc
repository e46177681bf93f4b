#include "base/file_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace frugal {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, int error) {
  throw Error("cannot write " + path.string() + ": " + std::generic_category().message(error));
}

}  // namespace

FileWriter::FileWriter(std::filesystem::path path, Start start) : path_(std::move(path)) {
  const int how = start == Start::create ? O_CREAT | O_EXCL : O_CREAT | O_APPEND | O_NOFOLLOW;
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | how, 0666);
  if (fd_ < 0) fail(path_, errno);
  struct stat status {};
  if (::fstat(fd_, &status) != 0) {
    const int error = errno;
    ::close(fd_);
    fail(path_, error);
  }
  size_ = status.st_size;
}

FileWriter::~FileWriter() {
  if (fd_ >= 0) ::close(fd_);
}

void FileWriter::write(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), std::min<size_t>(bytes.size(), size_t{1} << 30));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(path_, errno);
    size_ += written;
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void FileWriter::finish() {
  if (::fsync(fd_) != 0) fail(path_, errno);
  // Some file systems report a failed write only here.
  if (::close(std::exchange(fd_, -1)) != 0) fail(path_, errno);
}

}  // namespace frugal
