#include "nn/packed_weights.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace frugal {

int PackedWeights::request(int parameter, const onednn::Desc& plain, const onednn::Desc& wanted) {
  Packing packing{};
  packing.parameter = parameter;
  packing.plain = plain;
  packing.desc = wanted;
  packing.identity = plain == wanted;
  packing.source = dnnl::memory(plain, onednn::cpu(), parameters_.weight(parameter).data());
  return add(std::move(packing));
}

int PackedWeights::request_rotated(int parameter, int64_t out, int64_t in, int64_t kernel,
                                   const onednn::Desc& wanted) {
  const onednn::Desc plain({in, out, kernel, kernel}, onednn::Type::f32, onednn::Tag::oihw);
  Packing packing{};
  packing.parameter = parameter;
  packing.plain = plain;
  packing.desc = wanted;
  packing.rotation = {out, in, kernel * kernel};
  packing.source = dnnl::memory(plain, onednn::cpu());
  return add(std::move(packing));
}

int PackedWeights::add(Packing packing) {
  for (size_t i = 0; i < packings_.size(); ++i) {
    const Packing& other = packings_[i];
    if (other.parameter == packing.parameter && other.plain == packing.plain && other.desc == packing.desc &&
        (other.rotation.out == 0) == (packing.rotation.out == 0)) {
      return static_cast<int>(i);
    }
  }
  packing.stream = dnnl::stream(onednn::cpu());
  if (packing.identity) {
    packing.packed = packing.source;
  } else {
    packing.packed = dnnl::memory(packing.desc, onednn::cpu());
    packing.reorder = dnnl::reorder(packing.source, packing.packed);
  }
  packing.stale = !packing.identity;
  packings_.push_back(std::move(packing));
  return static_cast<int>(packings_.size()) - 1;
}

void PackedWeights::rotate(const Packing& packing) {
  const auto& [out, in, taps] = packing.rotation;
  const float* from = parameters_.weight(packing.parameter).data();
  auto* to = static_cast<float*>(packing.source.get_data_handle());
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t i = 0; i < in; ++i) {
      const float* filter = from + (o * in + i) * taps;
      std::reverse_copy(filter, filter + taps, to + (i * out + o) * taps);
    }
  }
}

void PackedWeights::mark_stale() {
  for (Packing& packing : packings_) packing.stale = !packing.identity;
}

void PackedWeights::refresh(int index) {
  Packing& packing = packings_[static_cast<size_t>(index)];
  if (!packing.stale) return;
  if (packing.rotation.out > 0) rotate(packing);
  // The C interface, as in Primitive::run: no map is built.
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, packing.source.get()},
                                       {DNNL_ARG_TO, packing.packed.get()}};
  if (dnnl_primitive_execute(packing.reorder.get(), packing.stream.get(), 2, arguments) != dnnl_success) {
    throw Error("oneDNN failed to pack the weights of parameter " + std::to_string(packing.parameter));
  }
  packing.stale = false;
}

}  // namespace frugal
