// An ONNX file's network as something to walk over: who makes which value, who reads it, what is constant.
// Says in errors which node is meant.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "interop/onnx.pb.h"

namespace frugal {

// A node's attributes, or what stands for one that is left out.
bool has_attribute(const onnx::Node& node, const std::string& name);
int64_t attribute(const onnx::Node& node, const std::string& name, int64_t otherwise);
float attribute(const onnx::Node& node, const std::string& name, float otherwise);
std::vector<int64_t> attribute(const onnx::Node& node, const std::string& name,
                               const std::vector<int64_t>& otherwise);
std::string attribute(const onnx::Node& node, const std::string& name, const char* otherwise);

class OnnxGraph {
 public:
  /// `model` must outlive the graph. Values that are made twice, or read before they are made, and networks
  /// with other than one input and one output are errors.
  OnnxGraph(const onnx::Model& model, std::string file);

  int size() const { return graph_.node_size(); }
  const onnx::Node& node(int i) const { return graph_.node(i); }
  const onnx::ValueInfo& input() const { return *input_; }
  const std::string& output() const { return graph_.output(0).name(); }
  const std::string& file() const { return file_; }

  /// Null where the value is computed from the images.
  const onnx::Tensor* constant(const std::string& value) const;
  /// Of a constant with one element.
  std::optional<float> number(const std::string& value) const;
  /// Of a small constant.
  std::optional<std::vector<int64_t>> integers(const std::string& value) const;
  /// The node that makes the value, or -1: a constant, the input, or nothing at all.
  int maker(const std::string& value) const;
  /// How many inputs of nodes, and outputs of the network, the value is.
  int readers(const std::string& value) const;
  /// By node: whether the output depends on it, and it is no constant.
  const std::vector<bool>& live() const { return live_; }

  /// "net.onnx: node 'fc' (Gemm): why".
  [[noreturn]] void fail(const onnx::Node& node, const std::string& why) const;

 private:
  void add_constants(const onnx::Node& node);
  void add_computed(const onnx::Node& node);
  void find_input();
  void find_live();
  const onnx::Graph& graph_;
  std::string file_;
  const onnx::ValueInfo* input_ = nullptr;
  std::unordered_map<std::string, const onnx::Tensor*> constants_;
  std::unordered_map<std::string, int> makers_, readers_;
  std::deque<onnx::Tensor> made_;  // of Constant nodes that hold bare numbers
  std::vector<bool> live_;
};

}  // namespace frugal
