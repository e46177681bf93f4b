#include "study/study_file.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "base/toml.h"
#include "base/units.h"
#include "graph/model_file.h"

namespace frugal {
namespace {

constexpr int64_t most_bytes = int64_t{1} << 20;
constexpr size_t most_variants = 10000;

using Flags = std::map<std::string, std::string>;

/// Such would break the lines of the tables, or write to the terminal.
bool has_control_characters(const std::string& text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < ' ' || c == 127; });
}

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : path_(path) {
    study_.file = path;
    table_ = parse_toml(read_text_file(path, most_bytes), path.string());
  }

  Study read() {
    const std::vector<std::string> known = {"title",    "base",    "seeds", "split_by_seed", "halving",
                                            "settings", "variant", "list",  "grid"};
    for (const auto& [key, value] : table_) {
      if (std::ranges::find(known, key.str()) == known.end()) {
        throw at(value.source(), "a study has no " + in_quotes(key.str()) + "; it has " + join(known) +
                                     " (flags of frugal train belong into [settings] or a [[variant]])");
      }
    }
    study_.title = text_of("title");
    if (has_control_characters(study_.title)) {
      throw at(table_.get("title")->source(), "a title is one line, without control characters");
    }
    if (const toml::node* node = table_.get("seeds")) study_.seeds = seeds_in(*node);
    if (const toml::node* node = table_.get("split_by_seed")) study_.split_by_seed = boolean(*node);
    if (const toml::node* node = table_.get("halving")) {
      study_.halving = integer(*node);
      if (study_.halving < 2 || study_.halving > 100) throw at(node->source(), "halving must be 2 to 100");
    }
    if (const toml::table* settings = table_at("settings")) common_ = this->settings(*settings);
    read_variants();
    read_list();
    read_grid();
    if (study_.variants.empty()) add("base", common_, 1, study_.seeds);
    choose_base();
    check_references();
    return std::move(study_);
  }

 private:
  Error at(const toml::source_region& where, const std::string& what) const {
    return at(static_cast<int>(where.begin.line), what);
  }
  Error at(int line, const std::string& what) const {
    return toml_error(path_.string(), static_cast<size_t>(line), what);
  }

  bool boolean(const toml::node& node) const {
    if (const auto* value = node.as_boolean()) return value->get();
    throw at(node.source(), "this must be true or false");
  }
  int64_t integer(const toml::node& node) const {
    if (const auto* value = node.as_integer()) return value->get();
    throw at(node.source(), "this must be a whole number");
  }
  std::string text_of(const char* key) const {
    const toml::node* node = table_.get(key);
    if (!node) return "";
    if (const auto* value = node->as_string()) return value->get();
    throw at(node->source(), std::string(key) + " must be a text in quotes");
  }
  const toml::table* table_at(const char* key) const {
    const toml::node* node = table_.get(key);
    if (!node) return nullptr;
    if (const toml::table* table = node->as_table()) return table;
    throw at(node->source(), std::string(key) + " must be a table: [" + key + "]");
  }
  const toml::array& array(const toml::node& node, const std::string& key) const {
    const toml::array* values = node.as_array();
    if (!values || values->empty()) {
      throw at(node.source(), key + " must be a list of values in brackets, such as [1, 2]");
    }
    return *values;
  }

  /// That `node` names, of those above it.
  const Variant& variant_at(const toml::node& node) const {
    const auto* name = node.as_string();
    if (!name) throw at(node.source(), "like must be the name of a variant in quotes");
    if (const Variant* variant = find_variant(study_, name->get())) return *variant;
    throw at(node.source(), "no variant before this one is called " + in_quotes(name->get()));
  }

  /// `$FRUGAL_DATA/weights/a.pth`: the variable's value is put in.
  std::string expanded(const std::string& text, const toml::node& node) const {
    if (!text.starts_with('$')) return text;
    const size_t end = std::min(text.find('/'), text.size());
    const std::string name = text.substr(1, end - 1);
    const char* value = std::getenv(name.c_str());
    if (!value) throw at(node.source(), "the environment variable " + in_quotes(name) + " is not set");
    return value + text.substr(end);
  }
  /// What names a file does so from where the study lies.
  std::string located(const std::string& key, const std::string& text) const {
    const bool file = (key == "from" || key == "teacher") ? text != "none" && !text.starts_with('@')
                                                          : key == "model" && is_model_file(text);
    return file ? (path_.parent_path() / text).string() : text;
  }
  std::string value_of(const std::string& key, const toml::node& node) const {
    if (const auto* text = node.as_string()) return located(key, expanded(text->get(), node));
    if (const auto* number = node.as_integer()) return std::to_string(number->get());
    if (const auto* number = node.as_floating_point()) return exact_text(number->get());
    if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
    throw at(node.source(), key + " must be a text in quotes, a number, true or false");
  }
  void set(Flags& flags, std::string key, const toml::node& node) const {
    std::ranges::replace(key, '_', '-');
    for (const char* own : {"seed", "out", "config", "replay", "json", "quiet", "threads", "tensorboard"}) {
      if (key == own) throw at(node.source(), "the study itself sets --" + key);
    }
    flags["--" + key] = value_of(key, node);
  }
  Flags settings(const toml::table& table) const {
    Flags flags;
    for (const auto& [key, value] : table) {
      for (const char* elsewhere : {"name", "seeds", "like"}) {
        if (key.str() == elsewhere) {
          throw at(value.source(), std::string(elsewhere) +
                                       " is no flag of frugal train; it belongs above "
                                       "[settings], or into a [[variant]]");
        }
      }
      set(flags, std::string(key.str()), value);
    }
    return flags;
  }
  Flags flags_of(const toml::table& variant) const {
    Flags flags;
    if (const toml::node* like = variant.get("like")) flags = variant_at(*like).flags;
    for (const auto& [key, value] : variant) {
      const std::string_view name = key.str();
      if (name != "name" && name != "seeds" && name != "like") set(flags, std::string(name), value);
    }
    return flags;
  }

  void add(const std::string& name, Flags flags, int line, const std::vector<int64_t>& seeds) {
    if (has_control_characters(name)) throw at(line, "a name is one line, without control characters");
    if (find_variant(study_, name)) throw at(line, "two variants are called " + in_quotes(name));
    if (study_.variants.size() == most_variants) throw at(line, "these are more than 10,000 variants");
    flags.insert(common_.begin(), common_.end());  // what is there already stays
    study_.variants.push_back({name, std::move(flags), line, seeds});
  }

  std::vector<int64_t> seeds_in(const toml::node& node) const {
    std::vector<int64_t> seeds;
    for (const toml::node& seed : array(node, "seeds")) {
      const int64_t value = integer(seed);
      if (value < 0) throw at(seed.source(), "seeds are not negative");
      if (std::ranges::find(seeds, value) != seeds.end()) throw at(seed.source(), "this seed is there twice");
      seeds.push_back(value);
    }
    return seeds;
  }

  void read_variants() {
    const toml::node* node = table_.get("variant");
    if (!node) return;
    const toml::array* variants = node->as_array();
    if (!variants) throw at(node->source(), "variants are written as [[variant]]");
    for (const toml::node& one : *variants) {
      const toml::table* table = one.as_table();
      if (!table) throw at(one.source(), "variants are written as [[variant]]");
      const auto* name = (*table)["name"].as_string();
      if (!name || trim(name->get()).empty()) {
        throw at(one.source(), "a [[variant]] needs a name: name = \"...\"");
      }
      if (name->get().starts_with('@')) throw at(name->source(), "a name cannot begin with @");
      const toml::node* own = table->get("seeds");
      add(name->get(), flags_of(*table), static_cast<int>(one.source().begin.line),
          own ? seeds_in(*own) : study_.seeds);
    }
  }

  struct Axis {
    std::string key;
    const toml::array* values;
    int line;
  };
  /// In the order of the file.
  std::vector<Axis> axes(const char* name) const {
    std::vector<Axis> found;
    const toml::table* table = table_at(name);
    if (!table) return found;
    for (const auto& [key, value] : *table) {
      const std::string text(key.str());
      found.push_back({text, &array(value, text), static_cast<int>(value.source().begin.line)});
    }
    std::ranges::stable_sort(found, {}, &Axis::line);
    return found;
  }
  std::string label(const std::string& key, const toml::node& value) const {
    const auto* text = value.as_string();
    return key + "=" + (text ? text->get() : value_of(key, value));
  }

  void read_list() {
    const std::vector<Axis> lists = axes("list");
    if (!lists.empty() && study_.variants.empty()) add("base", common_, lists.front().line, study_.seeds);
    for (const Axis& axis : lists) {
      for (const toml::node& value : *axis.values) {
        Flags flags;
        set(flags, axis.key, value);
        add(label(axis.key, value), std::move(flags), axis.line, study_.seeds);
      }
    }
  }

  void read_grid() {
    const std::vector<Axis> grid = axes("grid");
    if (grid.empty()) return;
    std::vector<size_t> at_value(grid.size());
    for (bool more = true; more;) {
      Flags flags;
      std::vector<std::string> labels;
      for (size_t i = 0; i < grid.size(); ++i) {
        const toml::node& value = *grid[i].values->get(at_value[i]);
        set(flags, grid[i].key, value);
        labels.push_back(label(grid[i].key, value));
      }
      add(join(labels), std::move(flags), grid.front().line, study_.seeds);
      more = false;  // the last axis turns fastest
      for (size_t i = grid.size(); i-- > 0 && !more;) {
        more = ++at_value[i] < grid[i].values->size();
        if (!more) at_value[i] = 0;
      }
    }
  }

  void choose_base() {
    study_.base = text_of("base");
    if (study_.base.empty()) {
      study_.base = study_.variants.front().name;
    } else if (!find_variant(study_, study_.base)) {
      throw at(table_.get("base")->source(), "no variant is called " + in_quotes(study_.base));
    }
  }

  void check_references() const {
    for (auto variant = study_.variants.begin(); variant != study_.variants.end(); ++variant) {
      for (const auto& [flag, value] : variant->flags) {
        if (!value.starts_with('@')) continue;
        if (flag != "--from" && flag != "--teacher") {
          throw at(variant->line, flag + ": only from and teacher can be a variant's run");
        }
        if (std::find_if(study_.variants.begin(), variant, [&value = value](const Variant& other) {
              return other.name == value.substr(1);
            }) == variant) {
          throw at(variant->line,
                   flag + ": no variant before this one is called " + in_quotes(value.substr(1)));
        }
      }
    }
    if (study_.halving == 0) return;
    for (const Variant& variant : study_.variants) {
      const auto time = variant.flags.find("--max-time");
      const bool timed = time != variant.flags.end() && time->second != "none";
      if (!variant.flags.contains("--epochs") && !timed) {
        throw at(variant.line, "halving gives parts of epochs or of max_time, and this has neither");
      }
      if (std::ranges::any_of(variant.flags, [](const auto& flag) { return flag.second.starts_with('@'); })) {
        throw at(variant.line, "a study with halving cannot build on the runs of other variants");
      }
    }
  }

  const std::filesystem::path& path_;
  toml::table table_;
  Flags common_;
  Study study_;
};

}  // namespace

Study read_study(const std::filesystem::path& path) { return Reader(path).read(); }

const Variant* find_variant(const Study& study, const std::string& name) {
  const auto found = std::ranges::find(study.variants, name, &Variant::name);
  return found == study.variants.end() ? nullptr : &*found;
}

}  // namespace frugal
