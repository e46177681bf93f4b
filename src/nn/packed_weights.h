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

  /// The same for a convolution's weights [out, in, kh, kw] turned around into [in, out, kh, kw], both
  /// spatial axes reversed: with them the gradient of the input is a forward convolution. With groups, each
  /// group's [out / groups, in / groups, kh, kw] are turned by themselves, and `wanted` has a dimension for
  /// groups.
  int request_rotated(int parameter, const onednn::Dims& weights, int64_t groups, const onednn::Desc& wanted);

  const dnnl::memory& operator[](int index) const { return packings_[static_cast<size_t>(index)].packed; }
  void mark_stale();
  bool stale(int index) const { return packings_[static_cast<size_t>(index)].stale; }
  /// A large copy is packed in pieces, for several threads to share. All pieces of all copies may be packed
  /// at the same time; mark_fresh() when a copy's are done.
  int pieces(int index) const {
    return static_cast<int>(packings_[static_cast<size_t>(index)].pieces.size());
  }
  void pack(int index, int piece);
  void mark_fresh(int index) { packings_[static_cast<size_t>(index)].stale = false; }

 private:
  struct Packing {
    int parameter;
    onednn::Desc plain, desc;
    dnnl::memory source, packed;
    struct Piece {
      dnnl::memory source, packed;
      dnnl::reorder reorder;
      dnnl::stream stream;
    };
    std::vector<Piece> pieces;
    bool identity, stale;
    struct Rotation {
      int64_t groups = 0, out = 0, in = 0, taps = 0;  // out and in of a group; taps of a filter
    } rotation;                                       // out 0: none; else the source is a copy of our own
  };
  int add(Packing packing);
  void rotate(const Packing& packing);
  void cut(Packing& packing) const;
  Parameters& parameters_;
  std::deque<Packing> packings_;  // addresses stay
};

}  // namespace frugal
