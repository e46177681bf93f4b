#include "graph/model/definitions.h"

#include <utility>

#include "base/nearest.h"
#include "base/text.h"
#include "graph/model/ops.h"

namespace frugal {
namespace {

// Every use of a block goes through all of them, and every brace may stand for a text.
constexpr size_t most_parameters = 64, longest_text = 200;

/// A number, a truth value or a text, as it stands.
Setting literal(const std::string& file, const toml::node& node) {
  if (const auto* flag = node.as_boolean()) return flag->get();
  if (const auto* integer = node.as_integer()) return static_cast<double>(integer->get());
  if (const auto* real = node.as_floating_point()) return real->get();
  const auto* text = node.as_string();
  if (text == nullptr)
    throw model_error(file, node, "a parameter must be a number, a text, or true or false");
  if (text->get().size() > longest_text) throw model_error(file, node, "the text of a parameter is too long");
  return text->get();
}

std::map<std::string, Setting> read_parameters(const std::string& file, const toml::node* node) {
  std::map<std::string, Setting> parameters;
  if (node == nullptr) return parameters;
  const toml::table* table = node->as_table();
  if (table == nullptr) throw model_error(file, *node, "parameters must be a table of names and values");
  for (const auto& [key, value] : *table) {
    const std::string name(key.str());
    if (!is_identifier(name)) {
      throw model_error(
          file, value, "a parameter's name has letters, digits and underscores only, not " + in_quotes(name));
    }
    if (name == "layer") {
      throw model_error(file, value,
                        "the list of layers belongs to the parameters here; put it above [parameters]");
    }
    for (const char* taken : {"classes", "op", "name", "from", "as", "in"}) {
      if (name == taken) throw model_error(file, value, "a parameter must not be called " + name);
    }
    parameters[name] = literal(file, value);
  }
  if (parameters.size() > most_parameters) {
    throw model_error(file, *node, "there are more than " + std::to_string(most_parameters) + " parameters");
  }
  return parameters;
}

/// The text in the type that the parameter has.
Setting replaced(const Spec& overrides, const std::string& name, const Setting& was) {
  if (std::holds_alternative<bool>(was)) return overrides.flag(name, false);
  if (std::holds_alternative<double>(was)) return overrides.number(name, 0);
  return overrides.options.at(name).substr(0, longest_text);
}

void apply(const Spec& overrides, const std::string& file, std::map<std::string, Setting>& parameters) {
  if (!overrides.values.empty()) {
    throw usage_error(file + ": write parameter=value behind it, not " + in_quotes(overrides.values[0]));
  }
  for (const auto& [name, text] : overrides.options) {
    const auto found = parameters.find(name);
    if (found != parameters.end()) {
      found->second = replaced(overrides, name, found->second);
      continue;
    }
    std::vector<std::string> names;
    names.reserve(parameters.size());
    for (const auto& [known, value] : parameters) names.push_back(known);
    const std::string hint = did_you_mean(name, names);
    throw usage_error(file + " has no parameter " + in_quotes(name) +
                      (!hint.empty()   ? hint
                       : names.empty() ? ", and no other"
                                       : "; it has " + join(names)));
  }
}

ModelBlock read_block(const std::string& file, const std::string& name, const toml::node& node) {
  const toml::table* table = node.as_table();
  if (table == nullptr) throw model_error(file, node, "a block is a table: [block.NAME]");
  if (!is_layer_name(name)) {
    throw model_error(file, node,
                      "a block's name has letters, digits, points, dashes and underscores, at most " +
                          std::to_string(longest_name) + ", and is not " + in_quotes(name));
  }
  if (name == "repeat" || find_op(name) != nullptr) {
    throw model_error(file, node, "block " + name + ": there is an operation of that name");
  }
  const Scope nothing;
  Fields fields(*table, nothing, file);
  fields.set_label("block " + name);
  fields.expect("a block", {"parameters", "layer"});
  ModelBlock block{fields.tables("layer")};
  if (block.layers == nullptr || block.layers->empty()) fields.fail("it has no layer");
  block.parameters = read_parameters(file, table->get("parameters"));
  return block;
}

}  // namespace

Definitions read_definitions(const toml::table& table, const std::string& file, const Spec& overrides,
                             int64_t classes) {
  Definitions definitions;
  std::map<std::string, Setting> parameters = read_parameters(file, table.get("parameters"));
  apply(overrides, file, parameters);
  for (auto& [name, value] : parameters) definitions.parameters.set(name, std::move(value));
  definitions.parameters.set("classes", static_cast<double>(classes));
  if (const toml::node* blocks = table.get("block")) {
    if (!blocks->is_table()) throw model_error(file, *blocks, "blocks are tables: [block.NAME]");
    for (const auto& [key, value] : *blocks->as_table()) {
      const std::string name(key.str());
      definitions.blocks[name] = read_block(file, name, value);
    }
  }
  return definitions;
}

}  // namespace frugal
