// A data set as a folder of pictures, for programs that read nothing else.
#pragma once

#include <filesystem>
#include <string>

#include "data/dataset.h"

namespace frugal {

/// DIR/train/CLASS/00000.png and DIR/test/CLASS/00000.png, numbered as in their splits: what read_folder
/// reads to the same pixels, where they are grey (then as RGB) or RGB. The directory must not be there, or be
/// empty. Two classes that would be in the same directory are an Error.
void write_folder(const Dataset& data, const std::filesystem::path& directory);

/// A class's directory: its name, with '_' in place of what no directory's name can hold ("T-shirt_top") and
/// before what would be hidden.
std::string class_directory(const std::string& name);

}  // namespace frugal
