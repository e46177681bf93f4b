#include "data/placed.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "base/units.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* manifest_name = "frugal-fetch.json";

struct Entry {
  std::string path;  // below the directory
  int64_t bytes = 0;
  std::string hash;
};

Entry describe(const fs::path& directory, const std::string& path) {
  const std::vector<uint8_t> bytes = read_file(directory / path);
  return {path, static_cast<int64_t>(bytes.size()), hash_of(bytes)};
}

/// A name that stays below the directory: a manifest is a file that anybody may have written.
bool stays_inside(const std::string& text) {
  const fs::path path(text);
  return !text.empty() && path.is_relative() &&
         std::ranges::none_of(path, [](const fs::path& part) { return part == ".."; });
}

/// Nothing where there is no manifest, or none that can be understood.
std::optional<std::vector<Entry>> read_manifest(const fs::path& directory) {
  std::error_code ignored;
  if (!fs::is_regular_file(directory / manifest_name, ignored)) return std::nullopt;
  const Json json = Json::parse(read_text_file(directory / manifest_name, 1 << 20), nullptr, false);
  std::vector<Entry> entries;
  try {
    for (const Json& file : json.at("files")) {
      entries.push_back({file.at("path"), file.at("bytes"), file.at("xxh3_128")});
      if (!stays_inside(entries.back().path)) return std::nullopt;
    }
  } catch (const Json::exception&) {
    return std::nullopt;
  }
  return entries;
}

[[noreturn]] void fail(const std::string& what, const fs::path& path, int error) {
  throw Error("cannot " + what + " " + path.string() + ": " + std::generic_category().message(error));
}

void move(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail("move " + from.string() + " to", to, errno);
}

/// False where the file system cannot.
bool exchange(const fs::path& a, const fs::path& b) {
  if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) return true;
  if (errno == EINVAL || errno == ENOSYS) return false;
  fail("exchange " + a.string() + " and", b, errno);
}

fs::path put_aside(const fs::path& path) {
  std::error_code ignored;
  for (int i = 1;; ++i) {
    fs::path aside = path.string() + ".old" + (i == 1 ? "" : "-" + std::to_string(i));
    if (fs::exists(fs::symlink_status(aside, ignored))) continue;
    move(path, aside);
    return aside;
  }
}

/// Whether somebody has put something of his own into a directory that we placed.
bool holds_more(const fs::path& directory, const std::vector<Entry>& ours) {
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    const std::string path = entry.path().lexically_relative(directory).string();
    if (path == manifest_name || (entry.is_directory() && !entry.is_symlink())) continue;
    if (std::ranges::find(ours, path, &Entry::path) == ours.end()) return true;
  }
  return false;
}

/// Removes what we placed, and the directories that are empty then.
void discard(const fs::path& directory, const std::vector<Entry>& ours) {
  std::error_code ignored;
  for (const Entry& entry : ours) fs::remove(directory / entry.path, ignored);
  fs::remove(directory / manifest_name, ignored);
  for (const Entry& entry : ours) {
    for (fs::path parent = fs::path(entry.path).parent_path(); !parent.empty();
         parent = parent.parent_path()) {
      fs::remove(directory / parent, ignored);  // refuses while something is in it
    }
  }
  fs::remove(directory, ignored);
}

}  // namespace

Found examine(const fs::path& directory) {
  std::error_code ignored;
  if (!fs::exists(directory, ignored)) return {};
  const auto entries = read_manifest(directory);
  if (!entries) return {.state = Found::State::foreign};
  Found found{.state = Found::State::verified, .files = static_cast<int64_t>(entries->size())};
  for (const Entry& stated : *entries) {
    found.bytes += stated.bytes;
    const fs::path path = directory / stated.path;
    if (!fs::is_regular_file(path, ignored)) {
      return {.state = Found::State::damaged, .what = stated.path + " is missing"};
    }
    if (static_cast<int64_t>(fs::file_size(path, ignored)) != stated.bytes) {
      return {.state = Found::State::damaged, .what = stated.path + " has another size than it had"};
    }
    if (describe(directory, stated.path).hash != stated.hash) {
      return {.state = Found::State::damaged, .what = stated.path + " is not what it was"};
    }
  }
  return found;
}

void seal(const fs::path& directory, const std::string& name, const std::string& source) {
  std::vector<std::string> paths;
  std::vector<fs::path> directories{directory};
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_directory()) directories.push_back(entry.path());
    if (entry.is_regular_file()) paths.push_back(entry.path().lexically_relative(directory).string());
  }
  std::ranges::sort(paths);
  Json files = Json::array();
  for (const std::string& path : paths) {
    const Entry entry = describe(directory, path);
    files.push_back({{"path", path}, {"bytes", entry.bytes}, {"xxh3_128", entry.hash}});
  }
  const Json manifest = {{"name", name}, {"source", source}, {"files", files}};
  write_file_atomic(directory / manifest_name,
                    manifest.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  for (const fs::path& each : directories) sync_renames(each);
}

fs::path place(const fs::path& sealed, const fs::path& target) {
  std::error_code ignored;
  fs::path aside;
  const auto before = read_manifest(target);
  if (before && !holds_more(target, *before) && exchange(sealed, target)) {
    discard(sealed, *before);
  } else {
    if (fs::exists(fs::symlink_status(target, ignored))) aside = put_aside(target);
    move(sealed, target);
    if (before) discard(aside, *before);
    if (!fs::exists(aside, ignored)) aside.clear();
  }
  sync_renames(target.parent_path());
  return aside;
}

}  // namespace frugal
