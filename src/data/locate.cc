#include "data/locate.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "base/text.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

struct KnownName {
  std::string_view name;
  std::string_view unpacked;  // what the official archive unpacks to, or empty
};
constexpr std::array<KnownName, 3> known_names{
    {{"cifar10", "cifar-10-batches-bin"}, {"cifar100", "cifar-100-binary"}, {"cifar100-mini", ""}}};

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

}  // namespace

std::vector<fs::path> data_roots() {
  std::vector<fs::path> roots;
  const char* chosen = std::getenv("FRUGAL_DATA");
  if (chosen != nullptr && *chosen != '\0') roots.emplace_back(chosen);
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') roots.push_back(fs::path(home) / ".cache" / "frugal");
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  // A package that was unpacked elsewhere than it was built for still finds its own data.
  if (!program.empty()) roots.push_back(program.parent_path().parent_path() / "share" / "frugal");
  for (const char* built_in : {FRUGAL_INSTALL_DATA_DIR, FRUGAL_SOURCE_DATA_DIR}) {
    if (std::ranges::find(roots, fs::path(built_in)) == roots.end()) roots.emplace_back(built_in);
  }
  return roots;
}

bool is_data_name(const std::string& text) {
  return !text.empty() && text.front() != '.' && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
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
  for (const fs::path& place : places) {
    if (names_directory(place)) return place;
  }
  std::error_code ignored;
  if (fs::exists(name_or_path, ignored)) {
    throw usage_error("--data: " + in_quotes(name_or_path) + " is no directory; give the one that it is in");
  }
  if (known != nullptr) {
    const std::string fetch =
        known->unpacked.empty() ? "" : "`frugal fetch " + name_or_path + "` gets it; or ";
    throw Error(not_found(name_or_path, places) + "\n" + fetch +
                "put it into one of these places, or set FRUGAL_DATA to the directory that holds it");
  }
  std::vector<std::string> names;
  names.reserve(known_names.size());
  for (const KnownName& each : known_names) names.emplace_back(each.name);
  throw usage_error(not_found(name_or_path, places) + "\nknown names: " + join(names));
}

}  // namespace frugal
