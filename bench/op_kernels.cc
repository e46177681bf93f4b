// Kernels of the operations that only move memory, on a bf16 shard of 8 images of 32x32 and as many channels
// as asked for: bytes a second, each tensor counted once. Activations: numbers a second, a tile in L1.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/tensor_view.h"
#include "nn/kernels/activation.h"
#include "nn/kernels/gate.h"
#include "nn/kernels/group_norm.h"
#include "nn/kernels/layer_norm.h"
#include "nn/kernels/max_pool.h"
#include "nn/kernels/resample.h"
#include "nn/kernels/rows.h"

namespace frugal {
namespace {

using Bf16 = uint16_t;
constexpr int64_t samples = 8, side = 32, pixels = side * side;

std::vector<Bf16> numbers(int64_t n) {
  std::vector<Bf16> values(static_cast<size_t>(n));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = to_bf16(static_cast<float>(i * 7919 % 1000) / 500 - 1);
  }
  return values;
}

/// Runs body(sample) for every sample; `tensors`: how many of the shard's size are read and written.
template <class Body>
void for_samples(benchmark::State& state, double tensors, Body&& body) {
  for (auto _ : state) {
    for (int64_t i = 0; i < samples; ++i) body(i);
    benchmark::ClobberMemory();
  }
  const double bytes = static_cast<double>(samples * pixels * state.range(0) * 2);
  state.SetBytesProcessed(static_cast<int64_t>(static_cast<double>(state.iterations()) * bytes * tensors));
}

struct Shard {
  explicit Shard(const benchmark::State& state)
      : c(state.range(0)), size(pixels * c), x(numbers(samples * size)), dy(x), y(2 * x.size()) {}
  int64_t c, size;  // of a sample
  std::vector<Bf16> x, dy, y;
  std::vector<float> scratch = std::vector<float>(static_cast<size_t>(4 * size));
};

void Resample(benchmark::State& state, const ResampleShape& shape) {
  Shard s(state);
  const int64_t in = shape.h.in * shape.w.in * s.c, out = shape.h.out * shape.w.out * s.c;
  for_samples(state, static_cast<double>(in + out) / static_cast<double>(s.size), [&](int64_t i) {
    resample(shape, s.x.data() + i * in, s.y.data() + i * out, false, s.scratch.data());
  });
}
void GlobalAverage(benchmark::State& state) {
  Resample(state, {adaptive_average_taps(side, 1), adaptive_average_taps(side, 1), state.range(0)});
}
void GlobalAverageBackward(benchmark::State& state) {
  const Taps taps = transposed(adaptive_average_taps(side, 1));
  Resample(state, {taps, taps, state.range(0)});
}
void Average2(benchmark::State& state) {
  const Taps taps = average_taps(side, side / 2, 2, 2, 0, true);
  Resample(state, {taps, taps, state.range(0)});
}
void Average2Backward(benchmark::State& state) {
  const Taps taps = transposed(average_taps(side, side / 2, 2, 2, 0, true));
  Resample(state, {taps, taps, state.range(0)});
}

/// 3x3, every second position.
void MaxPool(benchmark::State& state) {
  Shard s(state);
  const PoolAxis axis = window_axis(side, side / 2, 3, 2, 1);
  const MaxPoolShape shape{axis, axis, s.c};
  std::vector<uint8_t> winner(s.x.size());
  for_samples(state, 1.375, [&](int64_t i) {
    max_pool_forward(shape, s.x.data() + i * s.size, s.y.data(), winner.data());
  });
}

void Gate(benchmark::State& state) {
  Shard s(state);
  for_samples(state, 2, [&](int64_t i) {
    gate_forward(pixels, s.c, s.x.data() + i * s.size, s.dy.data(), s.y.data() + i * s.size);
  });
}
void GateBackward(benchmark::State& state) {
  Shard s(state);
  std::vector<Bf16> factors(static_cast<size_t>(s.c));
  for_samples(state, 3, [&](int64_t i) {
    const int64_t at = i * s.size;
    gate_backward(pixels, s.c, s.x.data() + at, s.x.data(), s.dy.data() + at,
                  GateGradients<Bf16>{s.y.data() + at, factors.data()}, s.scratch.data());
  });
}

/// Four channels a group.
void GroupNorm(benchmark::State& state) {
  Shard s(state);
  const GroupNormShape shape{pixels, s.c, s.c / 4};
  std::vector<float> statistics(static_cast<size_t>(shape.statistics()));
  for_samples(state, 2, [&](int64_t i) {
    group_norm_forward(shape, s.x.data() + i * s.size, nullptr, nullptr, s.y.data() + i * s.size,
                       statistics.data(), s.scratch.data());
  });
}

void LayerNorm(benchmark::State& state) {
  Shard s(state);
  for_samples(state, 2, [&](int64_t i) {
    layer_norm_forward(pixels, s.c, 1e-5f, s.x.data() + i * s.size, nullptr, nullptr, s.y.data() + i * s.size,
                       s.scratch.data());
  });
}

/// A slice of a value twice as wide.
void Concat(benchmark::State& state) {
  Shard s(state);
  for_samples(state, 2, [&](int64_t i) {
    copy_rows(pixels, s.c, s.x.data() + i * s.size, s.c, s.y.data() + 2 * i * s.size, 2 * s.c);
  });
}

template <class T>
void ActivationTile(benchmark::State& state, Activation kind, bool gradient, T) {
  constexpr size_t tile = 2048;
  std::vector<float> z(tile), y(tile);
  for (size_t i = 0; i < tile; ++i) z[i] = static_cast<float>(i % 997) / 200 - 2.5f;
  while (state.KeepRunning()) {
    std::ranges::copy(z, y.begin());
    if (gradient) {
      activation_gradient<T>(kind, 1, z.data(), y.data(), y.data(), tile);
    } else {
      activation_forward<T>(kind, 1, y.data(), y.data(), tile);
    }
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * tile));
}

/// Widths of vectors and of their ends.
void widths(benchmark::internal::Benchmark* b) { b->Arg(12)->Arg(64)->ArgName("channels"); }
BENCHMARK(GlobalAverage)->Apply(widths);
BENCHMARK(GlobalAverageBackward)->Apply(widths);
BENCHMARK(Average2)->Apply(widths);
BENCHMARK(Average2Backward)->Apply(widths);
BENCHMARK(MaxPool)->Apply(widths);
BENCHMARK(Gate)->Apply(widths);
BENCHMARK(GateBackward)->Apply(widths);
BENCHMARK(GroupNorm)->Apply(widths);
BENCHMARK(LayerNorm)->Apply(widths);
BENCHMARK(Concat)->Apply(widths);
BENCHMARK_CAPTURE(ActivationTile, silu, Activation::silu, false, float());
BENCHMARK_CAPTURE(ActivationTile, silu_gradient, Activation::silu, true, float());
BENCHMARK_CAPTURE(ActivationTile, gelu, Activation::gelu, false, float());
BENCHMARK_CAPTURE(ActivationTile, gelu_gradient, Activation::gelu, true, float());
BENCHMARK_CAPTURE(ActivationTile, gelu_bf16, Activation::gelu, false, Bf16());
BENCHMARK_CAPTURE(ActivationTile, gelu_bf16_gradient, Activation::gelu, true, Bf16());
BENCHMARK_CAPTURE(ActivationTile, mish, Activation::mish, false, float());
BENCHMARK_CAPTURE(ActivationTile, hardswish, Activation::hardswish, false, float());

}  // namespace
}  // namespace frugal
