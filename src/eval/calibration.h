// Whether a network is as often right as it believes to be, and the temperature that makes it so.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace frugal {

struct CalibrationBin {
  double low, high;  // confidences in (low, high]
  int64_t images = 0;
  double confidence = 0;  // means over the bin's images; NaN where there is none
  double accuracy = 0;
};

struct Calibration {
  std::vector<CalibrationBin> bins;
  double error = 0;       // ECE: mean |accuracy - confidence| over bins, weighed by their images
  double confidence = 0;  // mean over all
};

/// Of logits [images, classes] divided by `temperature`; the confidence is the probability of the guessed
/// class. 15 bins of equal width, as Guo et al., "On calibration of modern neural networks", 2017. Logits of
/// -inf are classes that cannot be guessed.
Calibration calibrate(std::span<const float> logits, std::span<const int32_t> labels, int64_t classes,
                      double temperature = 1);

/// The temperature in [0.01, 100] at which the cross-entropy of these images is lowest (Guo et al. 2017); for
/// images that the network has not been trained on.
double fit_temperature(std::span<const float> logits, std::span<const int32_t> labels, int64_t classes);

}  // namespace frugal
