// What a model file defines before its layers: parameters, as changed on the command line, and blocks.
#pragma once

#include <map>
#include <string>

#include "base/spec.h"
#include "graph/model/fields.h"
#include "graph/model/settings.h"

namespace frugal {

/// Layers under a name, with parameters of their own.
struct ModelBlock {
  const toml::array* layers = nullptr;             // tables, at least one
  std::map<std::string, Setting> parameters = {};  // with their defaults
};

struct Definitions {
  Scope parameters;
  std::map<std::string, ModelBlock> blocks;
};

/// `table` must outlive the definitions. `overrides` replace parameters, which keep their types; `classes`
/// becomes one. Errors are usage errors with file and line.
Definitions read_definitions(const toml::table& table, const std::string& file, const Spec& overrides,
                             int64_t classes);

}  // namespace frugal
