#include "graph/model/reader.h"

#include <algorithm>

#include "base/nearest.h"
#include "base/text.h"
#include "graph/model/ops.h"
#include "graph/table.h"

namespace frugal {
namespace {

constexpr size_t most_nodes = 100'000;
constexpr int64_t most_steps = 200'000;     // layers looked at, through all repeats
constexpr int64_t most_inputs = 1'000'000;  // of all layers together
constexpr int deepest = 64;                 // repeats and blocks within one another
// Settings looked at, through all repeats, each as often as there are scopes in which a parameter may stand:
// some microseconds each at most.
constexpr int64_t most_work = 4'000'000;

// What stands for itself in a list of inputs.
constexpr const char* before_name = "before";
constexpr const char* input_name = "input";

const std::vector<std::string> common_keys = {"op", "name", "from", "as", "in"};

void check_name(const char* key, const std::string& name, const Fields& fields) {
  if (!is_layer_name(name)) {
    fields.fail(key, in_quotes(name) +
                         " must be of letters, digits, points, dashes and underscores, at most " +
                         std::to_string(longest_name));
  }
  if (name == before_name || name == input_name) fields.fail(key, name + " has a meaning of its own");
}

void check_depth(const Fields& fields, int depth) {
  if (depth < deepest) return;
  fields.fail("repeats and blocks lie more than " + std::to_string(deepest) +
              " deep within one another; does a block use itself?");
}

}  // namespace

ModelReader::ModelReader(const toml::table& table, const Definitions& definitions, const std::string& file,
                         const std::string& model, Shape input, int64_t classes)
    : table_(table), definitions_(definitions), file_(file), net_(model, input), classes_(classes) {
  nodes_.push_back({0, input_name, false});
}

Graph ModelReader::read() {
  const Fields top(table_, definitions_.parameters, file_);
  top.expect("a model file", {"name", "parameters", "block", "layer"});
  if (top.has("name") && !table_["name"].is_string()) top.fail("name", "must be a text in quotes");
  const toml::array* layers = top.tables("layer");
  if (layers == nullptr || layers->empty()) top.fail("it has no layer");
  Frame frame{"", net_.input(), net_.input()};
  walk(*layers, definitions_.parameters, frame, 0);
  return finish(frame.before);
}

void ModelReader::walk(const toml::array& layers, const Scope& scope, Frame& frame, int depth) {
  for (const toml::node& node : layers) {
    Fields fields(*node.as_table(), scope, file_);
    if (++steps_ > most_steps)
      fields.fail("the repeats come to more than " + std::to_string(most_steps) + " layers");
    work_ += static_cast<int64_t>(node.as_table()->size()) * (depth + 1);
    if (work_ > most_work) fields.fail("the repeats come to too many settings; fewer or flatter ones do");
    const std::string op = fields.text("op");
    if (op.empty()) fields.fail("op is missing: which operation is this layer?");
    if (op == "repeat") {
      fields.set_label(op);
      repeat(fields, scope, frame, depth);
    } else if (const auto block = definitions_.blocks.find(op); block != definitions_.blocks.end()) {
      use_block(op, block->second, fields, frame, depth);
    } else {
      add_layer(op, fields, frame);
    }
  }
}

void ModelReader::repeat(const Fields& fields, const Scope& scope, Frame& frame, int depth) {
  fields.expect("a repeat", {"op", "times", "index", "layer"});
  check_depth(fields, depth);
  const toml::array* layers = fields.tables("layer");
  if (layers == nullptr || layers->empty()) fields.fail("it has no layer");
  steps_ += static_cast<int64_t>(layers->size());  // even where `times` is zero
  const std::string index = fields.text("index", "i");
  if (!is_identifier(index)) fields.fail("index", "must be a name of letters, digits and underscores");
  const int64_t times = fields.integer("times", 0, most_nodes);
  for (int64_t i = 0; i < times; ++i) {
    Scope inner(&scope);
    inner.set(index, static_cast<double>(i));
    walk(*layers, inner, frame, depth + 1);
  }
}

void ModelReader::use_block(const std::string& op, const ModelBlock& block, Fields& fields, Frame& frame,
                            int depth) {
  fields.set_label(op);
  std::vector<std::string> known = common_keys;
  for (const auto& [name, otherwise] : block.parameters) known.push_back(name);
  fields.expect("block " + op, known);
  check_depth(fields, depth);
  const std::string name = layer_name(op, fields, frame);
  const Value input = inputs_of(op, 1, fields, frame)[0];
  Scope inner(&definitions_.parameters);
  for (const auto& [parameter, otherwise] : block.parameters) {
    inner.set(parameter, fields.setting(parameter.c_str(), otherwise));
  }
  Frame within{frame.prefix + name + ".", input, input};
  walk(*block.layers, inner, within, depth + 1);
  remember(within.before, name, fields, frame);
}

void ModelReader::add_layer(const std::string& name_of_op, Fields& fields, Frame& frame) {
  const ModelOp* op = find_op(name_of_op);
  if (op == nullptr) {
    if (fields.has("name")) layer_name(name_of_op, fields, frame);
    fail_unknown(name_of_op, fields);
  }
  fields.set_label(name_of_op);
  const std::string name = layer_name(op->name, fields, frame), full_name = frame.prefix + name;
  std::vector<std::string> known = common_keys;
  known.insert(known.end(), op->keys.begin(), op->keys.end());
  fields.expect(op->name, known);
  const std::vector<Value> inputs = inputs_of(op->name, op->inputs, fields, frame);
  const Value made = build(*op, full_name, inputs, fields);
  if (static_cast<size_t>(made.node) == nodes_.size()) {  // dropout with rate 0 makes nothing
    nodes_.push_back({fields.line(), full_name, false});
    for (const Value input : inputs) nodes_[static_cast<size_t>(input.node)].used = true;
  }
  if (nodes_.size() > most_nodes) fields.fail("a network may have " + std::to_string(most_nodes) + " layers");
  remember(made, name, fields, frame);
}

/// The builder's own errors lack the place, and those of layers without parameters their name.
Value ModelReader::build(const ModelOp& op, const std::string& name, const std::vector<Value>& inputs,
                         const Fields& fields) {
  try {
    return op.add(net_, op, name, inputs, fields);
  } catch (const Error& error) {
    const std::string what = error.what();
    if (what.starts_with(file_ + ":")) throw;
    const bool named = what.starts_with(name + ":") || what.starts_with(name + ".");
    throw toml_error(file_, fields.line(), named ? what : name + ": " + what);
  }
}

void ModelReader::fail_unknown(const std::string& op, const Fields& fields) const {
  std::vector<std::string> known = op_names();
  known.emplace_back("repeat");
  for (const auto& [name, block] : definitions_.blocks) known.push_back(name);
  std::string hint = did_you_mean(op, known);
  // "conv" is too far from "conv2d" for a slip of the hand.
  const auto part =
      std::ranges::find_if(known, [&](const std::string& k) { return k.find(op) != std::string::npos; });
  if (hint.empty() && part != known.end()) hint = "; did you mean " + *part + "?";
  fields.fail("there is no operation " + in_quotes(op) +
              (hint.empty() ? "; there are " + join(known) : hint));
}

/// As written, or the operation with a number: "conv2d1".
std::string ModelReader::layer_name(const std::string& op, Fields& fields, Frame& frame) const {
  std::string name = fields.text("name");
  // One that was written keeps its meaning.
  const auto number = [&] { return op + std::to_string(++frame.unnamed[op]); };
  if (name.empty()) name = number();
  while (!fields.has("name") && frame.values.contains(name)) name = number();
  check_name("name", name, fields);
  if (frame.prefix.size() + name.size() > longest_name)
    fields.fail("name", "is too long with those of its blocks");
  fields.set_label(frame.prefix + name);
  return name;
}

std::vector<Value> ModelReader::inputs_of(const std::string& op, int count, const Fields& fields,
                                          const Frame& frame) {
  std::vector<Value> inputs;
  for (const std::string& name : fields.texts("from")) inputs.push_back(value_of(name, fields, frame));
  if (inputs.empty() && count == 1) inputs.push_back(frame.before);
  if (inputs.empty() || (count != 0 && std::ssize(inputs) != count)) {
    fields.fail(count == 1 ? op + " has one input"
                           : op + " has " + (count == 0 ? "several" : std::to_string(count)) +
                                 R"( inputs; name them: from = ["before", "NAME"])");
  }
  inputs_ += std::ssize(inputs);
  if (inputs_ > most_inputs) fields.fail("the layers have more than a million inputs together");
  const int64_t channels = net_.shape(inputs[0]).c;
  const int64_t expected = fields.integer("in", 1, int64_t{1} << 40, channels);
  if (expected != channels) {
    fields.fail("expects " + std::to_string(expected) + " channels, got " + std::to_string(channels));
  }
  return inputs;
}

Value ModelReader::value_of(const std::string& name, const Fields& fields, const Frame& frame) const {
  if (name == before_name) return frame.before;
  if (name == input_name) return frame.input;
  if (const auto found = frame.values.find(name); found != frame.values.end()) return found->second;
  const toml::array* layers = table_["layer"].as_array();
  const bool later =
      layers != nullptr && std::ranges::any_of(*layers, [&](const toml::node& layer) {
        const toml::table& keys = *layer.as_table();
        return keys["name"].value_or(std::string()) == name || keys["as"].value_or(std::string()) == name;
      });
  if (later) {
    fields.fail("from",
                "names " + in_quotes(name) + ", which comes only later: a layer reads what stands before it");
  }
  std::vector<std::string> names = {before_name, input_name};
  constexpr size_t most_candidates = 1000;
  for (const auto& [known, value] : frame.values) {
    if (names.size() < most_candidates) names.push_back(known);
  }
  fields.fail("from", "names " + in_quotes(name) + ", which is nothing before this layer" +
                          did_you_mean(name, names));
}

void ModelReader::remember(Value value, const std::string& name, const Fields& fields, Frame& frame) {
  frame.before = frame.values[name] = value;
  if (!fields.has("as")) return;
  const std::string alias = fields.text("as");
  check_name("as", alias, fields);
  frame.values[alias] = value;
}

Graph ModelReader::finish(Value logits) {
  const auto fail = [&](size_t node, const std::string& what) {
    const Made& made = nodes_[node];
    throw toml_error(file_, made.line, made.label + ": " + what);
  };
  const auto last = static_cast<size_t>(logits.node);
  if (last == 0) throw usage_error(file_ + ": its layers make nothing of the image");
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i].used && i != last) fail(i, "nothing uses its output");
  }
  const Shape& out = net_.shape(logits);
  if (out.h != 1 || out.w != 1) {
    fail(last,
         "the network must yield one number a class, not " + shape_text(out) + "; pool or flatten before");
  }
  if (out.c != classes_) {
    fail(last, "the network yields " + std::to_string(out.c) + " numbers for " + std::to_string(classes_) +
                   R"( classes; write out = "classes" in its last convolution or linear layer)");
  }
  return net_.finish(logits);
}

}  // namespace frugal
