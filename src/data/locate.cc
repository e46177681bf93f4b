#include "data/locate.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "base/text.h"
#include "data/load_options.h"
#include "data/sources.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

struct KnownName {
  std::string_view name;
  std::string_view unpacked;   // what the official archive or torchvision unpacks to, or empty
  std::string_view installed;  // where Debian's package puts it, or empty
};
constexpr std::array<KnownName, 5> known_names{
    {{"cifar10", "cifar-10-batches-bin", ""},
     {"cifar100", "cifar-100-binary", ""},
     {"cifar100-mini", "", ""},
     {"mnist", "MNIST/raw", ""},
     {"fashion-mnist", "FashionMNIST/raw", "/usr/share/datasets/fashion-mnist"}}};

const KnownName* find_known(std::string_view name) {
  const auto* found = std::ranges::find(known_names, name, &KnownName::name);
  return found == known_names.end() ? nullptr : found;
}

bool names_directory(const fs::path& path) {
  std::error_code ignored;  // what cannot be seen is not there
  return fs::is_directory(path, ignored);
}

std::string not_found(const std::string& name, const std::vector<fs::path>& places) {
  std::string text = "no data set " + in_quotes(name) + " here; looked for";
  for (const fs::path& place : places) text += "\n  " + place.string();
  return text;
}

/// `share/frugal` of the prefix that libfrugal.so, if this is it, was installed under: PREFIX/lib or, as
/// Debian has it, PREFIX/lib/x86_64-linux-gnu. Empty where there is none.
fs::path library_data() {
  Dl_info here{};
  if (dladdr(reinterpret_cast<const void*>(&data_roots), &here) == 0 || here.dli_fname == nullptr) return {};
  std::error_code error;
  const fs::path object = fs::canonical(here.dli_fname, error);
  if (error || !object.filename().string().starts_with("libfrugal")) return {};
  const fs::path lib = object.parent_path();
  for (const fs::path& prefix : {lib.parent_path(), lib.parent_path().parent_path()}) {
    if (fs::path data = prefix / "share" / "frugal"; fs::is_directory(data, error)) return data;
  }
  return {};
}

}  // namespace

std::vector<fs::path> data_roots() {
  std::vector<fs::path> roots;
  const char* chosen = std::getenv("FRUGAL_DATA");
  if (chosen != nullptr && *chosen != '\0') roots.emplace_back(chosen);
  if (const fs::path cache = user_cache(); !cache.empty()) roots.push_back(cache);
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  // A package that was unpacked elsewhere than it was built for still finds its own data.
  if (!program.empty()) roots.push_back(program.parent_path().parent_path() / "share" / "frugal");
  if (const fs::path own = library_data(); !own.empty()) roots.push_back(own);
  for (const char* built_in : {FRUGAL_INSTALL_DATA_DIR, FRUGAL_SOURCE_DATA_DIR}) {
    if (std::ranges::find(roots, fs::path(built_in)) == roots.end()) roots.emplace_back(built_in);
  }
  return roots;
}

bool is_data_name(const std::string& text) {
  if (text == "decoded") return false;  // what is kept beside data sets in ~/.cache/frugal
  return !text.empty() && text.front() != '.' && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
}

std::string path_from_anywhere(const std::string& name_or_path) {
  if (find_known(name_or_path) != nullptr || !names_directory(name_or_path)) return name_or_path;
  const bool named =
      is_data_name(name_or_path) && std::ranges::any_of(data_roots(), [&](const fs::path& root) {
        return names_directory(root / name_or_path);
      });
  return named ? name_or_path : fs::absolute(name_or_path).string();
}

fs::path locate_dataset(const std::string& name_or_path) {
  if (name_or_path.empty()) throw usage_error("--data: a name or a directory is missing");
  const KnownName* known = find_known(name_or_path);
  std::vector<fs::path> places;
  if (is_data_name(name_or_path)) {
    for (const fs::path& root : data_roots()) {
      places.push_back(root / name_or_path);
      if (known != nullptr && !known->unpacked.empty()) places.push_back(root / known->unpacked);
    }
  }
  places.emplace_back(name_or_path);
  if (known != nullptr && !known->installed.empty()) places.emplace_back(known->installed);
  for (const fs::path& place : places) {
    if (names_directory(place)) return place;
  }
  std::error_code ignored;
  if (fs::exists(name_or_path, ignored)) {
    throw usage_error("--data: " + in_quotes(name_or_path) + " is no directory; give the one that it is in");
  }
  if (known != nullptr) {
    std::string text = not_found(name_or_path, places) + "\n";
    if (std::ranges::find(known_sources(), name_or_path, &DataSource::name) != known_sources().end()) {
      text += "`frugal fetch " + name_or_path + "` gets it; or ";
    }
    text += "put it into one of these places, or set FRUGAL_DATA to the directory that holds it";
    if (!known->installed.empty()) text += ", or install Debian's dataset-" + std::string(known->name);
    throw Error(text);
  }
  std::vector<std::string> names;
  names.reserve(known_names.size());
  for (const KnownName& each : known_names) names.emplace_back(each.name);
  throw usage_error(not_found(name_or_path, places) + "\nknown names: " + join(names));
}

}  // namespace frugal
