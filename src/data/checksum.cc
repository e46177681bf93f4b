#include "data/checksum.h"

#include <nettle/md5.h>
#include <nettle/sha2.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace frugal {
namespace {

std::string hexadecimal(std::span<const uint8_t> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

Error unreadable(const std::filesystem::path& path) {
  return Error("cannot read " + path.string() + ": " + std::generic_category().message(errno));
}

}  // namespace

Checksums checksums_of(const std::filesystem::path& path, const StopFlag& stop) {
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rbe"));
  if (!file) throw unreadable(path);
  md5_ctx md5{};
  sha256_ctx sha256{};
  md5_init(&md5);
  sha256_init(&sha256);
  std::vector<uint8_t> block(1 << 20);
  while (const size_t got = std::fread(block.data(), 1, block.size(), file.get())) {
    throw_if_stopped(stop);
    md5_update(&md5, got, block.data());
    sha256_update(&sha256, got, block.data());
  }
  if (std::ferror(file.get()) != 0) throw unreadable(path);
  std::array<uint8_t, MD5_DIGEST_SIZE> md5_bytes{};
  std::array<uint8_t, SHA256_DIGEST_SIZE> sha256_bytes{};
  md5_digest(&md5, md5_bytes.size(), md5_bytes.data());
  sha256_digest(&sha256, sha256_bytes.size(), sha256_bytes.data());
  return {.md5 = hexadecimal(md5_bytes), .sha256 = hexadecimal(sha256_bytes)};
}

std::string checksum_difference(const Checksums& expected, const Checksums& found) {
  if (expected.md5.empty() && expected.sha256.empty()) throw std::logic_error("no checksum to compare with");
  if (!expected.sha256.empty() && expected.sha256 != found.sha256) {
    return "its SHA-256 is " + found.sha256 + " instead of " + expected.sha256;
  }
  if (!expected.md5.empty() && expected.md5 != found.md5) {
    return "its MD5 is " + found.md5 + " instead of " + expected.md5;
  }
  return {};
}

}  // namespace frugal
