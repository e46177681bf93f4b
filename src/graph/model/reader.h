// From a parsed model file to a graph: walks its list of layers, repeats and blocks, keeps the names of
// values, and hands each layer to the builder. Whatever a hostile file could make large has a limit.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "graph/builder.h"
#include "graph/model/definitions.h"

namespace frugal {

struct ModelOp;

class ModelReader {
 public:
  /// The references must outlive the reader. `model` is what the graph is called.
  ModelReader(const toml::table& table, const Definitions& definitions, const std::string& file,
              const std::string& model, Shape input, int64_t classes);
  Graph read();

 private:
  /// Where names are known: the whole file, or one use of a block.
  struct Frame {
    std::string prefix;  // "layer1.0."
    Value input, before;
    std::map<std::string, Value> values = {};
    std::map<std::string, int> unnamed = {};  // layers without a name, by operation
  };
  /// A node: where it was written, and whether something reads it.
  struct Made {
    size_t line;
    std::string label;
    bool used;
  };

  void walk(const toml::array& layers, const Scope& scope, Frame& frame, int depth);
  void repeat(const Fields& fields, const Scope& scope, Frame& frame, int depth);
  void use_block(const std::string& op, const ModelBlock& block, Fields& fields, Frame& frame, int depth);
  void add_layer(const std::string& op, Fields& fields, Frame& frame);
  Value build(const ModelOp& op, const std::string& name, const std::vector<Value>& inputs,
              const Fields& fields);
  std::string layer_name(const std::string& op, Fields& fields, Frame& frame) const;
  std::vector<Value> inputs_of(const std::string& op, int count, const Fields& fields, const Frame& frame);
  Value value_of(const std::string& name, const Fields& fields, const Frame& frame) const;
  static void remember(Value value, const std::string& name, const Fields& fields, Frame& frame);
  [[noreturn]] void fail_unknown(const std::string& op, const Fields& fields) const;
  Graph finish(Value logits);

  const toml::table& table_;
  const Definitions& definitions_;
  const std::string& file_;
  GraphBuilder net_;
  int64_t classes_;
  std::vector<Made> nodes_;
  int64_t steps_ = 0, work_ = 0, inputs_ = 0;
};

}  // namespace frugal
