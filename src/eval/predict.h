// What a network makes of pictures: the most probable classes of each.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/dataset.h"
#include "data/image.h"
#include "frugal/guess.h"
#include "nn/engine.h"

namespace frugal {

/// Appends a picture of any size to a set of images of one size: cut to their proportions, resized to them.
void add_picture(ImageSet& set, const Image& image);

/// For each image the `top` most probable classes (all, where there are fewer), most probable first; equal
/// probabilities by label. Softmax in double.
std::vector<std::vector<Guess>> predict(Engine& engine, const ImageSet& images,
                                        const Normalization& normalization, int64_t classes, int64_t top);

/// The top classes of one row of logits.
std::vector<Guess> best_guesses(std::span<const float> logits, int64_t top);

}  // namespace frugal
