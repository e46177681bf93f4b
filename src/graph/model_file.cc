#include "graph/model_file.h"

#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/spec.h"
#include "base/toml.h"
#include "graph/model/reader.h"

namespace frugal {
namespace {

constexpr int64_t most_bytes = int64_t{8} << 20;

struct Format {
  std::string extension;
  ModelImport convert;  // null: our own
};

std::vector<Format>& formats() {
  static std::vector<Format> all = {{".toml", nullptr}};
  return all;
}

struct Path {
  size_t end = std::string::npos;  // behind the extension, which ends the spec or is followed by options
  ModelImport convert = nullptr;
};

Path find_path(const std::string& spec) {
  for (const Format& format : formats()) {
    for (size_t at = spec.find(format.extension); at != std::string::npos;
         at = spec.find(format.extension, at + 1)) {
      const size_t end = at + format.extension.size();
      if (end == spec.size() || spec[end] == ':') return {end, format.convert};
    }
  }
  return {};
}

}  // namespace

void add_model_format(const std::string& extension, ModelImport convert) {
  formats().push_back({extension, convert});
}

bool is_model_file(const std::string& spec) { return find_path(spec).end != std::string::npos; }

ModelFileSpec split_model_file(const std::string& spec) {
  const size_t end = find_path(spec).end;
  return {spec.substr(0, end), end < spec.size() ? spec.substr(end + 1) : ""};
}

Graph read_model_file(const std::string& spec, Shape input, int64_t classes) {
  const std::string path = split_model_file(spec).path;
  const ModelImport convert = find_path(spec).convert;
  return parse_model(convert != nullptr ? convert(path) : read_text_file(path, most_bytes), spec, input,
                     classes);
}

Graph parse_model(const std::string& text, const std::string& spec, Shape input, int64_t classes) {
  const ModelFileSpec parts = split_model_file(spec);
  Spec overrides;
  if (!parts.options.empty()) overrides = parse_spec("options:" + parts.options, "--model");
  overrides.name = parts.path;
  const toml::table table = parse_toml(text, parts.path);
  const Definitions definitions = read_definitions(table, parts.path, overrides, classes);
  Graph graph = ModelReader(table, definitions, parts.path, spec, input, classes).read();
  graph.model_file = text;
  return graph;
}

}  // namespace frugal
