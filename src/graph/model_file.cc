#include "graph/model_file.h"

#include <toml++/toml.h>

#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "base/spec.h"
#include "graph/model/reader.h"

namespace frugal {
namespace {

constexpr int64_t most_bytes = int64_t{8} << 20;

/// Behind ".toml", which ends the spec or is followed by options.
size_t end_of_path(const std::string& spec) {
  constexpr std::string_view extension = ".toml";
  for (size_t at = spec.find(extension); at != std::string::npos; at = spec.find(extension, at + 1)) {
    const size_t end = at + extension.size();
    if (end == spec.size() || spec[end] == ':') return end;
  }
  return std::string::npos;
}

}  // namespace

bool is_model_file(const std::string& spec) { return end_of_path(spec) != std::string::npos; }

ModelFileSpec split_model_file(const std::string& spec) {
  const size_t end = end_of_path(spec);
  return {spec.substr(0, end), end < spec.size() ? spec.substr(end + 1) : ""};
}

Graph read_model_file(const std::string& spec, Shape input, int64_t classes) {
  return parse_model(read_text_file(split_model_file(spec).path, most_bytes), spec, input, classes);
}

Graph parse_model(const std::string& text, const std::string& spec, Shape input, int64_t classes) {
  const ModelFileSpec parts = split_model_file(spec);
  Spec overrides;
  if (!parts.options.empty()) overrides = parse_spec("options:" + parts.options, "--model");
  overrides.name = parts.path;
  toml::table table;
  try {
    table = toml::parse(text, parts.path);
  } catch (const toml::parse_error& error) {
    throw usage_error(parts.path + ":" + std::to_string(error.source().begin.line) + ": " +
                      std::string(error.description()));
  }
  const Definitions definitions = read_definitions(table, parts.path, overrides, classes);
  Graph graph = ModelReader(table, definitions, parts.path, spec, input, classes).read();
  graph.model_file = text;
  return graph;
}

}  // namespace frugal
