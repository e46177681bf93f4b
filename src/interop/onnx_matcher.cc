#include "interop/onnx_matcher.h"

#include <cmath>
#include <optional>
#include <utility>

namespace frugal {

OnnxMatcher::OnnxMatcher(const OnnxGraph& graph)
    : graph_(graph), steps_(static_cast<size_t>(graph.size())), absorbed_(steps_.size(), false) {}

const onnx::Node* OnnxMatcher::made_by(const std::string& value, const char* op, int inputs) {
  const int i = graph_.maker(value);
  if (i < 0 || absorbed_[static_cast<size_t>(i)] || graph_.readers(value) != 1) return nullptr;
  const onnx::Node& node = graph_.node(i);
  if (node.op_type() != op || node.input_size() < inputs || node.output_size() != 1) return nullptr;
  inside_.push_back(i);
  return &node;
}

const OnnxStep* OnnxMatcher::step_of(const std::string& value, const char* op) {
  const int i = graph_.maker(value);
  if (i < 0 || graph_.readers(value) != 1) return nullptr;
  const OnnxStep& step = steps_[static_cast<size_t>(i)];
  if (step.node == nullptr || absorbed_[static_cast<size_t>(i)] || step.op != op) return nullptr;
  inside_.push_back(i);
  return &step;
}

std::string OnnxMatcher::beside(const onnx::Node& node, float number) const {
  constexpr float apart = 1e-4f;
  for (int i = 0; i < 2; ++i) {
    const std::optional<float> constant = graph_.number(node.input(i));
    if (constant && std::abs(*constant - number) <= apart * std::abs(number)) return node.input(1 - i);
  }
  return "";
}

bool OnnxMatcher::give_up(size_t kept) {
  inside_.resize(kept);
  return false;
}

void OnnxMatcher::settle(int i, OnnxStep step, bool matched) {
  for (const int inner : inside_) {
    if (matched) absorbed_[static_cast<size_t>(inner)] = true;
  }
  inside_.clear();
  steps_[static_cast<size_t>(i)] = std::move(step);
}

std::vector<OnnxStep> OnnxMatcher::steps() {
  std::vector<OnnxStep> found;
  for (size_t i = 0; i < steps_.size(); ++i) {
    if (steps_[i].node != nullptr && !absorbed_[i]) found.push_back(std::move(steps_[i]));
  }
  return found;
}

}  // namespace frugal
