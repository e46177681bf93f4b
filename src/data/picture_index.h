// What is known of a folder's files without opening them again: the hash of each one's content, and the size
// of the picture in it. Kept between starts as git keeps its index: an entry holds as long as the file's
// size, times and inode stay as they were.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/load_options.h"

namespace frugal {

struct PictureFacts {
  std::string hash;  // XXH3-128 of the file, hexadecimal; empty: it could not be read
  ImageSize size;    // upright; 0 x 0 where its beginning is broken
};

/// Of every path (from `folder`), in their order. Files that the index of the last start does not vouch for
/// are read, on options.threads threads, and the index is written anew. Files that changed within the last
/// two seconds are read again next time: a later change could leave the same times. A damaged index is told
/// of and made again; one that cannot be written is told of.
std::vector<PictureFacts> picture_facts(const std::filesystem::path& folder,
                                        const std::vector<std::string>& paths, const LoadOptions& options);

/// Where the index of a folder lies below the root of the cache.
std::filesystem::path picture_index_file(const std::filesystem::path& cache_root,
                                         const std::filesystem::path& folder);

}  // namespace frugal
