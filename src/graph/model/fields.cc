#include "graph/model/fields.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/nearest.h"
#include "base/text.h"

namespace frugal {
namespace {

constexpr std::array all_inits = {Init::zeros,
                                  Init::ones,
                                  Init::uniform_fan_in,
                                  Init::kaiming_normal,
                                  Init::kaiming_normal_fan_out,
                                  Init::kaiming_uniform,
                                  Init::xavier_normal,
                                  Init::xavier_uniform,
                                  Init::normal,
                                  Init::constant,
                                  Init::orthogonal,
                                  Init::dirac,
                                  Init::whitening};

}  // namespace

Error model_error(const std::string& file, const toml::node& where, const std::string& what) {
  return toml_error(file, where.source().begin.line, what);
}

void Fields::fail(const std::string& what) const {
  throw model_error(file_, table_, label_.empty() ? what : label_ + ": " + what);
}

void Fields::fail(const std::string& key, const std::string& what) const {
  const toml::node* node = table_.get(key);
  throw model_error(file_, node != nullptr ? *node : table_,
                    (label_.empty() ? "" : label_ + ": ") + key + " " + what);
}

const toml::node& Fields::required(const char* key) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) fail(std::string(key) + " is missing");
  return *node;
}

double Fields::number_of(const toml::node& node, const std::string& key) const {
  if (const auto* integer = node.as_integer()) return static_cast<double>(integer->get());
  if (const auto* real = node.as_floating_point()) {
    if (!std::isfinite(real->get())) fail(key, "must be finite");
    return real->get();
  }
  if (const auto* expression = node.as_string()) {
    try {
      return evaluate(expression->get(), scope_);
    } catch (const Error& error) {
      fail(key, std::string("is no number: ") + error.what());
    }
  }
  fail(key, "must be a number");
}

int64_t Fields::whole(const toml::node& node, const char* key, int64_t least, int64_t most) const {
  const double value = number_of(node, key);
  if (value != std::floor(value)) fail(key, "must be a whole number, not " + number_text(value));
  if (value < static_cast<double>(least) || value > static_cast<double>(most)) {
    fail(key, "must be in " + std::to_string(least) + " to " + std::to_string(most) + ", not " +
                  number_text(value));
  }
  return static_cast<int64_t>(value);
}

int64_t Fields::integer(const char* key, int64_t least, int64_t most) const {
  return whole(required(key), key, least, most);
}

int64_t Fields::integer(const char* key, int64_t least, int64_t most, int64_t otherwise) const {
  return has(key) ? integer(key, least, most) : otherwise;
}

double Fields::number(const char* key, double otherwise) const {
  return has(key) ? number_of(required(key), key) : otherwise;
}

bool Fields::flag(const char* key, bool otherwise) const {
  if (!has(key)) return otherwise;
  const toml::node& node = required(key);
  if (const auto* value = node.as_boolean()) return value->get();
  if (const auto* text = node.as_string()) {
    try {
      const Setting* parameter = parameter_of(text->get(), scope_);
      if (const bool* value = parameter != nullptr ? std::get_if<bool>(parameter) : nullptr) return *value;
    } catch (const Error& error) {
      fail(key, std::string("cannot be read: ") + error.what());
    }
  }
  fail(key, "must be true or false");
}

Extent Fields::extent(const char* key, int least) const {
  constexpr int most = 1 << 16;
  const toml::node& node = required(key);
  const auto side = [&](const toml::node& value) { return static_cast<int>(whole(value, key, least, most)); };
  const toml::array* both = node.as_array();
  if (both == nullptr) return side(node);
  if (both->size() != 2) fail(key, "must be a number, or two: [height, width]");
  return {side((*both)[0]), side((*both)[1])};
}

Extent Fields::extent(const char* key, int least, Extent otherwise) const {
  return has(key) ? extent(key, least) : otherwise;
}

std::string Fields::text_of(const toml::node& node, const std::string& key) const {
  const auto* text = node.as_string();
  if (text == nullptr) fail(key, "must be a text in quotes");
  try {
    return substitute(text->get(), scope_);
  } catch (const Error& error) {
    fail(key, std::string("is no text: ") + error.what());
  }
}

std::string Fields::text(const char* key, const std::string& otherwise) const {
  return has(key) ? text_of(required(key), key) : otherwise;
}

std::vector<std::string> Fields::texts(const char* key) const {
  if (!has(key)) return {};
  const toml::node& node = required(key);
  const toml::array* list = node.as_array();
  if (list == nullptr) return {text_of(node, key)};
  std::vector<std::string> texts;
  for (const toml::node& item : *list) texts.push_back(text_of(item, key));
  if (texts.empty()) fail(key, "must not be empty");
  return texts;
}

Setting Fields::setting(const char* key, const Setting& like) const {
  if (const bool* otherwise = std::get_if<bool>(&like)) return flag(key, *otherwise);
  if (const double* otherwise = std::get_if<double>(&like)) return number(key, *otherwise);
  return text(key, std::get<std::string>(like));
}

Init Fields::init(const char* key, Init otherwise) const {
  if (!has(key)) return otherwise;
  const std::string name = text(key);
  std::vector<std::string> names;
  for (const Init init : all_inits) {
    if (name == init_name(init)) return init;
    names.emplace_back(init_name(init));
  }
  const std::string hint = did_you_mean(name, names);
  fail(key,
       "is no initialisation: " + in_quotes(name) + (hint.empty() ? "; there are " + join(names) : hint));
}

const toml::array* Fields::tables(const char* key) const {
  if (!has(key)) return nullptr;
  const toml::array* list = required(key).as_array();
  if (list == nullptr) fail(key, "must be a list of tables: [{ ... }, { ... }]");
  for (const toml::node& item : *list) {
    if (!item.is_table())
      throw model_error(file_, item, std::string("every ") + key + " must be a table: { ... }");
  }
  return list;
}

void Fields::expect(const std::string& of, const std::vector<std::string>& known) const {
  for (const auto& [key, value] : table_) {
    const std::string name(key.str());
    if (std::ranges::find(known, name) != known.end()) continue;
    const std::string hint = did_you_mean(name, known);
    throw model_error(file_, value,
                      (label_.empty() ? "" : label_ + ": ") + of + " has no key " + in_quotes(name) +
                          (hint.empty() ? "; it has " + join(known) : hint));
  }
}

}  // namespace frugal
