// Pictures from files and to files: PNG and JPEG are read (told apart by their first bytes, not by their
// names), PNG is written. What arrives is not trusted: sizes are limited before memory is taken, and damage
// is an error.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "data/image.h"

namespace frugal {

/// Larger pictures and files are refused: a few kilobytes can claim to hold terabytes.
inline constexpr int64_t max_image_pixels = int64_t{64} << 20;
inline constexpr int64_t max_image_file_bytes = int64_t{256} << 20;

/// Reads a picture as `channels` = 1 (grey) or 3 (RGB), whatever the file holds: grey, palette, alpha (laid
/// over white), 16 bits; turned upright where EXIF says so. Refused by name: CMYK, other formats, broken and
/// truncated files, too large ones.
Image read_image(const std::filesystem::path& path, int channels);

/// The same from memory; `name` is for errors.
Image decode_image(std::span<const uint8_t> bytes, int channels, const std::string& name);
Image decode_png(std::span<const uint8_t> bytes, int channels, const std::string& name);
Image decode_jpeg(std::span<const uint8_t> bytes, int channels, const std::string& name);

/// The size of the upright picture, from the beginning of its file alone; throws as far as that shows faults.
ImageSize image_size(std::span<const uint8_t> bytes, const std::string& name);
ImageSize png_size(std::span<const uint8_t> bytes, const std::string& name);
ImageSize jpeg_size(std::span<const uint8_t> bytes, const std::string& name);

/// Grey or RGB, written atomically.
void write_png(const std::filesystem::path& path, const Image& image);
/// The same in memory.
std::vector<uint8_t> encode_png(const Image& image);

/// Which libraries decode: other versions may round otherwise.
std::string decoder_versions();
std::string png_library();
std::string jpeg_library();

/// Throws unless a picture of this size may be decoded.
void check_image_size(int64_t width, int64_t height, const std::string& name);

}  // namespace frugal
