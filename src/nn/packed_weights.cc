#include "nn/packed_weights.h"

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
  packing.reorder.execute(packing.stream, packing.source, packing.packed);
  packing.stale = false;
}

}  // namespace frugal
