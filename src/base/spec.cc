#include "base/spec.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"

namespace frugal {
namespace {

bool is_word(std::string_view text, bool wildcards = false) {
  return !text.empty() && std::ranges::all_of(text, [=](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || (wildcards && (c == '*' || c == '?'));
  });
}

/// Adds "value" or "key=value" to the spec.
void add_parameter(Spec& spec, std::string_view text, const std::string& what) {
  const size_t equals = text.find('=');
  const std::string value{trim(equals == std::string_view::npos ? text : text.substr(equals + 1))};
  if (value.empty()) {
    throw usage_error(
        what + ": a value is missing after " +
        in_quotes(spec.name + (equals == std::string_view::npos ? ":" : ":" + std::string(text))));
  }
  if (equals == std::string_view::npos) {
    spec.values.push_back(value);
    return;
  }
  const std::string key{trim(text.substr(0, equals))};
  if (!is_word(key)) throw usage_error(what + ": " + in_quotes(text) + " is not of the form key=value");
  if (!spec.options.emplace(key, value).second) {
    throw usage_error(what + ": " + spec.name + " has " + in_quotes(key) + " twice");
  }
}

/// "name" or "name:first", where `first` is one parameter.
Spec start_spec(std::string_view text, const std::string& what, bool& takes_parameters,
                bool wildcards = false) {
  const size_t colon = text.find(':');
  Spec spec;
  spec.name = trim(text.substr(0, colon));
  if (!is_word(spec.name, wildcards)) {
    throw usage_error(what + ": " +
                      (spec.name.empty() ? "a name is missing in " + in_quotes(text)
                                         : in_quotes(spec.name) + " is not a name") +
                      "; write name or name:key=value,...");
  }
  takes_parameters = colon != std::string_view::npos;
  if (takes_parameters) add_parameter(spec, text.substr(colon + 1), what);
  return spec;
}

std::string where(const Spec& spec, const std::string& key) { return spec.name + ":" + key; }

/// Whether the plus sign at `i` is the one of an exponent, as in 1e+5.
bool in_exponent(std::string_view text, size_t i) {
  const auto digit = [&](size_t at) {
    return at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0;
  };
  return i >= 2 && (text[i - 1] == 'e' || text[i - 1] == 'E') && (digit(i - 2) || text[i - 2] == '.') &&
         digit(i + 1);
}

}  // namespace

double Spec::number(const std::string& key, double otherwise) const {
  const auto found = options.find(key);
  return found == options.end() ? otherwise : parse_number(found->second, where(*this, key));
}

int64_t Spec::integer(const std::string& key, int64_t otherwise) const {
  const auto found = options.find(key);
  return found == options.end() ? otherwise : parse_integer(found->second, where(*this, key));
}

bool Spec::flag(const std::string& key, bool otherwise) const {
  const auto found = options.find(key);
  if (found == options.end()) return otherwise;
  for (const char* yes : {"true", "yes", "on", "1"}) {
    if (found->second == yes) return true;
  }
  for (const char* no : {"false", "no", "off", "0"}) {
    if (found->second == no) return false;
  }
  throw usage_error(where(*this, key) + ": " + in_quotes(found->second) + " is neither true nor false");
}

void Spec::expect(const std::vector<std::string>& known, size_t max_values) const {
  for (const auto& [key, value] : options) {
    if (std::ranges::find(known, key) != known.end()) continue;
    throw usage_error(name + ": unknown option " + in_quotes(key) + "; " +
                      (known.empty() ? "it has none" : "it has " + join(known)));
  }
  if (values.size() > max_values) {
    throw usage_error(name + ": " + in_quotes(values[max_values]) + " is one value too many; " +
                      (max_values == 0 ? "write key=value" : "at most " + std::to_string(max_values)));
  }
}

Spec parse_spec(const std::string& text, const std::string& what) {
  const auto pieces = split(text, ',');
  bool takes_parameters = false;
  Spec spec = start_spec(pieces[0], what, takes_parameters);
  if (!takes_parameters && pieces.size() > 1) {
    throw usage_error(what + ": one is expected, not the list " + in_quotes(text));
  }
  for (size_t i = 1; i < pieces.size(); ++i) add_parameter(spec, pieces[i], what);
  return spec;
}

std::vector<Spec> parse_spec_list(const std::string& text, const std::string& what, bool wildcards) {
  std::vector<Spec> specs;
  bool takes_parameters = false;
  for (std::string_view piece : split(text, ',')) {
    const size_t equals = piece.find('=');
    const bool continues = equals != std::string_view::npos && piece.find(':') > equals;
    if (!continues) {
      specs.push_back(start_spec(piece, what, takes_parameters, wildcards));
    } else if (takes_parameters) {
      add_parameter(specs.back(), piece, what);
    } else {
      throw usage_error(what + ": " + in_quotes(trim(piece)) + " follows no name: write " +
                        (specs.empty() ? "name" : specs.back().name) + ":" + std::string(trim(piece)));
    }
  }
  return specs;
}

std::vector<Term> parse_sum(const std::string& text, const std::string& what) {
  std::vector<Term> terms;
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && (text[i] != '+' || in_exponent(text, i))) continue;
    const std::string_view piece = trim(std::string_view(text).substr(begin, i - begin));
    begin = i + 1;
    Term term;
    const size_t star = piece.find('*');
    const bool scaled = star != std::string_view::npos && star < piece.find(':');
    if (scaled) term.coefficient = parse_number(std::string(piece.substr(0, star)), what);
    term.spec = parse_spec(std::string(scaled ? piece.substr(star + 1) : piece), what);
    terms.push_back(std::move(term));
  }
  return terms;
}

}  // namespace frugal
