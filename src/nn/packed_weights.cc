#include "nn/packed_weights.h"

#include "base/error.h"

namespace frugal {

int PackedWeights::request(int parameter, const onednn::Desc& plain, const onednn::Desc& wanted) {
  for (size_t i = 0; i < packings_.size(); ++i) {
    if (packings_[i].parameter == parameter && packings_[i].desc == wanted) return static_cast<int>(i);
  }
  Packing packing{};
  packing.parameter = parameter;
  packing.desc = wanted;
  packing.identity = plain == wanted;
  packing.source = dnnl::memory(plain, onednn::cpu(), parameters_.weight(parameter).data());
  packing.stream = dnnl::stream(onednn::cpu());
  if (packing.identity) {
    packing.packed = packing.source;
  } else {
    packing.packed = dnnl::memory(wanted, onednn::cpu());
    packing.reorder = dnnl::reorder(packing.source, packing.packed);
  }
  packing.stale = !packing.identity;
  packings_.push_back(std::move(packing));
  return static_cast<int>(packings_.size()) - 1;
}

void PackedWeights::mark_stale() {
  for (Packing& packing : packings_) packing.stale = !packing.identity;
}

void PackedWeights::refresh(int index) {
  Packing& packing = packings_[static_cast<size_t>(index)];
  if (!packing.stale) return;
  // The C interface, as in Primitive::run: no map is built.
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, packing.source.get()},
                                       {DNNL_ARG_TO, packing.packed.get()}};
  if (dnnl_primitive_execute(packing.reorder.get(), packing.stream.get(), 2, arguments) != dnnl_success) {
    throw Error("oneDNN failed to pack the weights of parameter " + std::to_string(packing.parameter));
  }
  packing.stale = false;
}

}  // namespace frugal
