// The colours of a data set: mean and standard deviation by channel, measured or given.
#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/spec.h"
#include "base/text.h"
#include "base/units.h"
#include "data/dataset.h"

namespace frugal {
namespace {

std::vector<float> numbers_of(const Spec& spec, const std::string& key) {
  const auto found = spec.options.find(key);
  if (found == spec.options.end()) {
    throw usage_error("--normalize: given needs mean and std, as in given:mean=0.5,std=0.25");
  }
  std::vector<float> numbers;
  for (const std::string_view piece : split(found->second, '|')) {
    numbers.push_back(static_cast<float>(parse_number(std::string(trim(piece)), "--normalize: " + key)));
    if (key == "std" && !(numbers.back() > 0)) throw usage_error("--normalize: std must be above 0");
  }
  return numbers;
}

Normalization given_normalization(const std::string& text) {
  const Spec spec = parse_spec(text, "--normalize");
  if (spec.name != "given") {
    throw usage_error("--normalize: " + in_quotes(text) + " is none of auto, none, given:mean=...,std=...");
  }
  spec.expect({"mean", "std"});
  return {numbers_of(spec, "mean"), numbers_of(spec, "std")};
}

/// One for all stands for every channel.
void spread(std::vector<float>& numbers, int64_t channels) {
  if (numbers.size() == 1) numbers.resize(static_cast<size_t>(channels), numbers[0]);
  if (std::ssize(numbers) == channels) return;
  throw usage_error("--normalize: " + std::to_string(numbers.size()) + " numbers were given for images of " +
                    std::to_string(channels) + " channels");
}

}  // namespace

void check_normalize(const std::string& text) {
  if (text != "auto" && text != "none") given_normalization(text);
}

Normalization choose_normalization(const std::string& text, const ImageSet& images) {
  if (text == "auto") return measure_normalization(images);
  if (text == "none") return no_normalization(images.channels);
  Normalization given = given_normalization(text);
  spread(given.mean, images.channels);
  spread(given.std, images.channels);
  return given;
}

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
