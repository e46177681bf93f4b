// Which picture files a folder holds, and what each is for: found before any of them is opened.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/load_options.h"

namespace frugal {

struct PictureFile {
  std::string path;  // from the folder: "train/cat/1.jpg"
  int32_t label = 0;
};

struct FolderFiles {
  std::vector<std::string> classes;      // sorted by their bytes
  std::vector<PictureFile> train, test;  // class by class, each sorted by the bytes of their paths
};

/// Applies the rules of folder.h: splits, classes, and a test split drawn where there is none. Warns of what
/// is left aside. A folder without pictures, an unreadable directory and a class of the test split that the
/// training split lacks are errors.
FolderFiles find_pictures(const std::filesystem::path& folder, const LoadOptions& options);

}  // namespace frugal
