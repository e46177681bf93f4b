// The keys of one table of a model file, read by name and type; every error names file, line and layer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/toml.h"
#include "graph/graph.h"
#include "graph/model/settings.h"

namespace frugal {

/// "net.toml:12: what", exit code 2.
Error model_error(const std::string& file, const toml::node& where, const std::string& what);

class Fields {
 public:
  /// All of them must outlive the fields.
  Fields(const toml::table& table, const Scope& scope, const std::string& file)
      : table_(table), scope_(scope), file_(file) {}

  /// What errors call the layer; "" at first.
  void set_label(std::string label) { label_ = std::move(label); }
  bool has(const char* key) const { return table_.contains(key); }

  /// Numbers may be expressions; a key without a default must be there.
  int64_t integer(const char* key, int64_t least, int64_t most) const;
  int64_t integer(const char* key, int64_t least, int64_t most, int64_t otherwise) const;
  double number(const char* key, double otherwise) const;
  bool flag(const char* key, bool otherwise) const;
  /// A number for both of height and width, or [height, width].
  Extent extent(const char* key, int least) const;
  Extent extent(const char* key, int least, Extent otherwise) const;
  std::string text(const char* key, const std::string& otherwise = "") const;
  /// One text or a list of them; empty where there is no such key.
  std::vector<std::string> texts(const char* key) const;
  /// A value of the same type as `like`, which is the default.
  Setting setting(const char* key, const Setting& like) const;
  Init init(const char* key, Init otherwise) const;
  /// A list of tables; null where there is no such key.
  const toml::array* tables(const char* key) const;

  /// An error unless every key is among `known`; it suggests the nearest.
  void expect(const std::string& of, const std::vector<std::string>& known) const;
  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void fail(const std::string& key, const std::string& what) const;
  size_t line() const { return table_.source().begin.line; }

 private:
  int64_t whole(const toml::node& node, const char* key, int64_t least, int64_t most) const;
  double number_of(const toml::node& node, const std::string& key) const;
  std::string text_of(const toml::node& node, const std::string& key) const;
  const toml::node& required(const char* key) const;
  const toml::table& table_;
  const Scope& scope_;
  const std::string& file_;
  std::string label_;
};

}  // namespace frugal
