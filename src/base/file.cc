#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"

namespace frugal {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

[[noreturn]] void fail(const char* verb, const std::filesystem::path& path, const std::string& why) {
  throw Error(std::string("cannot ") + verb + " " + path.string() + ": " + why);
}

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  /// Some file systems report a failed write only here.
  int close() { return ::close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

int64_t physical_memory() {
  return static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<int64_t>(::sysconf(_SC_PAGESIZE));
}

template <class Buffer>
Buffer read_whole(const std::filesystem::path& path, int64_t max_bytes) {
  const InputFile file(path, max_bytes);
  if (file.size() > physical_memory()) {
    fail("read", path, "its " + human_bytes(file.size()) + " are more than this machine's memory");
  }
  Buffer buffer;
  try {
    buffer.resize(static_cast<size_t>(file.size()));
  } catch (const std::bad_alloc&) {
    fail("read", path, "no memory for its " + human_bytes(file.size()));
  }
  file.read(0, {reinterpret_cast<uint8_t*>(buffer.data()), buffer.size()});
  return buffer;
}

/// Beside the target, so that the rename stays within a file system; hidden, and of this process alone.
std::filesystem::path temporary_name(const std::filesystem::path& path, int attempt) {
  return path.parent_path() / ("." + path.filename().string() + "." + std::to_string(::getpid()) +
                               (attempt == 0 ? "" : "-" + std::to_string(attempt)) + ".tmp");
}

/// Creates the temporary file. An existing one was left by a killed process that had our number: pass it by.
int create_temporary(const std::filesystem::path& path, std::filesystem::path& temporary) {
  int fd = -1;
  for (int attempt = 0; attempt < 100; ++attempt) {
    temporary = temporary_name(path, attempt);
    fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) break;
  }
  return fd;
}

/// 0, or the error number.
int write_all(int fd, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), std::min<size_t>(bytes.size(), size_t{1} << 30));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return 0;
}

int write_and_sync(Descriptor& file, std::span<const std::span<const uint8_t>> pieces) {
  for (std::span<const uint8_t> piece : pieces) {
    if (const int error = write_all(file.get(), piece)) return error;
  }
  if (::fsync(file.get()) != 0) return errno;
  return file.close() != 0 ? errno : 0;
}

/// Makes a rename last through a power cut. File systems that cannot sync a directory say EINVAL; that is no
/// failure.
int sync_directory(const std::filesystem::path& directory) {
  const Descriptor fd(
      ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return errno == EACCES ? 0 : errno;  // a directory may be writable yet not readable
  return ::fsync(fd.get()) != 0 && errno != EINVAL ? errno : 0;
}

}  // namespace

// Without O_NONBLOCK, opening a pipe would wait for its writer before we can see that it is none of our
// business.
InputFile::InputFile(const std::filesystem::path& path, int64_t max_bytes)
    : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  Descriptor file(fd_);
  if (fd_ < 0) fail("read", path, reason(errno));
  struct stat status {};
  if (::fstat(fd_, &status) != 0) fail("read", path, reason(errno));
  if (S_ISDIR(status.st_mode)) fail("read", path, reason(EISDIR));
  if (!S_ISREG(status.st_mode)) fail("read", path, "not a regular file");
  if (status.st_size > max_bytes) {
    fail("read", path,
         "it has " + with_thousands(status.st_size) + " bytes, at most " + with_thousands(max_bytes) +
             " are expected");
  }
  size_ = status.st_size;
  file.release();
}

InputFile::~InputFile() { ::close(fd_); }

void InputFile::read(int64_t offset, std::span<uint8_t> bytes) const {
  while (!bytes.empty()) {
    const ssize_t got = ::pread(fd_, bytes.data(), bytes.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read", path_, reason(errno));
    if (got == 0) fail("read", path_, "it became shorter while it was read");
    bytes = bytes.subspan(static_cast<size_t>(got));
    offset += got;
  }
}

std::vector<uint8_t> read_file(const std::filesystem::path& path, int64_t max_bytes) {
  return read_whole<std::vector<uint8_t>>(path, max_bytes);
}

std::string read_text_file(const std::filesystem::path& path, int64_t max_bytes) {
  return read_whole<std::string>(path, max_bytes);
}

void write_file_atomic(const std::filesystem::path& path, std::span<const std::span<const uint8_t>> pieces) {
  if (path.filename().empty()) fail("write", path, "it names no file");
  std::filesystem::path temporary;
  Descriptor file(create_temporary(path, temporary));
  if (file.get() < 0) fail("write", path, reason(errno));
  int error = write_and_sync(file, pieces);
  if (error == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(temporary.c_str());
    fail("write", path, reason(error));
  }
  if (const int unsynced = sync_directory(path.parent_path())) fail("write", path, reason(unsynced));
}

void write_file_atomic(const std::filesystem::path& path, const std::string& text) {
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  write_file_atomic(path, std::span(&bytes, 1));
}

void sync_renames(const std::filesystem::path& directory) {
  if (const int error = sync_directory(directory)) fail("sync", directory, reason(error));
}

}  // namespace frugal
