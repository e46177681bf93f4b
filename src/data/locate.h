// Where a data set is on this machine: the places that a name is looked for in, in order.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace frugal {

/// $FRUGAL_DATA, ~/.cache/frugal, share/frugal beside the program and where it was installed to, the source
/// tree's data/: those that apply.
std::vector<std::filesystem::path> data_roots();

/// Whether this is a name to be looked up, rather than a path.
bool is_data_name(const std::string& text);

/// A name as it is; a path that is meant from here as one that holds from anywhere.
std::string path_from_anywhere(const std::string& name_or_path);

/// The directory of a named data set, or of a path; last where Debian's package of that name puts it. A known
/// name that is nowhere is an error that lists every place; anything else that does not exist is a usage
/// error that lists the known names too.
std::filesystem::path locate_dataset(const std::string& name_or_path);

}  // namespace frugal
