#include "study/plan_runs.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/units.h"
#include "graph/model_file.h"
#include "train/history.h"
#include "train/limits.h"
#include "train/loss.h"
#include "train/trainer.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

constexpr size_t most_name = 60;  // bytes of a variant's name in its directories' names

std::string slug(const std::string& text) {
  std::string name;
  for (const char c : text.substr(0, most_name)) {
    const bool kept =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '=';
    if (kept) {
      name += c;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "run" : name;
}

/// 1 / part of its epochs, at least one, and of its time.
void shorten(std::map<std::string, std::string>& flags, int64_t part) {
  if (part == 1) return;
  if (const auto epochs = flags.find("--epochs"); epochs != flags.end()) {
    const int64_t all = parse_integer(epochs->second, "--epochs");
    epochs->second = std::to_string(std::max<int64_t>(1, (all + part - 1) / part));
  }
  if (const auto time = flags.find("--max-time"); time != flags.end()) {
    const double seconds = parse_max_time(time->second);
    if (seconds > 0) time->second = exact_text(seconds / static_cast<double>(part)) + "s";
  }
}

/// Of a file's content; empty where it cannot be read, which the run will tell of.
std::string content_hash(const std::string& path) {
  static std::map<std::string, std::string> known;  // a study plans each of its runs many times
  const auto [found, is_new] = known.try_emplace(path);
  if (!is_new) return found->second;
  try {
    found->second = hash_of(read_file(path));
  } catch (const Error&) {
  }
  return found->second;
}

/// A loss, with the content of the files of Fisher information that it reads. Beside another variant's run
/// none is looked for: its name must not depend on where the study lies.
std::string loss_identity(const std::string& loss, const std::string& from) {
  TrainConfig config;
  config.from = from.starts_with('@') ? "none" : from;
  fs::path beside = default_fisher(config);
  if (beside.empty()) beside = "none";  // which the run will tell of
  std::string identity = loss;
  size_t at = 0;
  for (const fs::path& file : parse_loss(loss).fisher_files(beside)) {
    const std::string name = file.string(), hash = content_hash(name);
    const size_t found = identity.find(name, at);
    if (found == std::string::npos) {  // the one beside what the run begins with
      identity += " " + hash;
    } else {
      identity.replace(found, name.size(), hash);
      at = found + hash.size();
    }
  }
  return identity;
}

/// What a run of this flag is told by: files by their content, not by where they lie. `from` is what the run
/// begins with.
std::string identity_of(const std::string& flag, const std::string& value, const std::string& from) {
  if (flag == "--model" && is_model_file(value)) {
    const ModelFileSpec spec = split_model_file(value);
    return content_hash(spec.path) + ":" + spec.options;
  }
  if (flag == "--loss" && value.find("ewc") != std::string::npos) {
    return loss_identity(value, from);
  }
  if (flag != "--from" && flag != "--teacher") return value;
  if (const fs::path weights = run_weights(value); !weights.empty()) return content_hash(weights.string());
  return fs::is_regular_file(value) ? content_hash(value) : value;
}

}  // namespace

std::filesystem::path run_directory(const std::filesystem::path& out, const std::string& name) {
  return out / "runs" / name;
}

PlannedRun plan_run(const Study& study, const Variant& variant, int64_t seed, int64_t part,
                    const std::filesystem::path& out, bool limited) {
  PlannedRun run{.variant = variant.name, .seed = seed, .part = part, .name = {}, .flags = {}, .needs = {}};
  std::map<std::string, std::string> flags = variant.flags;
  flags["--seed"] = std::to_string(seed);
  if (study.split_by_seed) flags["--split-seed"] = std::to_string(seed);
  shorten(flags, part);
  if (limited) flags.erase("--max-time");
  Hasher hasher;
  const auto add = [&hasher](const std::string& text) {
    hasher.update({reinterpret_cast<const uint8_t*>(text.c_str()), text.size() + 1});
  };
  if (limited) add("limited");
  for (const auto& [flag, value] : flags) {
    if (value == "false") continue;  // as without it
    run.flags.push_back(flag);
    std::string given = value;
    if (value.starts_with('@')) {
      // By the name of the run, which changes with what that run is given, and not by where the study lies.
      const Variant& other = *find_variant(study, value.substr(1));
      const bool same = std::ranges::find(other.seeds, seed) != other.seeds.end();
      run.needs.push_back(plan_run(study, other, same ? seed : other.seeds.front(), 1, out, limited).name);
      given = run_directory(out, run.needs.back()).string();
      add(flag + " @" + run.needs.back());
    } else {
      const auto from = flags.find("--from");
      add(flag + " " + identity_of(flag, value, from == flags.end() ? "none" : from->second));
    }
    if (value != "true") run.flags.push_back(given);
  }
  run.name = slug(variant.name) + (part > 1 ? "-part" + std::to_string(part) : "") + "-" +
             std::to_string(seed) + "-" + hasher.hex().substr(0, 8);
  return run;
}

}  // namespace frugal
