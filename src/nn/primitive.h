// Running oneDNN primitives from many workers at once: each worker has its own stream and memory objects,
// weights are shared. Nothing of ours is allocated after planning.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nn/onednn.h"

namespace frugal {

/// A primitive with the arguments that change from run to run.
class Primitive {
 public:
  struct Argument {
    int index;          // DNNL_ARG_...
    onednn::Desc desc;  // of the pointer given to run()
  };
  Primitive() = default;
  template <class PrimitiveDesc>
  Primitive(const PrimitiveDesc& desc, const dnnl::primitive& primitive, std::vector<Argument> arguments,
            int workers)
      : Primitive(primitive, desc.scratchpad_desc(), std::move(arguments), workers) {}

  int64_t scratch_bytes() const { return scratch_bytes_; }
  explicit operator bool() const { return static_cast<bool>(primitive_); }

  /// One pointer for each argument, in the constructor's order. `weights`, where not null, is
  /// DNNL_ARG_WEIGHTS.
  void run(int worker, void* scratch, std::span<void* const> pointers,
           const dnnl::memory* weights = nullptr) const;

 private:
  Primitive(const dnnl::primitive& primitive, const onednn::Desc& scratch, std::vector<Argument> arguments,
            int workers);
  dnnl::primitive primitive_{};
  std::vector<Argument> arguments_;
  std::vector<std::vector<dnnl::memory>> memories_;  // by worker: the arguments, then the scratchpad
  std::vector<dnnl::stream> streams_;                // by worker
  int64_t scratch_bytes_ = 0;
};

}  // namespace frugal
