// A file that is half downloaded, and the note beside it on what it is half of; and the header by which a
// server says which part it sends.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace frugal {

/// What can be gone on from. No bytes: start anew.
struct HeldPart {
  int64_t bytes = 0;
  std::string validator;  // for If-Range: the ETag or the date of the version that the bytes are of
};

/// "Content-Range: bytes BEGIN-END/TOTAL"; a total of "*" is 0.
struct ContentRange {
  int64_t begin = 0, end = 0, total = 0;
};
std::optional<ContentRange> parse_content_range(const std::string& text);

/// The headers that matter, empty where they were not sent.
struct ServerAnswer {
  std::string etag, last_modified;
  std::optional<ContentRange> range;
};

/// A part of the file at this very URL whose version can be told from another; nothing otherwise, or where
/// the note is missing or not ours.
HeldPart resumable_part(const std::filesystem::path& part, const std::string& url);

/// Throws an older part away and notes the version that the new one will be of. A weak ETag tells too little
/// of the bytes to go on by (RFC 9110, 13.1.5), and is passed over.
void begin_part(const std::filesystem::path& part, const std::string& url, const std::string& etag,
                const std::string& last_modified);

int64_t part_bytes(const std::filesystem::path& part);  // 0 where there is none

/// Removes a part and what lies beside it.
void remove_part(const std::filesystem::path& part);

}  // namespace frugal
