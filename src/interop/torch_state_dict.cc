#include "interop/torch_state_dict.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"

namespace frugal {
namespace {

constexpr int max_depth = 3;  // checkpoint['model']['state_dict']['encoder']
constexpr size_t max_metadata_text = 200;

// What checkpoints call the network; then, what they call its average. Earlier ones win.
constexpr std::array<std::string_view, 15> usual_keys{
    "state_dict", "model_state_dict", "model_state", "model",      "net",
    "network",    "weights",          "params",      "module",     "state_dict_ema",
    "model_ema",  "ema_state_dict",   "ema_model",   "params_ema", "ema"};

struct Candidate {
  std::vector<std::string_view> path;  // of texts in the pickle, which may be long
  PickleRef dict;
  size_t tensors = 0;  // in it
};

/// How good a guess: the places of its keys in usual_keys, unusual ones last; less is better.
std::vector<size_t> rank(const Candidate& candidate) {
  std::vector<size_t> places;
  for (const std::string_view key : candidate.path)
    places.push_back(static_cast<size_t>(std::ranges::find(usual_keys, key) - usual_keys.begin()));
  return places;
}

bool is_usual(const Candidate& candidate) {
  return std::ranges::all_of(rank(candidate), [](size_t place) { return place < usual_keys.size(); });
}

std::string path_text(const std::vector<std::string_view>& path) {
  std::string text;
  for (const std::string_view key : path) text += "[" + in_quotes(key) + "]";
  return text;
}

class Search {
 public:
  explicit Search(const Pickle& pickle) : pickle_(pickle) { visit(pickle.root(), {}); }
  std::vector<Candidate> found;

 private:
  void visit(PickleRef value, const std::vector<std::string_view>& path) {
    if (pickle_.kind(value) != PickleKind::dict) return;
    // Each dictionary once, though many values may hold it.
    if (!seen_.insert(pickle_[value].number).second) return;
    const std::vector<PickleRef>& items = pickle_.items(value);
    size_t tensors = 0;
    for (size_t i = 0; i < items.size(); i += 2) {
      if (pickle_.kind(items[i]) != PickleKind::text) continue;
      const std::string_view key = pickle_.text(items[i]);
      if (pickle_.kind(items[i + 1]) == PickleKind::tensor) ++tensors;
      if (path.size() == max_depth || key.starts_with("optim")) continue;
      if (pickle_.kind(items[i + 1]) != PickleKind::dict) continue;
      std::vector<std::string_view> longer = path;
      longer.push_back(key);
      visit(items[i + 1], longer);
    }
    if (tensors > 0) found.push_back({path, value, tensors});
  }

  const Pickle& pickle_;
  std::set<int64_t> seen_;
};

Candidate choose(const Pickle& pickle, const std::string& file) {
  std::vector<Candidate> found = Search(pickle).found;
  if (found.empty()) {
    throw Error(file +
                ": holds no dictionary of named tensors; in Python, torch.save(model.state_dict(), FILE)");
  }
  // A tensor or two beside a dictionary of more of them (an accuracy, a generator's state) are no network.
  size_t most = 0;
  for (const Candidate& each : found) most = std::max(most, each.path.empty() ? 0 : each.tensors);
  std::erase_if(found, [&](const Candidate& each) { return each.path.empty() && each.tensors < most; });
  std::ranges::sort(found, {}, [](const Candidate& each) { return std::pair(!is_usual(each), rank(each)); });
  // Tensors at the top are the state_dict itself, unless a dictionary with a usual name stands beside them.
  if (found.size() > 1 && !is_usual(found[0])) {
    std::vector<std::string> names;
    for (size_t i = 0; i < std::min<size_t>(found.size(), 8); ++i) names.push_back(path_text(found[i].path));
    throw Error(file + ": holds " + std::to_string(found.size()) + " dictionaries of tensors (" +
                join(names) + (found.size() > 8 ? ", ..." : "") +
                "), none with a usual name; in Python, torch.save the one that is meant");
  }
  const auto nested =
      std::ranges::find_if(found, [](const Candidate& each) { return !each.path.empty() && is_usual(each); });
  return nested != found.end() ? *nested : found[0];
}

std::optional<std::string> short_text(const Pickle& pickle, PickleRef value) {
  switch (pickle.kind(value)) {
    case PickleKind::integer:
      return std::to_string(pickle[value].number);
    case PickleKind::real:
      return exact_text(pickle.real(value));
    case PickleKind::text:
      if (pickle.text(value).size() <= max_metadata_text) return std::string(pickle.text(value));
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

/// The checkpoint's own numbers and short texts, for whoever looks at it.
void add_metadata(const Pickle& pickle, std::map<std::string, std::string>& metadata) {
  if (pickle.kind(pickle.root()) != PickleKind::dict) return;
  const std::vector<PickleRef>& items = pickle.items(pickle.root());
  for (size_t i = 0; i < items.size(); i += 2) {
    if (pickle.kind(items[i]) != PickleKind::text || pickle.text(items[i]).size() > max_metadata_text)
      continue;
    if (const auto text = short_text(pickle, items[i + 1]))
      metadata[std::string(pickle.text(items[i]))] = *text;
  }
}

/// What wrappers (DataParallel, torch.compile) put in front of every name.
std::string common_prefix(const std::vector<std::pair<std::string, const TorchTensor*>>& tensors) {
  std::string prefix;
  for (int layers = 0; layers < 4; ++layers) {
    for (const std::string_view wrapper : {"module.", "_orig_mod."}) {
      const std::string longer = prefix + std::string(wrapper);
      if (std::ranges::all_of(tensors, [&](const auto& each) {
            return each.first.size() > longer.size() && each.first.starts_with(longer);
          }))
        prefix = longer;
    }
  }
  return prefix;
}

}  // namespace

TorchStateDict find_state_dict(const Pickle& pickle, const TorchObjects& objects, const std::string& file) {
  const Candidate chosen = choose(pickle, file);
  TorchStateDict result;
  add_metadata(pickle, result.metadata);
  for (const std::string_view key : chosen.path) {
    std::string& path = result.metadata["torch.state_dict"];
    path += (path.empty() ? "" : ".") + std::string(key);
  }

  std::set<std::string_view> names;
  const std::vector<PickleRef>& items = pickle.items(chosen.dict);
  for (size_t i = 0; i < items.size(); i += 2) {
    if (pickle.kind(items[i]) != PickleKind::text || pickle.kind(items[i + 1]) != PickleKind::tensor)
      continue;
    const std::string_view name = pickle.text(items[i]);
    if (!names.insert(name).second)
      throw Error(file + ": tensor " + in_quotes(name) + " is there twice; the file is damaged");
    result.tensors.emplace_back(name, &objects.tensor(pickle[items[i + 1]]));
  }
  const std::string prefix = common_prefix(result.tensors);
  if (!prefix.empty()) result.metadata["torch.prefix"] = prefix;
  for (auto& [name, tensor] : result.tensors) name.erase(0, prefix.size());
  return result;
}

}  // namespace frugal
