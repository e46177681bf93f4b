#include "nn/initialise.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/math.h"
#include "base/philox.h"

namespace frugal {
namespace {

struct Fans {
  double in = 1, out = 1;
};

/// torch.nn.init._calculate_fan_in_and_fan_out.
Fans fans_of(const ParameterSpec& spec) {
  if (spec.shape.size() < 2) {
    throw Error(spec.name + ": " + init_name(spec.init) +
                " needs inputs and outputs, which it does not have");
  }
  double window = 1;
  for (size_t i = 2; i < spec.shape.size(); ++i) window *= static_cast<double>(spec.shape[i]);
  return {static_cast<double>(spec.shape[1]) * window, static_cast<double>(spec.shape[0]) * window};
}

/// Calls visit(i, word) for every number's own random word.
template <class Visit>
void for_each_word(const RandomStream& random, size_t count, Visit&& visit) {
  for (size_t i = 0; i < count; i += 4) {
    const std::array<uint32_t, 4> words = random.block(0, static_cast<uint32_t>(i / 4));
    for (size_t j = 0; j < 4 && i + j < count; ++j) visit(i + j, words[j]);
  }
}

void fill_uniform(const RandomStream& random, float bound, std::span<float> values) {
  for_each_word(random, values.size(),
                [&](size_t i, uint32_t word) { values[i] = (2.0f * uniform01(word) - 1.0f) * bound; });
}

/// A standard normal number; words at the middle of their interval, so that neither end is met.
double normal_of(uint32_t word) { return normal_quantile((static_cast<double>(word) + 0.5) * 0x1p-32); }

void fill_normal(const RandomStream& random, double deviation, std::span<float> values) {
  for_each_word(random, values.size(), [&](size_t i, uint32_t word) {
    values[i] = static_cast<float>(deviation * normal_of(word));
  });
}

/// In lanes: a fixed order that vectors can follow.
double dot(const double* a, const double* b, size_t count) {
  constexpr size_t lanes = 8;
  double sums[lanes] = {};
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (size_t lane = 0; lane < lanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  for (; i < count; ++i) sums[0] += a[i] * b[i];
  double sum = 0;
  for (double part : sums) sum += part;
  return sum;
}

/// Makes `count` vectors of `length` >= count orthonormal, each projected twice, which is enough (Giraud,
/// Langou, Rozloznik 2005). The lengths that it divides by are the diagonal of R and positive, so that of
/// normal numbers the result is spread evenly (Mezzadri, "How to generate random matrices", 2007).
void orthonormalise(std::vector<double>& vectors, size_t count, size_t length) {
  for (size_t i = 0; i < count; ++i) {
    double* vector = vectors.data() + i * length;
    for (int pass = 0; pass < 2; ++pass) {
      for (size_t j = 0; j < i; ++j) {
        const double* earlier = vectors.data() + j * length;
        const double along = dot(vector, earlier, length);
        for (size_t k = 0; k < length; ++k) vector[k] -= along * earlier[k];
      }
      const double norm = std::sqrt(dot(vector, vector, length));
      for (size_t k = 0; k < length; ++k) vector[k] /= norm;
    }
  }
}

void fill_orthogonal(const ParameterSpec& spec, const RandomStream& random, std::span<float> values) {
  fans_of(spec);  // throws where there are none
  const auto rows = static_cast<size_t>(spec.shape[0]), columns = static_cast<size_t>(spec.elements()) / rows;
  const size_t count = std::min(rows, columns), length = std::max(rows, columns);
  const bool by_rows = rows <= columns;
  const auto place = [&](size_t i) {
    return by_rows ? i : i % columns * rows + i / columns;  // of number i among the vectors
  };
  std::vector<double> vectors(values.size());
  for_each_word(random, values.size(), [&](size_t i, uint32_t word) { vectors[place(i)] = normal_of(word); });
  orthonormalise(vectors, count, length);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(vectors[place(i)]);
}

/// torch.nn.init.dirac_(weight[:in]); what is behind stays as it is.
void set_dirac(const ParameterSpec& spec, std::span<float> values) {
  if (spec.shape.size() != 4) throw Error(spec.name + ": dirac is for convolutions");
  const auto in = static_cast<size_t>(spec.shape[1]),
             window = static_cast<size_t>(spec.shape[2] * spec.shape[3]);
  const auto centre = static_cast<size_t>(spec.shape[2] / 2 * spec.shape[3] + spec.shape[3] / 2);
  const size_t filters = std::min(static_cast<size_t>(spec.shape[0]), in);
  std::ranges::fill(values.first(filters * in * window), 0.0f);
  for (size_t i = 0; i < filters; ++i) values[(i * in + i) * window + centre] = 1;
}

}  // namespace

void initialise_parameter(const ParameterSpec& spec, uint64_t seed, uint32_t index, std::span<float> values) {
  const RandomStream random(seed, Purpose::initialise, index);
  const auto uniform_by_default = [&] {
    // torch.nn.Conv2d and Linear: kaiming_uniform_(a=sqrt(5)) is uniform in +-1/sqrt(fan_in); so is the bias.
    fill_uniform(random, 1.0f / std::sqrt(static_cast<float>(spec.fan_in)), values);
  };
  const auto uniform = [&](double variance) {
    fill_uniform(random, static_cast<float>(std::sqrt(3 * variance)), values);
  };
  const auto normal = [&](double variance) { fill_normal(random, std::sqrt(variance), values); };
  switch (spec.init) {
    case Init::zeros:
    case Init::whitening:
      std::ranges::fill(values, 0.0f);
      return;
    case Init::ones:
      std::ranges::fill(values, 1.0f);
      return;
    case Init::constant:
      std::ranges::fill(values, spec.value);
      return;
    case Init::uniform_fan_in:
      return uniform_by_default();
    case Init::kaiming_normal:
      return normal(2 / fans_of(spec).in);
    case Init::kaiming_normal_fan_out:
      return normal(2 / fans_of(spec).out);
    case Init::kaiming_uniform:
      return uniform(2 / fans_of(spec).in);
    case Init::xavier_normal:
      return normal(2 / (fans_of(spec).in + fans_of(spec).out));
    case Init::xavier_uniform:
      return uniform(2 / (fans_of(spec).in + fans_of(spec).out));
    case Init::normal:
      return fill_normal(random, spec.value, values);
    case Init::orthogonal:
      return fill_orthogonal(spec, random, values);
    case Init::dirac:
      uniform_by_default();
      return set_dirac(spec, values);
  }
}

}  // namespace frugal
