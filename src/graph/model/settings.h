// What may stand in a model file where a number or a text is expected: the thing itself, a parameter
// ("$width"), arithmetic ("2*$width + 8"), and names with something in braces ("layer{i}.conv").
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace frugal {

using Setting = std::variant<bool, double, std::string>;

/// Parameters by name; what an inner scope lacks is looked for in the outer one, which must live as long.
class Scope {
 public:
  explicit Scope(const Scope* outer = nullptr) : outer_(outer) {}
  void set(const std::string& name, Setting value) { settings_[name] = std::move(value); }
  const Setting* find(const std::string& name) const;
  std::vector<std::string> names() const;

 private:
  const Scope* outer_;
  std::map<std::string, Setting> settings_;
};

inline constexpr size_t longest_name = 200;

/// What layers, their values and blocks may be called: letters, digits, points, dashes and underscores, at
/// most longest_name.
bool is_layer_name(std::string_view text);

/// Letters, digits and underscores, no digit first.
bool is_identifier(std::string_view text);

/// What "$name" stands for; null where the text is something else. A usage error where there is no such
/// parameter.
const Setting* parameter_of(const std::string& text, const Scope& scope);

/// The number that an expression of + - * / and parentheses comes to; parameters with or without their dollar
/// sign. Usage errors say what is wrong with it.
double evaluate(const std::string& text, const Scope& scope);

/// The text with every {expression} replaced by its value: "layer{i+1}.conv". "$name" alone is the parameter.
std::string substitute(const std::string& text, const Scope& scope);

/// As people write it: "3", "0.25".
std::string number_text(double value);

}  // namespace frugal
