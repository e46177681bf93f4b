#include "nn/primitive.h"

#include <array>

#include "base/error.h"

namespace frugal {
namespace {
void* const no_memory = DNNL_MEMORY_NONE;
}  // namespace

Primitive::Primitive(const dnnl::primitive& primitive, const onednn::Desc& scratch,
                     std::vector<Argument> arguments, int workers)
    : primitive_(primitive),
      arguments_(std::move(arguments)),
      scratch_bytes_(static_cast<int64_t>(scratch.get_size())) {
  for (int worker = 0; worker < workers; ++worker) {
    std::vector<dnnl::memory>& memories = memories_.emplace_back();
    for (const Argument& argument : arguments_) {
      memories.emplace_back(argument.desc, onednn::cpu(), no_memory);
    }
    memories.emplace_back(scratch, onednn::cpu(), no_memory);
    streams_.emplace_back(onednn::cpu());
  }
}

void Primitive::run(int worker, void* scratch, std::span<void* const> pointers,
                    const dnnl::memory* weights) const {
  constexpr size_t max_arguments = 8;
  std::array<dnnl_exec_arg_t, max_arguments> list;
  if (arguments_.size() + 2 > max_arguments || pointers.size() != arguments_.size()) {
    throw Error("internal error: a primitive was given the wrong number of arguments");
  }
  const std::vector<dnnl::memory>& memories = memories_[static_cast<size_t>(worker)];
  int count = 0;
  const auto add = [&](int index, const dnnl::memory& memory) {
    list[static_cast<size_t>(count++)] = {index, memory.get()};
  };
  for (size_t i = 0; i < arguments_.size(); ++i) {
    memories[i].set_data_handle(pointers[i]);
    add(arguments_[i].index, memories[i]);
  }
  if (scratch_bytes_ > 0) {
    memories.back().set_data_handle(scratch);
    add(DNNL_ARG_SCRATCHPAD, memories.back());
  }
  if (weights != nullptr) add(DNNL_ARG_WEIGHTS, *weights);
  // The C interface: dnnl::primitive::execute() would build a map and a vector at every call.
  const dnnl::stream& stream = streams_[static_cast<size_t>(worker)];
  const dnnl_status_t status = dnnl_primitive_execute(primitive_.get(), stream.get(), count, list.data());
  if (status != dnnl_success) {
    throw Error("oneDNN failed to run a primitive (status " + std::to_string(status) + ")");
  }
}

}  // namespace frugal
