#include "eval/calibration.h"

#include <algorithm>
#include <cmath>

#include "train/logit_rows.h"

namespace frugal {
namespace {

constexpr size_t bin_count = 15;

/// The derivative of the mean cross-entropy by the inverse temperature, which grows with it: the loss is
/// convex in it.
double slope(std::span<const float> logits, std::span<const int32_t> labels, int64_t classes,
             double inverse) {
  std::vector<double> probabilities, logarithms;
  double sum = 0;
  for (size_t n = 0; n < labels.size(); ++n) {
    const float* row = logits.data() + n * static_cast<size_t>(classes);
    softmax_row(row, classes, 1 / inverse, probabilities, logarithms);
    double expected = 0;
    for (size_t c = 0; c < probabilities.size(); ++c) {
      if (probabilities[c] > 0) expected += probabilities[c] * static_cast<double>(row[c]);
    }
    sum += expected - static_cast<double>(row[labels[n]]);
  }
  return sum;
}

}  // namespace

Calibration calibrate(std::span<const float> logits, std::span<const int32_t> labels, int64_t classes,
                      double temperature) {
  Calibration result;
  std::vector<double> probabilities, logarithms, confidences(bin_count), rights(bin_count);
  for (size_t i = 0; i < bin_count; ++i) {
    result.bins.push_back({static_cast<double>(i) / bin_count, static_cast<double>(i + 1) / bin_count});
  }
  for (size_t n = 0; n < labels.size(); ++n) {
    const float* row = logits.data() + n * static_cast<size_t>(classes);
    softmax_row(row, classes, temperature, probabilities, logarithms);
    const auto guess = std::max_element(row, row + classes) - row;
    const double confidence = probabilities[static_cast<size_t>(guess)];
    // (low, high]: a confidence of exactly an upper bound belongs below it.
    const auto bin =
        static_cast<size_t>(std::clamp(std::ceil(confidence * bin_count) - 1, 0.0, bin_count - 1.0));
    ++result.bins[bin].images;
    confidences[bin] += confidence;
    rights[bin] += guess == labels[n];
  }
  const auto all = static_cast<double>(labels.size());
  for (size_t i = 0; i < bin_count; ++i) {
    CalibrationBin& bin = result.bins[i];
    const auto images = static_cast<double>(bin.images);
    bin.confidence = confidences[i] / images;
    bin.accuracy = rights[i] / images;
    result.error += std::abs(confidences[i] - rights[i]) / all;
    result.confidence += confidences[i] / all;
  }
  return result;
}

double fit_temperature(std::span<const float> logits, std::span<const int32_t> labels, int64_t classes) {
  double low = 0.01, high = 100;  // inverse temperatures
  for (int i = 0; i < 60; ++i) {
    const double middle = std::sqrt(low * high);
    (slope(logits, labels, classes, middle) > 0 ? high : low) = middle;
  }
  return 1 / std::sqrt(low * high);
}

}  // namespace frugal
