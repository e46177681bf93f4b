// An ONNX graph under construction: nodes, constants and unique names. Knows the format, not our networks.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "interop/onnx.pb.h"

namespace frugal {

/// "kernel_shape" and its value.
struct OnnxAttribute {
  std::string name;
  std::variant<int64_t, float, std::string, std::vector<int64_t>> value;
};

class OnnxWriter {
 public:
  /// These names are for the caller to give; no value that is made here gets one of them.
  void reserve(const std::string& name) { names_.insert(name); }

  /// Appends a node with one output, which is called as the node where that is free. Returns the output's
  /// name; an empty input stands for one that is left out.
  std::string node(const std::string& op, const std::string& name, const std::vector<std::string>& inputs,
                   const std::vector<OnnxAttribute>& attributes = {});

  /// A tensor under a reserved name.
  void parameter(const std::string& name, const std::vector<int64_t>& shape, std::span<const float> values);
  /// Constants, under a name like `name`; shape [] is a scalar. Return the name.
  std::string floats(const std::string& name, const std::vector<int64_t>& shape,
                     std::span<const float> values);
  std::string number(const std::string& name, float value) { return floats(name, {}, {&value, 1}); }
  std::string integers(const std::string& name, const std::vector<int64_t>& values);

  /// Calls `value` by a reserved name from now on. It must be the last node's output, or else gets an
  /// Identity.
  void call(const std::string& value, const std::string& name);

  onnx::Graph& graph() { return *model_.mutable_graph(); }
  onnx::Model& model() { return model_; }

 private:
  std::string unique(const std::string& name);
  onnx::Tensor& tensor(const std::string& name, const std::vector<int64_t>& shape);
  onnx::Model model_;
  std::set<std::string> names_;
};

}  // namespace frugal
