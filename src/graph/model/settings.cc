#include "graph/model/settings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "base/error.h"
#include "base/nearest.h"
#include "base/text.h"

namespace frugal {
namespace {

// Expressions are short; this bounds how deep they nest and what a hostile one costs.
constexpr size_t longest = 200;

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

const Setting& require(const std::string& name, const Scope& scope) {
  if (const Setting* found = scope.find(name)) return *found;
  const std::vector<std::string> names = scope.names();
  const std::string hint = did_you_mean(name, names);
  throw usage_error("there is no parameter " + in_quotes(name) +
                    (hint.empty() ? "; there are " + join(names) : hint));
}

/// Recursive descent, one function a level of precedence.
class Expression {
 public:
  Expression(const std::string& text, const Scope& scope) : text_(text), scope_(scope) {
    if (text.size() > longest) throw usage_error("the expression " + in_quotes(text) + " is too long");
  }

  double value() {
    const double result = sum();
    if (next() != '\0') fail("it does not go on like that");
    if (!std::isfinite(result)) fail("its value is not finite");
    return result;
  }

 private:
  double sum() {
    double result = product();
    for (char c = next(); c == '+' || c == '-'; c = next()) {
      ++at_;
      const double term = product();
      result += c == '+' ? term : -term;
    }
    return result;
  }

  double product() {
    double result = factor();
    for (char c = next(); c == '*' || c == '/'; c = next()) {
      ++at_;
      const double operand = factor();
      if (c == '/' && operand == 0) fail("it divides by zero");
      result = c == '*' ? result * operand : result / operand;
    }
    return result;
  }

  double factor() {
    const char c = next();
    if (c == '(') {
      ++at_;
      const double inner = sum();
      if (next() != ')') fail("a closing parenthesis is missing");
      ++at_;
      return inner;
    }
    if (c == '-') {
      ++at_;
      return -factor();
    }
    if (is_digit(c) || c == '.') return number();
    if (c == '$') ++at_;
    if (at_ < text_.size() && is_letter(text_[at_])) return parameter();
    fail("a number or a parameter is missing");
  }

  double number() {
    double result = 0;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), result);
    if (error != std::errc()) fail("a number in it cannot be read");
    at_ += static_cast<size_t>(end - begin);
    return result;
  }

  double parameter() {
    const size_t begin = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
    const std::string name = text_.substr(begin, at_ - begin);
    if (const double* found = std::get_if<double>(&require(name, scope_))) return *found;
    fail("the parameter " + name + " is not a number");
  }

  char next() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw usage_error(in_quotes(text_) + " cannot be computed: " + what);
  }

  const std::string& text_;
  const Scope& scope_;
  size_t at_ = 0;
};

}  // namespace

const Setting* Scope::find(const std::string& name) const {
  for (const Scope* scope = this; scope != nullptr; scope = scope->outer_) {
    if (const auto found = scope->settings_.find(name); found != scope->settings_.end())
      return &found->second;
  }
  return nullptr;
}

std::vector<std::string> Scope::names() const {
  std::vector<std::string> names;
  for (const Scope* scope = this; scope != nullptr; scope = scope->outer_) {
    for (const auto& [name, setting] : scope->settings_) names.push_back(name);
  }
  return names;
}

bool is_layer_name(std::string_view text) {
  const auto allowed = [](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '-'; };
  return !text.empty() && text.size() <= longest_name && std::ranges::all_of(text, allowed);
}

bool is_identifier(std::string_view text) {
  return !text.empty() && is_letter(text[0]) &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c); });
}

const Setting* parameter_of(const std::string& text, const Scope& scope) {
  if (text.empty() || text[0] != '$' || !is_identifier(std::string_view(text).substr(1))) return nullptr;
  return &require(text.substr(1), scope);
}

double evaluate(const std::string& text, const Scope& scope) { return Expression(text, scope).value(); }

std::string substitute(const std::string& text, const Scope& scope) {
  if (text.size() > longest) throw usage_error(in_quotes(text) + " is too long");
  if (const Setting* setting = parameter_of(text, scope)) {
    if (const auto* word = std::get_if<std::string>(setting)) return *word;
    if (const auto* number = std::get_if<double>(setting)) return number_text(*number);
    throw usage_error("the parameter " + text.substr(1) + " is not a text");
  }
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '{') {
      result += text[i];
      continue;
    }
    const size_t end = text.find('}', i);
    if (end == std::string::npos) throw usage_error(in_quotes(text) + ": a closing brace is missing");
    const std::string inside = text.substr(i + 1, end - i - 1);
    const Setting* setting = is_identifier(inside) ? scope.find(inside) : nullptr;
    const auto* word = setting != nullptr ? std::get_if<std::string>(setting) : nullptr;
    result += word != nullptr ? *word : number_text(evaluate(inside, scope));
    i = end;
  }
  return result;
}

std::string number_text(double value) {
  // Whole numbers are counts and indices, which are never written 1e+05.
  if (value == std::floor(value) && std::abs(value) < 1e15)
    return std::to_string(static_cast<int64_t>(value));
  std::array<char, 32> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

}  // namespace frugal
