#include "interop/onnx_names.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace frugal {
namespace {

/// What a model file takes as the name of a layer.
std::string usable(std::string name) {
  constexpr size_t longest = 150;
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  const bool fits = name.size() <= longest && std::ranges::all_of(name, allowed);
  return fits && name != "before" && name != "input" ? name : "";
}

/// "Conv_12" and the like, of operators that are numbered.
bool is_numbered(const std::string& name, const std::string& op) {
  if (!name.starts_with(op)) return false;
  return std::ranges::all_of(name.substr(op.size()),
                             [](char c) { return c == '_' || (c >= '0' && c <= '9'); });
}

}  // namespace

std::string module_of_parameter(const std::string& name) {
  for (const std::string_view suffix : {".weight", ".bias"}) {
    if (name.size() > suffix.size() && name.ends_with(suffix)) {
      return usable(name.substr(0, name.size() - suffix.size()));
    }
  }
  return "";
}

std::string module_of_node(const onnx::Node& node) {
  const std::string& name = node.name();
  if (name.empty() || is_numbered(name, node.op_type())) return "";
  if (name[0] != '/') return usable(name);
  // PyTorch's scopes, with the operator at the end. A child of a list has its parent's name before its own.
  const std::vector<std::string_view> scopes = split(std::string_view(name).substr(1), '/');
  std::string module, last;
  for (size_t i = 0; i + 1 < scopes.size(); ++i) {
    const std::string scope(scopes[i]);
    if (!last.empty() && scope.starts_with(last + ".")) {
      module.resize(module.size() - last.size());
    } else if (!module.empty()) {
      module += '.';
    }
    module += scope;
    last = scope;
  }
  return usable(module);
}

}  // namespace frugal
