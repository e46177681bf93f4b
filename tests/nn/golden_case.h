// A golden's network built and run on our engine, yielding results under the golden's names.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "golden_batch.h"
#include "graph/graph.h"
#include "nn/engine.h"

namespace frugal::golden {

/// The parsed tests/goldens/SET/NAME.json; of another folder where FRUGAL_GOLDENS names one instead of nn.
nlohmann::json load(const std::string& name, const std::string& set = "nn");
/// Every NAME there is, sorted.
std::vector<std::string> names(const std::string& set = "nn");
/// A name as GoogleTest wants it.
std::string test_name(std::string name);

/// The graph that the golden describes, or the preset that it names, without dropout. Throws what the builder
/// or the parser throws, and an Error at an unknown operation or option.
Graph build_graph(const nlohmann::json& golden);

/// The images and targets of a step.
MemoryBatch make_batch(const nlohmann::json& golden, int64_t step);

/// "logits", "gradient:conv1.weight", "change:...", ...: see tools/goldens/make.py.
using Results = std::map<std::string, std::vector<double>>;
Results run(const nlohmann::json& golden, const EngineOptions& options);

}  // namespace frugal::golden
