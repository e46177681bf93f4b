#include "base/memory.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <string>

#include "base/text.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

constexpr int64_t unlimited = std::numeric_limits<int64_t>::max();

/// `otherwise` for a file that is not there or holds no number, such as "max".
int64_t number_in(const fs::path& path, int64_t otherwise) {
  std::ifstream file(path);
  std::string text;
  int64_t value = 0;
  if (!(file >> text)) return otherwise;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0 ? value : otherwise;
}

/// The number behind `key` at the beginning of a line: /proc/meminfo, memory.stat.
int64_t number_after(const fs::path& path, const std::string& key, int64_t otherwise) {
  std::ifstream file(path);
  for (std::string word; file >> word;) {
    int64_t value = 0;
    if (word == key) return file >> value ? value : otherwise;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return otherwise;
}

struct Names {
  const char *limit, *usage, *active_files, *inactive_files;
};
constexpr Names version1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_active_file",
                         "total_inactive_file"};
constexpr Names version2{"memory.max", "memory.current", "active_file", "inactive_file"};

/// What the group and those above it leave. In a container the group's own path may lie outside of what is
/// mounted; its limits are then those at the mount's root.
int64_t left_by(const fs::path& mount, const std::string& group, const Names& names) {
  int64_t least = unlimited;
  fs::path below = fs::path(group).relative_path();
  while (true) {
    const fs::path at = mount / below;
    const int64_t limit = number_in(at / names.limit, unlimited);
    if (limit < unlimited) {
      const int64_t cached = number_after(at / "memory.stat", names.active_files, 0) +
                             number_after(at / "memory.stat", names.inactive_files, 0);
      const int64_t used = std::max<int64_t>(0, number_in(at / names.usage, 0) - cached);
      least = std::min(least, std::max<int64_t>(0, limit - used));
    }
    if (below.empty()) return least;
    below = below.parent_path();
  }
}

}  // namespace

int64_t available_memory(const fs::path& root) {
  const int64_t kibibytes = number_after(root / "proc/meminfo", "MemAvailable:", unlimited >> 10);
  int64_t least = kibibytes >= (unlimited >> 10) ? unlimited : kibibytes << 10;
  const fs::path mount = root / "sys/fs/cgroup";
  std::ifstream groups(root / "proc/self/cgroup");
  // "0::/a/b" is version 2's, "4:cpu,memory:/a/b" version 1's.
  for (std::string line; std::getline(groups, line);) {
    const auto parts = split(line, ':');
    if (parts.size() < 3) continue;
    const std::string group = line.substr(parts[0].size() + parts[1].size() + 2);
    if (parts[1].empty()) {
      least = std::min(least, left_by(mount, group, version2));
    } else if (const auto controllers = split(parts[1], ',');
               std::ranges::find(controllers, "memory") != controllers.end()) {
      least = std::min(least, left_by(mount / "memory", group, version1));
    }
  }
  return least;
}

}  // namespace frugal
