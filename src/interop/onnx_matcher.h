// What the patterns of onnx_patterns.h are looked for with: from a node backwards, over nodes that nothing
// else reads.
#pragma once

#include <string>
#include <vector>

#include "interop/onnx_graph.h"
#include "interop/onnx_patterns.h"

namespace frugal {

/// One node after another is tried as the last of a pattern. What a pattern has taken is undone with
/// give_up().
class OnnxMatcher {
 public:
  explicit OnnxMatcher(const OnnxGraph& graph);
  const OnnxGraph& graph() const { return graph_; }

  /// The node that makes the value, if it is of this kind, has so many inputs, makes nothing else, and
  /// nothing else reads the value; it is then part of the pattern.
  const onnx::Node* made_by(const std::string& value, const char* op, int inputs);
  /// The step that makes the value, under the same conditions.
  const OnnxStep* step_of(const std::string& value, const char* op);
  /// Of a node with two inputs, the one beside a constant about `number`; empty where there is none.
  std::string beside(const onnx::Node& node, float number) const;

  size_t taken() const { return inside_.size(); }
  /// Keeps the first that were taken. Yields false, which is what a failed attempt returns.
  bool give_up(size_t kept);

  /// Ends the attempts at node i: its step, and whether what was taken belongs to it.
  void settle(int i, OnnxStep step, bool matched);
  /// Of all nodes that are no part of a later one's.
  std::vector<OnnxStep> steps();

 private:
  const OnnxGraph& graph_;
  std::vector<OnnxStep> steps_;  // by node; of those that are not live, empty
  std::vector<bool> absorbed_;   // by node: part of a later one's pattern
  std::vector<int> inside_;      // nodes that the pattern at hand has taken so far
};

/// Whether a product is an activation.
bool match_activation(OnnxMatcher& m, const onnx::Node& node, OnnxStep& step);

}  // namespace frugal
