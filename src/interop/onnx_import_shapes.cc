// What only changes shapes, from ONNX: flattening, in the many ways that exporters write it, and the small
// lists of numbers that they compute for it.
#include <algorithm>
#include <limits>

#include "interop/onnx_importer.h"
#include "interop/onnx_types.h"

namespace frugal {
namespace {

/// Stands for the number of images in lists that come from a value's shape.
constexpr int64_t any_batch = std::numeric_limits<int64_t>::min();
constexpr size_t longest_list = 64;

}  // namespace

void OnnxImporter::add_identity(const OnnxStep& step) {
  if (const auto list = list_of(step, 0, "")) {
    lists_[step.node->output(0)] = *list;
    return;
  }
  const Made& x = input(step);
  const int64_t to = attribute(*step.node, "to", static_cast<int64_t>(onnx::TensorElement::float32));
  const auto is = [&](onnx::TensorElement element) { return to == static_cast<int64_t>(element); };
  if (!is(onnx::TensorElement::float32) && !is(onnx::TensorElement::float16) &&
      !is(onnx::TensorElement::float64) && !is(onnx::TensorElement::bfloat16)) {
    fail(step, "it makes whole numbers of an image");
  }
  make(step, x.value, x.rank);
}

void OnnxImporter::add_concat(const OnnxStep& step) {
  const int64_t axis = attribute(*step.node, "axis", int64_t{0});
  if (axis == 0) {
    List all;
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      const auto list = list_of(step, i, "");
      if (!list) fail(step, "it joins images; frugal joins channels");
      all.insert(all.end(), list->begin(), list->end());
      if (all.size() > longest_list) fail(step, "it joins lists to one that is no shape");
    }
    lists_[step.node->output(0)] = std::move(all);
    return;
  }
  const int rank = input(step).rank;
  if (axis != 1 && axis != 1 - rank)
    fail(step, "it joins along axis " + std::to_string(axis) + ", not channels");
  std::vector<Value> values;
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const Made& x = input(step, i);
    if (x.rank != rank) fail(step, "it joins images and flat features");
    values.push_back(x.value);
  }
  make(step, net_.concat(values), rank);
}

void OnnxImporter::add_flatten(const OnnxStep& step) {
  const Made& x = input(step);
  const int64_t axis = attribute(*step.node, "axis", int64_t{1});
  if (axis != 1 && axis != 1 - x.rank)
    fail(step, "it flattens from axis " + std::to_string(axis) + ", not 1");
  make(step, net_.flatten(x.value), 2);
}

void OnnxImporter::add_reshape(const OnnxStep& step) {
  const Made x = input(step);
  const Shape in = shape(x);
  List to = list_of(step, 1, "shape").value_or(List());
  if (to.size() != 2 && to.size() != 4) fail(step, "it makes neither an image nor flat features");
  const List from = x.rank == 4 ? List{any_batch, in.c, in.h, in.w} : List{any_batch, in.c};
  // 0 copies, and one -1 is what remains.
  int64_t known = 1;
  for (size_t i = 0; i < to.size(); ++i) {
    if (to[i] == 0 && i < from.size()) to[i] = from[i];
    if (i == 0 && to[i] != -1 && to[i] == batch_) to[i] = any_batch;
    if (i == 0 || to[i] < 1) continue;
    if (to[i] > in.elements() / known) fail(step, "it makes more of fewer numbers");
    known *= to[i];
  }
  const bool batch_kept = to[0] == any_batch || (to[0] == -1 && known == in.elements());
  if (!batch_kept) fail(step, "it mixes images of a batch");
  for (size_t i = 1; i < to.size(); ++i) {
    if (to[i] == -1) to[i] = in.elements() / known;
  }
  if (to.size() == 2 && to[1] == in.elements()) {
    const bool pixels = in.h != 1 || in.w != 1;
    return make(step, pixels ? net_.flatten(x.value) : x.value, 2);
  }
  if (to.size() == 4 && to[1] == in.c && to[2] == in.h && to[3] == in.w) return make(step, x.value, 4);
  fail(step, "it gives pixels other places; only flattening is known");
}

/// Of one pixel's features: rows and columns go, together or one by one.
void OnnxImporter::add_squeeze(const OnnxStep& step) {
  if (const auto list = list_of(step, 0, "")) {
    lists_[step.node->output(0)] = *list;
    return;
  }
  const Made x = any_rank(step);
  List axes = list_of(step, 1, "axes").value_or(List());
  for (int64_t& axis : axes) axis += axis < 0 ? x.rank : 0;
  std::ranges::sort(axes);
  const bool both = x.rank == 4 && axes == List{2, 3},
             one = x.rank == 4 && (axes == List{2} || axes == List{3}), last = x.rank == 3 && axes == List{2};
  if (!(both || one || last) || shape(x).h != 1 || shape(x).w != 1) {
    fail(step, "it must take height and width of a single pixel away");
  }
  make(step, x.value, one ? 3 : 2);
}

/// Those of flat features come.
void OnnxImporter::add_unsqueeze(const OnnxStep& step) {
  if (const auto list = list_of(step, 0, "")) {
    lists_[step.node->output(0)] = *list;
    return;
  }
  const Made x = any_rank(step);
  List axes = list_of(step, 1, "axes").value_or(List());
  const int64_t rank = x.rank + std::ssize(axes);
  for (int64_t& axis : axes) axis += axis < 0 ? rank : 0;
  std::ranges::sort(axes);
  const bool both = x.rank == 2 && axes == List{2, 3}, first = x.rank == 2 && axes == List{2},
             second = x.rank == 3 && (axes == List{2} || axes == List{3});
  if (!(both || first || second)) fail(step, "it must add height and width to flat features");
  make(step, x.value, first ? 3 : 4);
}

/// All of it, or from `start` to before `end` (opset 15).
void OnnxImporter::add_shape(const OnnxStep& step) {
  const Made& x = input(step);
  const Shape in = shape(x);
  const List whole = x.rank == 4 ? List{any_batch, in.c, in.h, in.w} : List{any_batch, in.c};
  const int64_t count = std::ssize(whole);
  const auto place = [&](const char* name, int64_t otherwise) {
    const int64_t at = attribute(*step.node, name, otherwise);
    return std::clamp<int64_t>(at < 0 ? at + count : at, 0, count);
  };
  const int64_t start = place("start", 0), end = std::max(start, place("end", count));
  lists_[step.node->output(0)] = List(whole.begin() + start, whole.begin() + end);
}

/// One number, or some, of a list.
void OnnxImporter::add_gather(const OnnxStep& step) {
  const auto list = list_of(step, 0, ""), places = list_of(step, 1, "");
  if (!list || !places || attribute(*step.node, "axis", int64_t{0}) != 0) {
    fail(step, "only numbers of shapes are picked out");
  }
  List picked;
  for (const int64_t place : *places) {
    const int64_t at = place < 0 ? place + std::ssize(*list) : place;
    if (at < 0 || at >= std::ssize(*list)) fail(step, "it picks a number that is not there");
    picked.push_back((*list)[static_cast<size_t>(at)]);
  }
  lists_[step.node->output(0)] = std::move(picked);
}

/// One that is no part of a convolution or pool: then it must add nothing.
void OnnxImporter::add_pad(const OnnxStep& step) {
  const List pads = list_of(step, 1, "pads").value_or(List{-1});
  if (!std::ranges::all_of(pads, [](int64_t pad) { return pad == 0; })) {
    fail(step, "zeros around an image are known before a convolution or an average that alone reads it");
  }
  add_identity(step);
}

}  // namespace frugal
