// The IDX files of MNIST and its relatives (http://yann.lecun.com/exdb/mnist), plain or gzipped: a magic
// number, big-endian sizes, then bytes.
#pragma once

#include <filesystem>

#include "data/dataset.h"

namespace frugal {

/// Whether some file of the four is there, though perhaps not all: train-images-idx3-ubyte,
/// train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte; with `.idx` for `-idx`, too, and
/// with or without `.gz`.
bool is_idx(const std::filesystem::path& directory);

/// Fills classes and images, of one channel. Classes are Fashion-MNIST's where the directory, or the one
/// above it, has "fashion" in its name, else "0" to the highest training label. What is missing, cut short,
/// too long or labelled out of range is an error that names the file; no more memory is taken than the file
/// can fill.
void read_idx(const std::filesystem::path& directory, const LoadOptions& options, Dataset& dataset);

}  // namespace frugal
