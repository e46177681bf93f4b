#include "interop/zip_archive.h"

#include <zip.h>

#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"

namespace frugal {
namespace {

// What a zip file spends beside an entry's bytes and twice its name, and at its end.
constexpr int64_t entry_overhead = 30 + 46, end_overhead = 22;

std::string reason(int code) {
  if (code == ZIP_ER_EXISTS) return "two entries have the same name";
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

struct CloseFile {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

}  // namespace

void ZipArchive::Close::operator()(zip* archive) const { zip_discard(archive); }

ZipArchive::ZipArchive(const std::filesystem::path& path) : file_(path.string()) {
  const InputFile input(path);  // says what is wrong with directories, pipes and missing files
  int code = 0;
  archive_.reset(zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
  if (!archive_) throw Error(file_ + ": cannot be read as a zip file: " + reason(code) + "; it is damaged");
  check_entries(input.size());
}

void ZipArchive::check_entries(int64_t file_bytes) {
  const zip_int64_t count = zip_get_num_entries(archive_.get(), 0);
  int64_t needed = end_overhead;
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t status;
    zip_stat_init(&status);
    constexpr zip_uint64_t all = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD |
                                 ZIP_STAT_ENCRYPTION_METHOD;
    if (zip_stat_index(archive_.get(), static_cast<zip_uint64_t>(i), 0, &status) != 0 ||
        (status.valid & all) != all)
      throw Error(file_ + ": entry " + std::to_string(i) + " of the zip file is damaged");
    const auto refuse = [&](const std::string& why) {
      throw Error(file_ + ": refused: entry " + in_quotes(status.name) + " of the zip file " + why);
    };
    if (status.encryption_method != ZIP_EM_NONE) refuse("is encrypted; decrypt it first");
    if (status.comp_method != ZIP_CM_STORE) {
      refuse(
          "is compressed, and torch.save stores; if you trust it, unpack it and zip it again without "
          "compression (zip -0 -r)");
    }
    if (status.size != status.comp_size || status.size > static_cast<zip_uint64_t>(file_bytes))
      refuse("claims " + std::to_string(status.size) + " bytes that the file does not have; it is damaged");
    const std::string_view name(status.name);
    needed += static_cast<int64_t>(status.size) + 2 * static_cast<int64_t>(name.size()) + entry_overhead;
    if (needed > file_bytes) refuse("and others overlap: together they claim more bytes than the file has");
    entries_.push_back({std::string(name), static_cast<int64_t>(status.size)});
  }
}

std::optional<size_t> ZipArchive::find(const std::string& name) const {
  const zip_int64_t place = zip_name_locate(archive_.get(), name.c_str(), ZIP_FL_ENC_RAW);
  if (place < 0) return std::nullopt;
  return static_cast<size_t>(place);
}

void ZipArchive::read(size_t entry, std::span<uint8_t> bytes) const {
  const auto fail = [&](const std::string& why) {
    throw Error(file_ + ": entry " + in_quotes(entries_[entry].name) +
                " of the zip file cannot be read: " + why + "; the file is damaged");
  };
  const std::unique_ptr<zip_file_t, CloseFile> file(zip_fopen_index(archive_.get(), entry, 0));
  if (!file) fail(zip_strerror(archive_.get()));
  while (!bytes.empty()) {
    const zip_int64_t got = zip_fread(file.get(), bytes.data(), bytes.size());
    if (got < 0) fail(zip_file_strerror(file.get()));
    if (got == 0) fail("it ends too early");
    bytes = bytes.subspan(static_cast<size_t>(got));
  }
  // Only the read that finds the end compares the checksum.
  uint8_t beyond = 0;
  if (zip_fread(file.get(), &beyond, 1) != 0) fail(zip_file_strerror(file.get()));
}

}  // namespace frugal
