#include "data/unpack.h"

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <new>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "base/file_writer.h"
#include "base/text.h"
#include "base/units.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

struct Free {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

class Unpacking {
 public:
  Unpacking(const fs::path& from, const fs::path& into, const UnpackLimits& limits, const StopFlag& stop)
      : from_(from), into_(into), limits_(limits), stop_(stop), reader_(archive_read_new()) {
    if (!reader_) throw std::bad_alloc();
    // Of all that libarchive can read, no more than is needed faces what comes from outside.
    check(archive_read_support_filter_gzip(reader_.get()));
    check(archive_read_support_format_tar(reader_.get()));
    check(archive_read_open_filename(reader_.get(), from.c_str(), 1 << 18));
  }

  int64_t run() {
    archive_entry* entry = nullptr;
    for (int64_t entries = 1;; ++entries) {
      throw_if_stopped(stop_);
      const int status = archive_read_next_header(reader_.get(), &entry);
      if (status == ARCHIVE_EOF) break;
      if (status != ARCHIVE_WARN) check(status);  // warnings are of owners and times, which we do not take
      if (entries > limits_.entries)
        refuse("it has more than " + with_thousands(limits_.entries) + " entries");
      take(entry);
    }
    if (files_ == 0) refuse("there is no file in it");
    return files_;
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(from_.string() + ": will not be unpacked: " + why);
  }

  void check(int status) const {
    if (status == ARCHIVE_OK) return;
    const char* why = archive_error_string(reader_.get());
    throw Error(from_.string() + ": cannot be unpacked, it is damaged or no .tar.gz: " +
                in_quotes(why == nullptr ? "unknown error" : why));
  }

  /// Where an entry may go: names below `into_`, nothing else.
  fs::path safe_path(const char* name) const {
    if (name == nullptr || *name == '\0') refuse("an entry has no name");
    const fs::path path(name);
    if (path.is_absolute()) refuse("the path of the entry " + in_quotes(name) + " is absolute");
    for (const fs::path& part : path) {
      if (part == "..") refuse("the path of the entry " + in_quotes(name) + " leads out of its folder");
    }
    return path.lexically_normal();
  }

  void take(archive_entry* entry) {
    const char* name = archive_entry_pathname(entry);
    const fs::path path = safe_path(name);
    const auto type = archive_entry_filetype(entry);
    const bool links = archive_entry_hardlink(entry) != nullptr || archive_entry_symlink(entry) != nullptr;
    if (links || (type != AE_IFREG && type != AE_IFDIR)) {
      refuse("the entry " + in_quotes(name) + " is neither a file nor a directory");
    }
    const fs::path target = into_ / path;
    std::error_code failure;
    fs::create_directories(type == AE_IFDIR ? target : target.parent_path(), failure);
    if (failure) throw Error("cannot make a directory for " + target.string() + ": " + failure.message());
    if (type == AE_IFDIR) return;
    if (fs::exists(fs::symlink_status(target, failure))) {
      refuse("the entry " + in_quotes(name) + " comes twice");
    }
    write(target);
    ++files_;
  }

  void write(const fs::path& target) {
    FileWriter file(target, FileWriter::Start::create);
    for (;;) {
      throw_if_stopped(stop_);
      const la_ssize_t got = archive_read_data(reader_.get(), block_.data(), block_.size());
      if (got < 0) check(static_cast<int>(got));
      if (got == 0) break;
      bytes_ += got;
      if (bytes_ > limits_.bytes) refuse("it unpacks to more than " + human_bytes(limits_.bytes));
      file.write(std::span(block_.data(), static_cast<size_t>(got)));
    }
    file.finish();
  }

  const fs::path& from_;
  const fs::path& into_;
  const UnpackLimits& limits_;
  const StopFlag& stop_;
  std::unique_ptr<archive, Free> reader_;
  std::vector<uint8_t> block_ = std::vector<uint8_t>(1 << 18);
  int64_t files_ = 0, bytes_ = 0;
};

}  // namespace

int64_t unpack(const fs::path& archive, const fs::path& into, const UnpackLimits& limits,
               const StopFlag& stop) {
  return Unpacking(archive, into, limits, stop).run();
}

}  // namespace frugal
