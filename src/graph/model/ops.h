// The operations that a model file may name, each with its keys and what it does to the builder. The writer
// (model/writer.cc) is the other half: what it leaves out are the defaults here.
#pragma once

#include <string>
#include <vector>

#include "graph/builder.h"
#include "graph/model/fields.h"

namespace frugal {

struct ModelOp {
  std::string name;               // "conv2d"
  int inputs;                     // 1, 2; 0: any number
  std::vector<std::string> keys;  // besides op, name, from, as and in
  Value (*add)(GraphBuilder& net, const ModelOp& op, const std::string& name,
               const std::vector<Value>& inputs, const Fields& fields);
  Activation activation = Activation::relu;
};

/// Null where there is no such operation.
const ModelOp* find_op(const std::string& name);
std::vector<std::string> op_names();

/// How an activation with a slope or a scale starts where the file does not say: PyTorch's defaults.
float default_alpha(Activation activation);

}  // namespace frugal
