#include "nn/peaks.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include "nn/kernels/rows.h"
#include "nn/primitive.h"
#include "nn/workers.h"

namespace frugal {
namespace {

/// The shortest of many runs.
template <class F>
double best_seconds(int runs, F&& run) {
  double best = 1e9;
  for (int i = 0; i < runs; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    run();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return best;
}

double peak_flops(Precision precision) {
  const auto type = precision == Precision::bf16 ? onednn::Type::bf16 : onednn::Type::f32;
  constexpr int64_t n = 384;
  const onednn::Desc plain({n, n}, type, onednn::Tag::ab), any({n, n}, type, onednn::Tag::any);
  const auto desc = onednn::matmul(plain, any, plain);
  const onednn::Desc packed = desc.weights_desc();
  const Primitive product(desc, dnnl::matmul(desc),
                          {{DNNL_ARG_SRC, plain}, {DNNL_ARG_WEIGHTS, packed}, {DNNL_ARG_DST, plain}}, 1);
  AlignedFloats a(n * n), b(static_cast<int64_t>(packed.get_size() / sizeof(float)) + 1), c(n * n),
      scratch(product.scratch_bytes() / static_cast<int64_t>(sizeof(float)) + 1);
  void* const pointers[] = {a.span().data(), b.span().data(), c.span().data()};
  const double seconds = best_seconds(200, [&] { product.run(0, scratch.span().data(), pointers); });
  return 2.0 * n * n * n / seconds;
}

double peak_bandwidth() {
  constexpr int64_t n = int64_t{1} << 17;  // twice half a megabyte
  AlignedFloats from(n), to(n);
  const double seconds =
      best_seconds(200, [&] { add_rows(1, n, from.span().data(), n, to.span().data(), n); });
  return 3.0 * n * static_cast<double>(sizeof(float)) / seconds;
}

}  // namespace

Peaks measure_peaks(Precision precision) {
  Peaks peaks;
  Workers(1).run(1, [&](int, int64_t) { peaks = {peak_flops(precision), peak_bandwidth()}; });
  return peaks;
}

}  // namespace frugal
