// CIFAR-10 and CIFAR-100 in the binary layout of their authors (https://www.cs.toronto.edu/~kriz/cifar.html):
// records of one or two label bytes and 3072 pixel bytes, a plane each of red, green and blue.
#pragma once

#include <filesystem>

#include "data/dataset.h"

namespace frugal {

/// Whether the directory looks like one of them: some file of it is there, though perhaps not all.
bool is_cifar10(const std::filesystem::path& directory);
bool is_cifar100(const std::filesystem::path& directory);

/// Fills classes and images. Any number of records and of classes up to 256 will do; what is missing, cut
/// short or labelled out of range is an error that names file and record.
void read_cifar10(const std::filesystem::path& directory, const LoadOptions& options, Dataset& dataset);
void read_cifar100(const std::filesystem::path& directory, const LoadOptions& options, Dataset& dataset);

/// The lines of a file of names, without the empty ones.
std::vector<std::string> read_names(const std::filesystem::path& path);

}  // namespace frugal
