// Which random changes are made to training images: a short list, written as users write it
// ("flip,crop:4,jitter:0.2,cutout:8").
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace frugal {

enum class AugmentKind {
  flip,     // left to right, with a probability
  altflip,  // every image in every other epoch (Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU",
            // 2024)
  shift,    // crop and translate: by whole pixels
  jitter,   // torchvision's ColorJitter
  grey,     // torchvision's RandomGrayscale
  affine,   // torchvision's RandomAffine, nearest neighbour
  randaugment,  // Cubuk et al., "RandAugment", 2019, as torchvision
  trivial,      // Mueller and Hutter, "TrivialAugment", 2021: the wide space, as torchvision
  cutout,       // DeVries and Taylor, "Improved Regularization of CNNs with Cutout", 2017
  erase,        // Zhong et al., "Random Erasing Data Augmentation", 2017, as torchvision
  mixup,        // Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2017
  cutmix,       // Yun et al., "CutMix", 2019
};

/// What a shift brings in from beyond the border.
enum class Padding : uint8_t { zero, reflect, edge };

struct Range {
  double low = 0, high = 0;
};

/// One entry of the list. Each kind reads the fields that its comment names.
struct Augment {
  AugmentKind kind = AugmentKind::flip;
  std::string text = {};            // as it was written
  double probability = 1;           // flip, grey, erase, mixup, cutmix
  int pixels = 0;                   // shift: furthest; cutout: the square's side
  Padding padding = Padding::zero;  // shift
  Range brightness{1, 1}, contrast{1, 1}, saturation{1, 1},
      hue{0, 0};                            // jitter: factors; turns of the circle
  double degrees = 0;                       // affine: of the rotation, either way
  double translate = 0;                     // affine: part of the image's size
  Range scale{1, 1};                        // affine
  double shear = 0;                         // affine: degrees along x
  Range area{0.02, 0.33}, ratio{0.3, 3.3};  // erase: part of the image; height / width
  int ops = 2, magnitude = 9;               // randaugment: of 31 magnitudes, from 0
  double alpha = 1;                         // mixup, cutmix: of the beta distribution
};

/// "none" or "" gives an empty list. Unknown names and bad numbers are usage errors that list what is known.
std::vector<Augment> parse_augment(const std::string& text);
std::string to_string(const std::vector<Augment>& augment);

/// Throws a usage error where the list cannot be done to images of this size: a mirror that is wider than
/// they are, colours of images that have none.
void check_augment(std::span<const Augment> augment, int64_t height, int64_t width, int64_t channels);

/// What --help says of the list: a line an entry.
std::string augment_help();

}  // namespace frugal
