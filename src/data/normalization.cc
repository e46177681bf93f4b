// The colours of a data set: mean and standard deviation by channel.
#include <cmath>

#include "data/dataset.h"

namespace frugal {

Normalization no_normalization(int64_t channels) {
  const auto size = static_cast<size_t>(channels);
  return {std::vector<float>(size, 0.0f), std::vector<float>(size, 1.0f)};
}

Normalization measure_normalization(const ImageSet& images) {
  Normalization result = no_normalization(images.channels);
  const int64_t pixels = images.count * images.height * images.width;
  if (pixels == 0) return result;
  const auto channels = static_cast<size_t>(images.channels);
  std::vector<uint64_t> sum(channels), squares(channels);
  const uint8_t* pixel = images.pixels.data();
  for (int64_t i = 0; i < pixels; ++i) {
    for (size_t c = 0; c < channels; ++c) {
      const uint64_t value = *pixel++;
      sum[c] += value;
      squares[c] += value * value;
    }
  }
  const auto n = static_cast<double>(pixels);
  for (size_t c = 0; c < channels; ++c) {
    // n * sum(x^2) - sum(x)^2 in whole numbers: nothing cancels.
    using Wide = unsigned __int128;
    const Wide scatter = Wide{static_cast<uint64_t>(pixels)} * squares[c] - Wide{sum[c]} * sum[c];
    result.mean[c] = static_cast<float>(static_cast<double>(sum[c]) / n / 255);
    // A channel of one value has nothing to scale.
    if (scatter != 0) result.std[c] = static_cast<float>(std::sqrt(static_cast<double>(scatter)) / n / 255);
  }
  return result;
}

}  // namespace frugal
