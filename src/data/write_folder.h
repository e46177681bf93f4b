// A data set as a folder of pictures, for programs that read nothing else.
#pragma once

#include <filesystem>

#include "data/dataset.h"

namespace frugal {

/// DIR/train/CLASS/00000.png and DIR/test/CLASS/00000.png, numbered as in their splits: what read_folder
/// reads to the same pixels, where they are grey (then as RGB) or RGB. The directory must not be there, or be
/// empty. Classes whose names cannot be directories are an Error.
void write_folder(const Dataset& data, const std::filesystem::path& directory);

}  // namespace frugal
