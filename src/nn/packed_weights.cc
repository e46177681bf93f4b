#include "nn/packed_weights.h"

#include <algorithm>
#include <cstring>
#include <string>
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

int PackedWeights::request_rotated(int parameter, const onednn::Dims& weights, int64_t groups,
                                   const onednn::Desc& wanted) {
  const int64_t out = weights[0] / groups, in = weights[1];
  const onednn::Desc plain =
      groups > 1
          ? onednn::Desc({groups, in, out, weights[2], weights[3]}, onednn::Type::f32, onednn::Tag::goihw)
          : onednn::Desc({in, out, weights[2], weights[3]}, onednn::Type::f32, onednn::Tag::oihw);
  Packing packing{};
  packing.parameter = parameter;
  packing.plain = plain;
  packing.desc = wanted;
  packing.rotation = {groups, out, in, weights[2] * weights[3]};
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
  if (packing.identity) {
    packing.packed = packing.source;
  } else {
    packing.packed = dnnl::memory(packing.desc, onednn::cpu());
    // What pads the last block is zero from now on, whoever packs the rest.
    std::memset(packing.packed.get_data_handle(), 0, packing.desc.get_size());
    cut(packing);
  }
  packing.stale = !packing.identity;
  packings_.push_back(std::move(packing));
  return static_cast<int>(packings_.size()) - 1;
}

void PackedWeights::rotate(const Packing& packing) {
  const auto& [groups, out, in, taps] = packing.rotation;
  const float* from = parameters_.weight(packing.parameter).data();
  auto* to = static_cast<float*>(packing.source.get_data_handle());
  for (int64_t g = 0; g < groups; ++g) {
    for (int64_t o = 0; o < out; ++o) {
      for (int64_t i = 0; i < in; ++i) {
        const float* filter = from + ((g * out + o) * in + i) * taps;
        std::reverse_copy(filter, filter + taps, to + ((g * in + i) * out + o) * taps);
      }
    }
  }
}

void PackedWeights::mark_stale() {
  for (Packing& packing : packings_) packing.stale = !packing.identity;
}

void PackedWeights::cut(Packing& packing) const {
  const auto add = [&](const dnnl::memory& source, const dnnl::memory& packed) {
    packing.pieces.push_back({source, packed, dnnl::reorder(source, packed), dnnl::stream(onednn::cpu())});
  };
  // Two pieces of whole blocks of rows; rotated weights are one, because their source is made on the way.
  constexpr int64_t large = int64_t{1} << 18, rows_of_blocks = 64;
  const std::vector<int64_t>& dims = parameters_.slots()[static_cast<size_t>(packing.parameter)].shape;
  const int64_t rows = dims[0], half = (rows / 2 + rows_of_blocks - 1) / rows_of_blocks * rows_of_blocks;
  if (dims.size() == 2 && rows * dims[1] >= large && half < rows) {
    for (const auto& [first, count] : {std::pair{int64_t{0}, half}, std::pair{half, rows - half}}) {
      const onednn::Dims part = {count, dims[1]}, offset = {first, 0};
      add(dnnl::memory(packing.plain.submemory_desc(part, offset), onednn::cpu(),
                       packing.source.get_data_handle()),
          dnnl::memory(packing.desc.submemory_desc(part, offset), onednn::cpu(),
                       packing.packed.get_data_handle()));
    }
    return;
  }
  add(packing.source, packing.packed);
}

void PackedWeights::pack(int index, int piece) {
  const Packing& packing = packings_[static_cast<size_t>(index)];
  if (packing.rotation.out > 0) rotate(packing);
  const Packing::Piece& p = packing.pieces[static_cast<size_t>(piece)];
  // The C interface, as in Primitive::run: no map is built.
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, p.source.get()}, {DNNL_ARG_TO, p.packed.get()}};
  if (dnnl_primitive_execute(p.reorder.get(), p.stream.get(), 2, arguments) != dnnl_success) {
    throw Error("oneDNN failed to pack the weights of parameter " + std::to_string(packing.parameter));
  }
}

}  // namespace frugal
