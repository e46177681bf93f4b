// A sheet of samples: what a data set looks like, at a glance.
#pragma once

#include "data/dataset.h"
#include "data/image.h"

namespace frugal {

/// Up to 20 classes: a row a class, its first ten images. More: the first image of each of the first 400
/// classes, in the order of the classes, as a square. Small images are enlarged by whole factors. Grey or
/// RGB.
Image sample_sheet(const ImageSet& images, int64_t classes);

}  // namespace frugal
