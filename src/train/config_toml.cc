// The configuration as TOML and back. One list of fields serves both ways, so none can be written and not
// read.
#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/shell.h"
#include "base/text.h"
#include "base/toml.h"
#include "base/units.h"
#include "graph/model_file.h"
#include "train/config.h"

namespace frugal {
namespace {

constexpr int64_t most_bytes = int64_t{1} << 20;

/// Calls visit(key, field) for every field.
template <class Config, class Visit>
void for_each_field(Config& config, Visit&& visit) {
  visit("recipe", config.recipe);
  visit("data", config.data);
  visit("image_size", config.image_size);
  visit("skip_bad", config.skip_bad);
  visit("select", config.select);
  visit("task", config.task);
  visit("fraction", config.fraction);
  visit("coarse", config.coarse);
  visit("val", config.val);
  visit("split", config.split);
  visit("split_seed", config.split_seed);
  visit("model", config.model);
  visit("from", config.from);
  visit("freeze", config.freeze);
  visit("freeze_bn", config.freeze_bn);
  visit("epochs", config.epochs);
  visit("max_time", config.max_time);
  visit("validate_every", config.validate_every);
  visit("patience", config.patience);
  visit("on_divergence", config.on_divergence);
  visit("checkpoint_every", config.checkpoint_every);
  visit("batch", config.batch);
  visit("sampling", config.sampling);
  visit("optimizer", config.optimizer);
  visit("lr", config.lr);
  visit("momentum", config.momentum);
  visit("weight_decay", config.weight_decay);
  visit("decay", config.decay);
  visit("groups", config.groups);
  visit("lookahead", config.lookahead);
  visit("ema", config.ema);
  visit("accumulate", config.accumulate);
  visit("clip", config.clip);
  visit("schedule", config.schedule);
  visit("warmup", config.warmup);
  visit("loss", config.loss);
  visit("teacher", config.teacher);
  visit("augment", config.augment);
  visit("resize", config.resize);
  visit("normalize", config.normalize);
  visit("replay", config.replay);
  visit("precision", config.precision);
  visit("threads", config.threads);
  visit("shard", config.shard);
  visit("batch_norm", config.batch_norm);
  visit("seed", config.seed);
}

std::string toml_value(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      constexpr const char* digits = "0123456789ABCDEF";
      out += "\\u00";
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[c & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

/// The shortest digits that read back to the same bits; a point or an exponent tells TOML that it is a float.
std::string toml_value(double value) {
  std::array<char, 32> digits{};
  std::string text(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string toml_value(bool value) { return value ? "true" : "false"; }

template <std::integral Integer>
std::string toml_value(Integer value) {
  return std::to_string(value);
}

bool assign(std::string& field, const toml::node& value) {
  if (const auto* text = value.as_string()) return field = text->get(), true;
  return false;
}

bool assign(double& field, const toml::node& value) {
  if (const auto* number = value.as_floating_point()) return field = number->get(), true;
  if (const auto* number = value.as_integer()) return field = static_cast<double>(number->get()), true;
  return false;
}

bool assign(bool& field, const toml::node& value) {
  if (const auto* flag = value.as_boolean()) return field = flag->get(), true;
  return false;
}

template <std::integral Integer>
bool assign(Integer& field, const toml::node& value) {
  const auto* number = value.as_integer();
  if (!number || !std::in_range<Integer>(number->get())) return false;
  field = static_cast<Integer>(number->get());
  return true;
}

std::string expected(const std::string&) { return "a text in quotes"; }
std::string expected(double) { return "a number"; }
std::string expected(bool) { return "true or false"; }
template <std::integral Integer>
std::string expected(Integer) {
  return std::signed_integral<Integer> ? "a whole number" : "a whole number that is not negative";
}

Error at(const std::string& path, const toml::source_region& where, const std::string& what) {
  return toml_error(path, where.begin.line, what);
}

/// `weight-decay` is what the flag is called; both spellings are understood.
std::string underscored(std::string_view key) {
  std::string name(key);
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}

std::filesystem::path from_directory_of(const std::string& config_file, const std::string& path) {
  return std::filesystem::path(config_file).parent_path() / path;  // an absolute path stays
}

/// A model file is looked for from where the configuration lies, so that a run's directory can move.
std::string beside(const std::string& config_file, const std::string& model) {
  return is_model_file(model) ? from_directory_of(config_file, model).string() : model;
}

/// So are the weights that a run begins with, and its teacher. A run's directory has no copy of them: its own
/// config.toml has to name the same files, wherever it lies.
std::string beside_file(const std::string& config_file, const std::string& from) {
  if (from == "none") return from;
  return std::filesystem::absolute(from_directory_of(config_file, from)).string();
}

}  // namespace

std::string to_toml(const TrainConfig& config) {
  std::string text = config.max_time == "none"
                         ? "# Repeats the run: frugal train --config FILE\n"
                         : "# Its clock decided, too: frugal train --replay RUN repeats it\n";
  for_each_field(config, [&](const char* key, const auto& value) {
    text += key;
    text += " = " + toml_value(value) + "\n";
  });
  return text;
}

std::string to_json(const TrainConfig& config) {
  nlohmann::ordered_json json;
  for_each_field(config, [&](const char* key, const auto& value) { json[key] = value; });
  return json.dump();
}

std::string command_line(const TrainConfig& config) {
  std::map<std::string, std::string> usual;
  const TrainConfig settings = recipe(config.recipe);
  for_each_field(settings, [&](const char* key, const auto& value) { usual[key] = toml_value(value); });
  std::vector<std::string> words = {"frugal", "train"};
  for_each_field(config, [&](const char* key, const auto& value) {
    std::string name = key;
    const bool is_usual = name == "recipe" ? config.recipe == "default" : toml_value(value) == usual[name];
    if (is_usual || name == "threads" || name == "replay") return;
    std::ranges::replace(name, '_', '-');
    words.push_back("--" + name);
    using Field = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_same_v<Field, std::string>) {
      words.push_back(value);
    } else if constexpr (std::is_floating_point_v<Field>) {
      words.push_back(exact_text(value));
    } else if constexpr (!std::is_same_v<Field, bool>) {
      words.push_back(std::to_string(value));
    }
  });
  return shell_line(words);
}

std::set<std::string> apply_toml_file(TrainConfig& config, const std::string& path) {
  const toml::table table = parse_toml(read_text_file(path, most_bytes), path);
  TrainConfig changed = config;
  if (const auto* name = table["recipe"].as_string()) {
    try {
      changed = recipe(name->get());
    } catch (const Error& error) {
      throw at(path, name->source(), error.what());
    }
  }
  std::vector<std::string> known;
  std::set<std::string> set;
  for_each_field(changed, [&](const char* key, const auto&) { known.emplace_back(key); });
  for (const auto& [key, value] : table) {
    const std::string name = underscored(key.str());
    bool found = false;
    // Captured by hand: clang 14 does not let a lambda refer to a structured binding.
    for_each_field(changed, [&, &value = value](const char* field_name, auto& field) {
      if (name != field_name) return;
      found = true;
      set.insert(name);
      if (!assign(field, value)) {
        throw at(path, value.source(), name + " must be " + expected(field));
      }
    });
    if (!found) {
      throw at(path, value.source(),
               "there is no setting " + in_quotes(key.str()) + "; there are " + join(known));
    }
  }
  if (table.contains("model")) changed.model = beside(path, changed.model);
  if (table.contains("from")) changed.from = beside_file(path, changed.from);
  if (table.contains("teacher")) changed.teacher = beside_file(path, changed.teacher);
  config = changed;
  return set;
}

}  // namespace frugal
