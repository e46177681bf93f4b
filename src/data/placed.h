// Data sets that frugal has placed: each holds a manifest by which it can be verified, and comes to its
// place, or takes an older one's, in a single step.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace frugal {

struct Found {
  enum class State {
    absent,
    verified,  // placed by frugal, every file as it was
    damaged,   // placed by frugal, and not so any more
    foreign    // somebody else's: there is no manifest
  } state = State::absent;
  std::string what = {};  // of a damaged one: which file, and how
  int64_t files = 0, bytes = 0;
};

/// Reads every file that the manifest names.
Found examine(const std::filesystem::path& directory);

/// Writes the manifest of a directory's files ("frugal-fetch.json": XXH3-128 and size of each) and syncs the
/// directory. `name` and `source` (where the files came from) are for people.
void seal(const std::filesystem::path& directory, const std::string& name, const std::string& source);

/// Moves a sealed directory to `target`, on the same file system. What frugal placed there before is replaced
/// in one step and removed then; what is somebody else's, whole or in part, is put aside. Returns where to,
/// or an empty path.
std::filesystem::path place(const std::filesystem::path& sealed, const std::filesystem::path& target);

}  // namespace frugal
