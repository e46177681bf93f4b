// Loaded in front of the C library (LD_PRELOAD) it counts the calls by which a program changes files under
// FRUGAL_FAULT_DIR, and does one of two things.
//
// - FRUGAL_FAULT_AT=N: kills the process at the N-th of them, FRUGAL_FAULT_WHEN=before, after, or torn (a
// write
//   has done half of its work).
// - FRUGAL_FAULT_TRACE=FILE: writes down every one, with its data, for a power cut to be played from. A
// record
//   is a line "op inode length offset path path2" and then `length` bytes.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

namespace {

std::recursive_mutex mutex;
long calls = 0;

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

/// Absolute, without resolving anything: the tests name directories by absolute paths.
bool watched(const std::string& path) {
  static const std::string directory = setting("FRUGAL_FAULT_DIR");
  return !directory.empty() && path.rfind(directory, 0) == 0;
}

std::string path_of(int fd) {
  char path[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t length = readlink(link.c_str(), path, sizeof path);
  return length > 0 ? std::string(path, static_cast<size_t>(length)) : "";
}

long inode_of(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 ? static_cast<long>(status.st_ino) : -1;
}

void trace(const char* op, long inode, const void* data, size_t length, long offset, const std::string& path,
           const std::string& path2 = "-") {
  static const std::string file = setting("FRUGAL_FAULT_TRACE");
  if (file.empty()) return;
  static const int out =
      real<int(const char*, int, ...)>("open")(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const std::string head = std::string(op) + " " + std::to_string(inode) + " " + std::to_string(length) +
                           " " + std::to_string(offset) + " " + path + " " + path2 + "\n";
  std::string record = head + std::string(static_cast<const char*>(data), length);
  const auto write_it = real<ssize_t(int, const void*, size_t)>("write");
  for (size_t done = 0; done < record.size();) {
    const ssize_t n = write_it(out, record.data() + done, record.size() - done);
    if (n <= 0) std::abort();
    done += static_cast<size_t>(n);
  }
}

[[noreturn]] void die() {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/// Does `call`, which is one of those counted; `half` does half of its work.
template <class Call, class Half>
auto counted(Call call, Half half) {
  static const long at = std::atol(setting("FRUGAL_FAULT_AT").c_str());
  static const std::string when = setting("FRUGAL_FAULT_WHEN");
  const bool now = ++calls == at;
  if (now && when == "torn") half();
  if (now && when != "after") die();
  const auto result = call();
  if (now) die();
  return result;
}

template <class Call>
auto counted(Call call) {
  return counted(call, [] {});
}

int open_watched(const char* name, const char* path, int flags, unsigned mode) {
  const auto open_it = real<int(const char*, int, ...)>(name);
  if (!watched(path) || (flags & (O_CREAT | O_TRUNC)) == 0) return open_it(path, flags, mode);
  const std::lock_guard lock(mutex);
  return counted([&] {
    const bool there = access(path, F_OK) == 0;
    const int fd = open_it(path, flags, mode);
    if (fd >= 0 && !there) trace("create", inode_of(fd), "", 0, 0, path);
    if (fd >= 0 && (flags & O_TRUNC) != 0) trace("truncate", inode_of(fd), "", 0, 0, path);
    return fd;
  });
}

template <class Offset>
ssize_t write_at(const char* name, int fd, const void* data, size_t length, Offset offset) {
  const auto write_it = real<ssize_t(int, const void*, size_t, off_t)>(name);
  const std::string path = path_of(fd);
  if (!watched(path)) return write_it(fd, data, length, offset);
  const std::lock_guard lock(mutex);
  return counted(
      [&] {
        const ssize_t written = write_it(fd, data, length, offset);
        if (written > 0) trace("write", inode_of(fd), data, static_cast<size_t>(written), offset, path);
        return written;
      },
      [&] { write_it(fd, data, length / 2, offset); });
}

int truncate_watched(const char* name, int fd, off_t length) {
  const auto truncate_it = real<int(int, off_t)>(name);
  const std::string path = path_of(fd);
  if (!watched(path)) return truncate_it(fd, length);
  const std::lock_guard lock(mutex);
  return counted([&] {
    const int result = truncate_it(fd, length);
    if (result == 0) trace("truncate", inode_of(fd), "", 0, length, path);
    return result;
  });
}

/// rename and link: two paths.
template <class Function>
int two_paths(const char* name, const char* from, const char* to) {
  const auto call = real<Function>(name);
  if (!watched(from) && !watched(to)) return call(from, to);
  const std::lock_guard lock(mutex);
  return counted([&] {
    const int result = call(from, to);
    if (result == 0) trace(name, 0, "", 0, 0, from, to);
    return result;
  });
}

int remove_watched(const char* name, const char* path) {
  const auto call = real<int(const char*)>(name);
  if (!watched(path)) return call(path);
  const std::lock_guard lock(mutex);
  return counted([&] {
    const int result = call(path);
    if (result == 0) trace("unlink", 0, "", 0, 0, path);
    return result;
  });
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const unsigned mode = (flags & O_CREAT) != 0 ? va_arg(list, unsigned) : 0;
  va_end(list);
  return open_watched("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const unsigned mode = (flags & O_CREAT) != 0 ? va_arg(list, unsigned) : 0;
  va_end(list);
  return open_watched("open64", path, flags, mode);
}

ssize_t write(int fd, const void* data, size_t length) {
  const auto write_it = real<ssize_t(int, const void*, size_t)>("write");
  const std::string path = path_of(fd);
  if (!watched(path)) return write_it(fd, data, length);
  const std::lock_guard lock(mutex);
  const off_t offset = lseek(fd, 0, SEEK_CUR);
  return counted(
      [&] {
        const ssize_t written = write_it(fd, data, length);
        if (written > 0) trace("write", inode_of(fd), data, static_cast<size_t>(written), offset, path);
        return written;
      },
      [&] { write_it(fd, data, length / 2); });
}

ssize_t pwrite(int fd, const void* data, size_t length, off_t offset) {
  return write_at("pwrite", fd, data, length, offset);
}
ssize_t pwrite64(int fd, const void* data, size_t length, off64_t offset) {
  return write_at("pwrite64", fd, data, length, offset);
}
int ftruncate(int fd, off_t length) noexcept { return truncate_watched("ftruncate", fd, length); }
int ftruncate64(int fd, off64_t length) noexcept { return truncate_watched("ftruncate64", fd, length); }

int fsync(int fd) {
  const auto fsync_it = real<int(int)>("fsync");
  const std::string path = path_of(fd);
  if (!watched(path)) return fsync_it(fd);
  const std::lock_guard lock(mutex);
  return counted([&] {
    const int result = fsync_it(fd);
    if (result == 0) trace("fsync", inode_of(fd), "", 0, 0, path);
    return result;
  });
}

int rename(const char* from, const char* to) noexcept {
  return two_paths<int(const char*, const char*)>("rename", from, to);
}
int link(const char* from, const char* to) noexcept {
  return two_paths<int(const char*, const char*)>("link", from, to);
}
int unlink(const char* path) noexcept { return remove_watched("unlink", path); }
int remove(const char* path) noexcept { return remove_watched("remove", path); }
}
