#include "base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/error.h"

namespace frugal {
namespace {

Error failure(const std::filesystem::path& path, const char* what) {
  return Error(std::string("cannot ") + what + " " + path.string() + ": " +
               std::generic_category().message(errno));
}

}  // namespace

FileLock::FileLock(const std::filesystem::path& path)
    : path_(path), fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  if (fd_ < 0) throw failure(path_, "open");
}

FileLock::~FileLock() { ::close(fd_); }

int FileLock::take(int how) const {
  int result = 0;
  do {
    result = ::flock(fd_, how);
  } while (result != 0 && errno == EINTR);
  return result;
}

bool FileLock::try_lock() {
  if (take(LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  throw failure(path_, "lock");
}

void FileLock::lock() {
  if (take(LOCK_EX) != 0) throw failure(path_, "lock");
}

}  // namespace frugal
