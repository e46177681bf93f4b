#include "data/selection.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/nearest.h"
#include "base/text.h"
#include "base/units.h"
#include "data/split.h"

namespace frugal {
namespace {

/// Keeps images `ids`, in order; each must be at or behind its place.
void keep_images(ImageSet& images, const std::vector<int32_t>& ids) {
  const auto bytes = images.image_bytes();
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto from = static_cast<size_t>(ids[i]);
    if (from == i) continue;
    std::copy_n(images.pixels.begin() + static_cast<std::ptrdiff_t>(from) * bytes, bytes,
                images.pixels.begin() + static_cast<std::ptrdiff_t>(i) * bytes);
    images.labels[i] = images.labels[from];
    if (!images.coarse_labels.empty()) images.coarse_labels[i] = images.coarse_labels[from];
  }
  images.count = static_cast<int64_t>(ids.size());
  images.labels.resize(ids.size());
  if (!images.coarse_labels.empty()) images.coarse_labels.resize(ids.size());
  images.pixels.resize(ids.size() * static_cast<size_t>(bytes));
  images.pixels.shrink_to_fit();
}

/// Keeps images of the classes in `number`, which says what becomes of each class, -1 for nothing.
void keep_labels(ImageSet& images, const std::vector<int32_t>& number) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < images.labels.size(); ++i) {
    int32_t& label = images.labels[i];
    label = number[static_cast<size_t>(label)];
    if (label >= 0) ids.push_back(static_cast<int32_t>(i));
  }
  keep_images(images, ids);
}

void keep_classes(Dataset& data, const std::vector<int32_t>& chosen) {
  std::vector<int32_t> number(data.classes.size(), -1);
  std::vector<std::string> names;
  names.reserve(chosen.size());
  for (const int32_t old : chosen) {
    number[static_cast<size_t>(old)] = static_cast<int32_t>(names.size());
    names.push_back(data.classes[static_cast<size_t>(old)]);
  }
  data.classes = std::move(names);
  keep_labels(data.train, number);
  keep_labels(data.test, number);
}

void to_coarse(Dataset& data) {
  data.classes = std::move(data.coarse_classes);
  data.coarse_classes.clear();
  for (ImageSet* images : {&data.train, &data.test}) {
    images->labels = std::move(images->coarse_labels);
    images->coarse_labels.clear();
  }
}

std::optional<int64_t> as_number(std::string_view text) {
  if (text.empty() || text.size() > 9) return std::nullopt;
  int64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

/// "7" or "0-49" as first and last.
std::optional<std::pair<int64_t, int64_t>> as_range(std::string_view text) {
  const size_t dash = text.find('-');
  const auto first = as_number(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : as_number(text.substr(dash + 1));
  if (!first || !last) return std::nullopt;
  return std::pair(*first, *last);
}

}  // namespace

std::vector<int32_t> parse_classes(const std::string& text, const std::vector<std::string>& names,
                                   const std::string& flag) {
  std::vector<int32_t> chosen;
  const auto add = [&](int64_t number) {
    if (std::ranges::find(chosen, number) == chosen.end()) chosen.push_back(static_cast<int32_t>(number));
  };
  for (const std::string_view piece : split(text, ',')) {
    const std::string word(trim(piece));
    const auto named = std::ranges::find(names, word);
    const auto range = as_range(word);
    if (named != names.end()) {
      add(named - names.begin());
    } else if (range) {
      if (range->first > range->second || range->second >= std::ssize(names)) {
        throw usage_error(flag + ": " + word + ": classes are numbered from 0 to " +
                          std::to_string(names.size() - 1));
      }
      for (int64_t i = range->first; i <= range->second; ++i) add(i);
    } else {
      throw usage_error(flag + ": no class is called " + in_quotes(word) + did_you_mean(word, names));
    }
  }
  return chosen;
}

void select(Dataset& data, const Selection& selection) {
  if (selection.coarse) {
    if (data.coarse_classes.empty()) {
      throw usage_error("--coarse: " + data.name + " has no superclasses");
    }
    to_coarse(data);
  }
  if (selection.classes != "all") {
    const std::vector<int32_t> chosen = parse_classes(selection.classes, data.classes);
    if (chosen.size() < 2) {
      throw usage_error("--select: " + selection.classes + " is one class; there is nothing to tell it from");
    }
    keep_classes(data, chosen);
  }
  if (selection.task != "all") {
    std::vector<int32_t> number(data.classes.size(), -1);
    for (const int32_t label : parse_classes(selection.task, data.classes, "--task")) {
      number[static_cast<size_t>(label)] = label;
    }
    keep_labels(data.train, number);
    keep_labels(data.test, number);
  }
  if (!(selection.fraction > 0 && selection.fraction <= 1)) {
    throw usage_error("--fraction: " + exact_text(selection.fraction) + " is no part; give above 0 to 1");
  }
  if (selection.fraction < 1) {
    const auto wanted =
        static_cast<int64_t>(std::floor(selection.fraction * static_cast<double>(data.train.count) + 1e-6));
    const std::vector<int64_t> counts = class_counts(data.train, data.classes.size());
    const auto classes = static_cast<int64_t>(counts.size()) - std::ranges::count(counts, 0);
    if (wanted < classes) {
      throw usage_error("--fraction: " + exact_text(selection.fraction) + " of " +
                        with_thousands(data.train.count) + " images leaves " + with_thousands(wanted) +
                        ", less than one of each of the " + std::to_string(classes) + " classes");
    }
    keep_images(data.train, stratified_indices(data.train.labels, wanted, selection.seed, Purpose::select,
                                               /*every_class=*/true));
  }
}

bool keep_classes(Dataset& data, const std::vector<std::string>& names) {
  const auto has_all = [&](const std::vector<std::string>& own) {
    return std::ranges::all_of(
        names, [&](const std::string& name) { return std::ranges::find(own, name) != own.end(); });
  };
  if (!has_all(data.classes)) {
    if (!has_all(data.coarse_classes)) return false;
    to_coarse(data);
  }
  if (names == data.classes) return true;
  std::vector<int32_t> chosen;
  chosen.reserve(names.size());
  for (const std::string& name : names) {
    chosen.push_back(static_cast<int32_t>(std::ranges::find(data.classes, name) - data.classes.begin()));
  }
  keep_classes(data, chosen);
  return true;
}

}  // namespace frugal
