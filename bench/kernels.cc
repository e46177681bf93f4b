// Single kernels on what a shard of SmallNet's first block gives them, as bytes a second: 32 images of 32x32,
// 32 channels.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "base/philox.h"
#include "base/tensor_view.h"
#include "data/batch.h"
#include "nn/kernels/chain.h"
#include "nn/kernels/dropout.h"
#include "nn/kernels/moments.h"

namespace frugal {
namespace {

constexpr int64_t samples = 32, height = 32, width = 32, channels = 32;
constexpr int64_t sample_elements = height * width * channels;
constexpr ChainShape block{height, width, channels, 2, true, 1.0f / 0.9f};

template <class T>
std::vector<T> noise(int64_t n) {
  const RandomStream random(1, Purpose::test);
  std::vector<T> values(static_cast<size_t>(n));
  for (size_t i = 0; i < values.size(); ++i) {
    const float value = 2 * uniform01(random.word(0, static_cast<uint32_t>(i))) - 1;
    if constexpr (sizeof(T) == 2) {
      values[i] = to_bf16(value);
    } else {
      values[i] = value;
    }
  }
  return values;
}

std::vector<uint8_t> keep_bits_of_shard() {
  std::vector<uint8_t> bits(static_cast<size_t>(samples * keep_bytes(sample_elements)));
  for (int64_t n = 0; n < samples; ++n) {
    keep_bits(sample_elements, DropoutRate(0.1f), {1, 2}, static_cast<uint32_t>(n), 0, 0,
              bits.data() + n * keep_bytes(sample_elements));
  }
  return bits;
}

template <class T>
void set_bytes(benchmark::State& state, double reads_and_writes) {
  state.SetBytesProcessed(static_cast<int64_t>(
      static_cast<double>(state.iterations() * samples * sample_elements) * sizeof(T) * reads_and_writes));
}

template <class T>
void Moments(benchmark::State& state) {
  const auto x = noise<T>(samples * sample_elements);
  std::vector<float> mean(channels), m2(channels);
  for (auto _ : state) channel_moments(x.data(), samples * height * width, channels, mean.data(), m2.data());
  set_bytes<T>(state, 1);
}
BENCHMARK(Moments<float>);
BENCHMARK(Moments<uint16_t>);

/// Batch-norm, ReLU, dropout and pooling of the block, forward and backward.
template <class T>
void Chain(benchmark::State& state) {
  auto x = noise<T>(samples * sample_elements);
  const std::vector<float> ones(channels, 1), zeros(channels, 0);
  const std::vector<uint8_t> keep = keep_bits_of_shard();
  std::vector<T> y(x.size() / 4), dx(x.size());
  const auto dy = noise<T>(std::ssize(y));
  std::vector<uint8_t> winner(y.size());
  std::vector<float> sum_g(channels), sum_gx(channels);
  const bool backward = state.range(0) != 0;
  for (auto _ : state) {
    for (int64_t n = 0; n < samples; ++n) {
      const uint8_t* kept = keep.data() + n * keep_bytes(sample_elements);
      const T* xn = x.data() + n * sample_elements;
      T* yn = y.data() + n * sample_elements / 4;
      uint8_t* winners = winner.data() + n * sample_elements / 4;
      if (!backward) {
        chain_forward(block, xn, ones.data(), zeros.data(), kept, yn, winners);
        continue;
      }
      const T* dyn = dy.data() + n * sample_elements / 4;
      chain_backward_sums(block, xn, dyn, winners, zeros.data(), sum_g.data(), sum_gx.data());
      chain_backward_input(block, xn, dyn, winners, ones.data(), ones.data(), zeros.data(), zeros.data(),
                           false, dx.data() + n * sample_elements);
    }
  }
  set_bytes<T>(state, backward ? 3.5 : 1.25);
}
BENCHMARK(Chain<float>)->ArgName("backward")->Arg(0)->Arg(1);
BENCHMARK(Chain<uint16_t>)->ArgName("backward")->Arg(0)->Arg(1);

/// Bytes are those of the bf16 elements that the bits are for.
void DropoutBits(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(keep_bits_of_shard());
  set_bytes<uint16_t>(state, 1);
}
BENCHMARK(DropoutBits);

}  // namespace
}  // namespace frugal
