// The layout of cifar100-mini: PNG sheets of 32x32 tiles, ten classes a sheet, a row a class, its training
// images before its test images. A sixth smaller than raw records, and any picture viewer shows what is in
// it.
#pragma once

#include <filesystem>
#include <string>

#include "data/dataset.h"

namespace frugal {

inline constexpr int64_t sheet_tile = 32, sheet_rows = 10, sheet_train_columns = 50, sheet_test_columns = 10;

/// A line a class, its name and that of its coarse class; coarse classes are numbered in alphabetical order.
inline constexpr const char* sheet_classes_file = "classes.txt";
/// sheet-0.png, sheet-1.png, ...
std::string sheet_file(int64_t sheet);

bool is_sheets(const std::filesystem::path& directory);

/// Fills classes and images; the images go round the classes, so that a stretch of them holds all alike.
void read_sheets(const std::filesystem::path& directory, const LoadOptions& options, Dataset& dataset);

}  // namespace frugal
