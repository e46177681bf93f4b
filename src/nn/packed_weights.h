// Copies of weights in the type and layout that a primitive wants, made anew after the weights have changed.
// Primitives of all shard sizes share the copies whose layouts agree.
#pragma once

#include <deque>
#include <vector>

#include "nn/onednn.h"
#include "nn/parameters.h"

namespace frugal {

class PackedWeights {
 public:
  explicit PackedWeights(Parameters& parameters) : parameters_(parameters) {}

  /// Index of the copy of a parameter in that layout; the parameter's own layout gives the parameter itself.
  /// `plain` describes the parameter as it lies in Parameters.
  int request(int parameter, const onednn::Desc& plain, const onednn::Desc& wanted);

  const dnnl::memory& operator[](int index) const { return packings_[static_cast<size_t>(index)].packed; }
  void mark_stale();
  bool stale(int index) const { return packings_[static_cast<size_t>(index)].stale; }
  /// Packs one copy. Different indices may be refreshed at the same time.
  void refresh(int index);

 private:
  struct Packing {
    int parameter;
    onednn::Desc desc;
    dnnl::memory source, packed;
    dnnl::reorder reorder;
    dnnl::stream stream;
    bool identity, stale;
  };
  Parameters& parameters_;
  std::deque<Packing> packings_;  // addresses stay
};

}  // namespace frugal
