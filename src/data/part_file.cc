#include "data/part_file.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

fs::path note_of(const fs::path& part) { return part.string() + ".json"; }

/// Fit to be sent back as a header.
bool is_sendable(const std::string& value) {
  return !value.empty() && value.size() <= 256 &&
         std::ranges::all_of(value, [](char c) { return c >= 0x20 && c < 0x7F; });
}

/// Takes a number off the front.
bool take_number(std::string_view& text, int64_t& value) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || value < 0) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

}  // namespace

std::optional<ContentRange> parse_content_range(const std::string& text) {
  std::string_view rest = text;
  ContentRange range;
  if (!take(rest, "bytes ") || !take_number(rest, range.begin) || !take(rest, "-") ||
      !take_number(rest, range.end) || !take(rest, "/") || range.end < range.begin) {
    return std::nullopt;
  }
  if (rest == "*") return range;
  if (!take_number(rest, range.total) || !rest.empty() || range.total <= range.end) return std::nullopt;
  return range;
}

HeldPart resumable_part(const fs::path& part, const std::string& url) {
  const int64_t bytes = part_bytes(part);
  std::error_code ignored;
  if (bytes == 0 || !fs::exists(note_of(part), ignored)) return {};
  const Json note = Json::parse(read_text_file(note_of(part), 1 << 16), nullptr, false);
  if (!note.is_object() || note.value("url_xxh3_128", Json()) != hash_of(url)) return {};
  const Json validator = note.value("validator", Json());
  if (!validator.is_string() || !is_sendable(validator.get<std::string>())) return {};
  return {.bytes = bytes, .validator = validator.get<std::string>()};
}

void begin_part(const fs::path& part, const std::string& url, const std::string& etag,
                const std::string& last_modified) {
  remove_part(part);
  const std::string& validator = is_sendable(etag) && !etag.starts_with("W/") ? etag : last_modified;
  // A URL may hold a password, which has no place on the disk.
  const Json note = {{"url_xxh3_128", hash_of(url)}, {"validator", is_sendable(validator) ? validator : ""}};
  // The note first: a part without one is never gone on from.
  write_file_atomic(note_of(part), note.dump(2, ' ', true, Json::error_handler_t::replace) + "\n");
}

int64_t part_bytes(const fs::path& part) {
  std::error_code missing;
  const auto bytes = fs::file_size(part, missing);
  return missing ? 0 : static_cast<int64_t>(bytes);
}

void remove_part(const fs::path& part) {
  for (const fs::path& path : {part, note_of(part)}) {
    std::error_code failure;
    fs::remove(path, failure);
    if (failure) throw Error("cannot remove " + path.string() + ": " + failure.message());
  }
}

}  // namespace frugal
