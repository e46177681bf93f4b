// Folders of pictures, as torchvision's ImageFolder and most of the world lay them out: a directory a class.
#pragma once

#include <filesystem>

#include "data/dataset.h"

namespace frugal {

/// Whether there are directories in it, which are then taken for splits or for classes.
bool is_folder(const std::filesystem::path& directory);

/// Fills classes and images, RGB whatever the files hold.
///
/// DIR/train/CLASS/PICTURE with DIR/test/CLASS/PICTURE (or `testing`; or, where there is neither, `val`,
/// `valid`, `validation`), in upper or lower case; without any of them, or with DIR/CLASS/PICTURE, the test
/// split is drawn from the pictures of each class: asked.test_fraction of them, rounded, but at least one
/// of two, by (asked.split_seed, split). Classes are numbered in the order of their names' bytes. Below a
/// class, directories are followed to any depth, through links too. Pictures are what ends in .jpg, .jpeg or
/// .png, in upper or lower case; the rest is left aside with a warning, hidden files without. A picture is
/// cut to the proportions of the image size and resized by `fit`. The size is asked.image_size, else that
/// of the pictures where all of them have the same one up to 64 x 64, else 64 x 64.
///
/// asked.on_layout is called once the image size is known, before a picture is decoded or taken from what is
/// kept. A broken picture is an error that names the first of them, or with asked.skip_bad left out and
/// counted. Results are kept below asked.cache_root (decoded_cache.h) and taken from there as long as no file
/// changes.
void read_folder(const std::filesystem::path& directory, const LoadOptions& asked, Dataset& dataset);

}  // namespace frugal
