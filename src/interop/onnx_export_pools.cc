// Pools, blurs and padded shortcuts in terms of opset 17. What PyTorch rounds up is written so that every
// runtime cuts the same windows.
#include <algorithm>
#include <limits>

#include "interop/onnx_export_ops.h"
#include "interop/onnx_windows.h"
#include "nn/kernels/resample.h"

namespace frugal {
namespace {

std::vector<int64_t> both(const Extent& e) { return {e.h, e.w}; }

std::string pad(OnnxWriter& out, const std::string& x, const std::string& name, const std::string& mode,
                const std::vector<int64_t>& pads) {
  std::vector<std::string> inputs = {x, out.integers(name + "/pads", pads)};
  if (mode == "constant") inputs.push_back(out.number(name + "/zero", 0));
  return out.node("Pad", name, inputs, {{"mode", mode}});
}

/// Every stride-th row and column.
std::string subsample(OnnxWriter& out, const std::string& x, const std::string& name, const Extent& stride) {
  const std::vector<int64_t> end(2, std::numeric_limits<int64_t>::max());
  return out.node("Slice", name,
                  {x, out.integers(name + "/starts", {0, 0}), out.integers(name + "/ends", end),
                   out.integers(name + "/axes", {2, 3}), out.integers(name + "/steps", both(stride))});
}

/// Averages along one axis as a matrix, [out, in] for rows and [in, out] for columns.
std::string averages(OnnxWriter& out, const std::string& name, const Taps& taps, bool columns) {
  const std::vector<int64_t> shape =
      columns ? std::vector{taps.in, taps.out} : std::vector{taps.out, taps.in};
  return out.floats(name, shape, matrix_of(taps, columns));
}

/// left x right, image by image.
std::string product(OnnxWriter& out, const std::string& x, const std::string& name, const std::string& left,
                    const std::string& right) {
  return out.node("MatMul", name, {out.node("MatMul", name + "/rows", {left, x}), right});
}

}  // namespace

std::string export_pool(const OnnxExport& to, const Node& node, const std::string& x,
                        const std::string& name) {
  OnnxWriter& out = to.out;
  const PoolWindows windows = onnx_windows(node);
  const std::vector<int64_t> even = {node.padding.h, node.padding.w, node.padding.h, node.padding.w};
  const bool average = node.kind == OpKind::avg_pool;
  const bool counted = average && node.count_include_pad && !(node.padding == Extent(0));
  if (counted && (windows.ceil_mode || windows.pads != even)) {
    // Padding counts, but what the last window lacks behind it does not: no pool of ONNX can say that.
    const auto matrix = [&](const char* side, int64_t in, int64_t made, int kernel, int stride, int padding) {
      const Taps taps = average_taps(in, made, kernel, stride, padding, true);
      return averages(out, name + side, taps, side[1] == 'r');
    };
    return product(out, x, name,
                   matrix("/left", node.in.h, node.out.h, node.kernel.h, node.stride.h, node.padding.h),
                   matrix("/right", node.in.w, node.out.w, node.kernel.w, node.stride.w, node.padding.w));
  }
  std::vector<OnnxAttribute> attributes = {{"kernel_shape", both(node.kernel)},
                                           {"strides", both(node.stride)},
                                           {"pads", windows.pads},
                                           {"ceil_mode", int64_t{windows.ceil_mode}}};
  if (average) attributes.push_back({"count_include_pad", int64_t{counted}});
  return out.node(average ? "AveragePool" : "MaxPool", name, {x}, attributes);
}

std::string export_adaptive_pool(const OnnxExport& to, const Node& node, const std::string& x,
                                 const std::string& name) {
  OnnxWriter& out = to.out;
  const bool average = node.kind == OpKind::adaptive_avg_pool;
  const Shape &in = node.in, &made = node.out;
  if (made.h == 1 && made.w == 1) return out.node(average ? "GlobalAveragePool" : "GlobalMaxPool", name, {x});
  if (in.h % made.h == 0 && in.w % made.w == 0) {
    const std::vector<int64_t> window = {in.h / made.h, in.w / made.w};
    return out.node(average ? "AveragePool" : "MaxPool", name, {x},
                    {{"kernel_shape", window}, {"strides", window}});
  }
  // Windows of different sizes. Averages are products with matrices from both sides.
  if (average) {
    return product(out, x, name, averages(out, name + "/left", adaptive_average_taps(in.h, made.h), false),
                   averages(out, name + "/right", adaptive_average_taps(in.w, made.w), true));
  }
  // For maxima, small windows have their last position more than once, and then all are alike.
  const EvenWindows h = even_windows(in.h, made.h), w = even_windows(in.w, made.w);
  const std::string rows =
      out.node("Gather", name + "/rows", {x, out.integers(name + "/row_numbers", h.positions)},
               {{"axis", int64_t{2}}});
  const std::string all =
      out.node("Gather", name + "/columns", {rows, out.integers(name + "/column_numbers", w.positions)},
               {{"axis", int64_t{3}}});
  const std::vector<int64_t> window = {h.size, w.size};
  return out.node("MaxPool", name, {all}, {{"kernel_shape", window}, {"strides", window}});
}

std::string export_blur_pool(const OnnxExport& to, const Node& node, const std::string& x,
                             const std::string& name) {
  OnnxWriter& out = to.out;
  const int64_t size = node.kernel.h, before = (size - 1) / 2, behind = size / 2;
  if (size == 1) return subsample(out, x, name, node.stride);
  const std::string from =
      pad(out, x, name + "/pad", "reflect", {0, 0, before, before, 0, 0, behind, behind});
  const std::vector<float> filter = blur_filter(size, node.in.c);
  const std::string weight = out.floats(name + "/filter", {node.in.c, 1, size, size}, filter);
  return out.node("Conv", name, {from, weight},
                  {{"kernel_shape", std::vector<int64_t>{size, size}},
                   {"strides", both(node.stride)},
                   {"group", node.in.c}});
}

std::string export_pad_channels(const OnnxExport& to, const Node& node, const std::string& x,
                                const std::string& name) {
  OnnxWriter& out = to.out;
  const int64_t behind = node.out.c - node.in.c - node.channels_before;
  if (node.out.c == node.in.c) return subsample(out, x, name, node.stride);
  const bool every = node.stride.h == 1;
  return pad(out, every ? x : subsample(out, x, name + "/slice", node.stride), name, "constant",
             {0, node.channels_before, 0, 0, 0, behind, 0, 0});
}

}  // namespace frugal
