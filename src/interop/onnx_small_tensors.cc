#include "interop/onnx_small_tensors.h"

#include <algorithm>

#include "interop/onnx_graph.h"

namespace frugal {
namespace {

using Result = std::optional<SmallTensor>;

Result filled(const onnx::Node& node, const SmallTensor& dims, int64_t most) {
  int64_t elements = 1;
  for (const int64_t extent : dims.values) {
    if (extent < 0 || extent > most || (elements *= extent) > most) return std::nullopt;
  }
  // Only zeros are filled in; what else there is to fill with is no matter of shapes.
  for (const onnx::Attribute& attribute : node.attribute()) {
    const std::string& raw = attribute.t().raw_data();
    if (attribute.name() != "value" || attribute.t().int64_data_size() > 0) return std::nullopt;
    if (std::ranges::any_of(raw, [](char byte) { return byte != 0; })) return std::nullopt;
  }
  return SmallTensor{dims.values, std::vector<int64_t>(static_cast<size_t>(elements), 0)};
}

Result joined(const std::vector<SmallTensor>& inputs, int64_t most) {
  SmallTensor all;
  for (const SmallTensor& input : inputs) {
    if (input.dims.size() != 1) return std::nullopt;
    all.values.insert(all.values.end(), input.values.begin(), input.values.end());
    if (std::ssize(all.values) > most) return std::nullopt;
  }
  all.dims = {std::ssize(all.values)};
  return all;
}

Result reshaped(const SmallTensor& x, const SmallTensor& to) {
  const int64_t elements = std::ssize(x.values);
  int64_t known = 1, open = 0;
  for (const int64_t extent : to.values) {
    if (extent == -1) ++open;
    if (extent == -1) continue;
    if (extent < 1 || extent > elements) return std::nullopt;
    if ((known *= extent) > elements) return std::nullopt;
  }
  if (open > 1 || elements % known != 0 || (open == 0 && known != elements)) return std::nullopt;
  SmallTensor result{to.values, x.values};
  std::ranges::replace(result.dims, int64_t{-1}, elements / known);
  return result;
}

/// Rows in reverse order: the only slices of constants that PyTorch writes.
Result reversed(const std::vector<SmallTensor>& inputs) {
  if (inputs.size() != 5) return std::nullopt;
  const SmallTensor& x = inputs[0];
  const std::vector<int64_t> last = {-1}, first_axis = {0};
  const bool whole = inputs[1].values == last && inputs[2].values.size() == 1 &&
                     inputs[2].values[0] < -x.dims[0] && inputs[3].values == first_axis &&
                     inputs[4].values == last;
  if (!whole || x.dims.size() != 2) return std::nullopt;
  SmallTensor result{x.dims, {}};
  for (int64_t row = x.dims[0]; row-- > 0;) {
    const auto begin = x.values.begin() + row * x.dims[1];
    result.values.insert(result.values.end(), begin, begin + x.dims[1]);
  }
  return result;
}

Result transposed(const onnx::Node& node, const SmallTensor& x) {
  if (x.dims.size() != 2 ||
      attribute(node, "perm", std::vector<int64_t>{1, 0}) != std::vector<int64_t>{1, 0}) {
    return std::nullopt;
  }
  SmallTensor result{{x.dims[1], x.dims[0]}, {}};
  for (int64_t column = 0; column < x.dims[1]; ++column) {
    for (int64_t row = 0; row < x.dims[0]; ++row) {
      result.values.push_back(x.values[static_cast<size_t>(row * x.dims[1] + column)]);
    }
  }
  return result;
}

}  // namespace

std::optional<SmallTensor> computed(const onnx::Node& node, const std::vector<SmallTensor>& inputs,
                                    int64_t most) {
  const std::string& op = node.op_type();
  if (inputs.empty()) return std::nullopt;
  if (op == "ConstantOfShape") return filled(node, inputs[0], most);
  if (op == "Concat" && attribute(node, "axis", int64_t{0}) == 0) return joined(inputs, most);
  if (op == "Reshape" && inputs.size() == 2) return reshaped(inputs[0], inputs[1]);
  if (op == "Slice" && !inputs[0].dims.empty()) return reversed(inputs);
  if (op == "Transpose") return transposed(node, inputs[0]);
  if (op == "Cast") return inputs[0];
  return std::nullopt;
}

}  // namespace frugal
