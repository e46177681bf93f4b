// Sheets of samples: what a data set looks like at a glance, and what augmentation makes of it.
#pragma once

#include "data/augment.h"
#include "data/dataset.h"
#include "data/image.h"

namespace frugal {

/// Up to 20 classes: a row a class, its first ten images. More: the first image of each of the first 400
/// classes, in the order of the classes, as a square. Small images are enlarged by whole factors. Grey or
/// RGB.
Image sample_sheet(const ImageSet& images, int64_t classes);

/// A row an image: as it is, then as the network sees it in each of the first eight epochs of a run with
/// this seed; zero, as cutout leaves, is the mean colour. Twelve images, drawn at random. Grey or RGB.
Image augment_sheet(const ImageSet& images, const std::vector<Augment>& augment,
                    const Normalization& normalization, uint64_t seed);

}  // namespace frugal
