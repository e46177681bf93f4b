// Builds a Graph from the steps of an ONNX file, one after another, and notes which tensor belongs to which
// parameter.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/tensor_file.h"
#include "graph/builder.h"
#include "interop/onnx_graph.h"
#include "interop/onnx_patterns.h"

namespace frugal {

class OnnxImporter {
 public:
  /// `graph` must outlive the importer.
  OnnxImporter(const OnnxGraph& graph, Shape otherwise);
  Graph build();
  /// After build(): what belongs to the graph's parameters and buffers.
  TensorFile weights(const Graph& graph) const;

 private:
  /// A value: pixels are [N, C, H, W]; flat features [N, C], or [N, C, 1, 1] for some operators, and [N, C,
  /// 1] on the way from one to the other.
  struct Made {
    Value value;
    int rank = 4;
  };
  /// Where a parameter's numbers are.
  struct Source {
    const onnx::Tensor* tensor = nullptr;
    bool transposed = false;  // [in, out] in the file
  };
  /// A list of numbers that is computed from shapes, or constant.
  using List = std::vector<int64_t>;

  using Handler = void (OnnxImporter::*)(const OnnxStep& step);
  static Handler handler(const std::string& op);
  void add(const OnnxStep& step);

  // Layers with weights (onnx_import_weighted.cc).
  void add_conv(const OnnxStep& step);
  void add_gemm(const OnnxStep& step);
  void add_linear(const OnnxStep& step);
  void add_batch_norm(const OnnxStep& step);
  void add_group_norm(const OnnxStep& step);
  void add_instance_norm(const OnnxStep& step);
  void add_layer_norm(const OnnxStep& step);
  void add_prelu(const OnnxStep& step);
  void add_scale(const OnnxStep& step);
  // Layers without (onnx_import_plain.cc).
  void add_activation(const OnnxStep& step);
  void add_simple_activation(const OnnxStep& step);
  void add_clip(const OnnxStep& step);
  void add_dropout(const OnnxStep& step);
  void add_pool(const OnnxStep& step);
  void add_global_pool(const OnnxStep& step);
  void add_mean(const OnnxStep& step);
  void add_adaptive_average(const OnnxStep& step);
  void add_adaptive_max(const OnnxStep& step);
  void add_blur(const OnnxStep& step);
  void add_pad_channels(const OnnxStep& step);
  void add_sum(const OnnxStep& step);
  void add_product(const OnnxStep& step);
  void add_quotient(const OnnxStep& step);
  // Shapes, and what changes nothing else (onnx_import_shapes.cc).
  void add_identity(const OnnxStep& step);
  void add_concat(const OnnxStep& step);
  void add_flatten(const OnnxStep& step);
  void add_reshape(const OnnxStep& step);
  void add_squeeze(const OnnxStep& step);
  void add_unsqueeze(const OnnxStep& step);
  void add_shape(const OnnxStep& step);
  void add_gather(const OnnxStep& step);
  void add_pad(const OnnxStep& step);

  const Made& input(const OnnxStep& step, size_t i = 0) const;
  /// A copy: the next layer moves the builder's own.
  Shape shape(const Made& made) const { return net_.shape(made.value); }
  /// The first input, which must be [N, C, H, W].
  const Made& image(const OnnxStep& step) const;
  const Made& any_rank(const OnnxStep& step) const;  // input 0, [N, C, 1] too
  bool has_input(const OnnxStep& step, size_t i) const {
    return i < step.inputs.size() && !step.inputs[i].empty();
  }
  const onnx::Tensor& constant(const OnnxStep& step, size_t i, const char* what) const;
  /// With `channels` elements; an error says which constant has not.
  const onnx::Tensor& by_channel(const OnnxStep& step, size_t i, const char* what, int64_t channels) const;
  /// Whether a constant is one number a channel of a value with this rank.
  bool is_by_channel(const onnx::Tensor& tensor, const Made& x) const;
  /// Of step.inputs[i], or of an attribute, as older opsets have it.
  std::optional<List> list_of(const OnnxStep& step, size_t i, const char* attribute_name) const;
  /// Both numbers of begin and end along an axis, as one for PyTorch.
  Extent symmetric_pads(const OnnxStep& step, const List& kernel) const;
  Extent extent(const OnnxStep& step, const char* name, const List& values) const;
  List extents(const OnnxStep& step, const char* name, int64_t otherwise) const;

  /// A name for a layer: of the module that its constants belong to, else of its nodes, else its operation
  /// with a number.
  std::string layer_name(const OnnxStep& step, const std::string& op, size_t first_constant);
  void make(const OnnxStep& step, Value value, int rank);
  void take(const std::string& parameter, const onnx::Tensor& tensor, bool transposed = false);
  [[noreturn]] void fail(const OnnxStep& step, const std::string& why) const;
  static Shape input_shape(const OnnxGraph& graph, Shape otherwise);

  const OnnxGraph& graph_;
  GraphBuilder net_;
  int64_t batch_ = -1;  // as the file fixes it; -1: open
  std::unordered_map<std::string, Made> values_;
  std::unordered_map<std::string, List> lists_;
  std::map<std::string, Source> sources_;  // by parameter
  std::set<std::string> names_;            // of layers
  std::map<std::string, int> unnamed_;     // by operation
};

}  // namespace frugal
