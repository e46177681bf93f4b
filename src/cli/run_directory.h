// Where a run writes: a directory that did not exist before.
#pragma once

#include <filesystem>
#include <string>

namespace frugal {

/// Makes `asked`, or runs/<date>-<model>, -2, -3, ... where it is empty; `model` is a model_label. One that
/// exists is a usage error; one that cannot be made is an error that says why.
std::filesystem::path make_run_directory(const std::string& asked, const std::string& model);

}  // namespace frugal
