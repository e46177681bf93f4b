// A directory in memory for inputs that must be files, and what every target demands of a reader: a value, or
// an Error.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>

#include "base/error.h"

namespace frugal {

/// Made once a process, gone when it ends in order.
inline const std::filesystem::path& scratch() {
  struct Scratch {
    std::filesystem::path path;
    Scratch() {
      std::string name = "/dev/shm/frugal-fuzz-XXXXXX";
      if (::mkdtemp(name.data()) == nullptr) std::abort();
      path = name;
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
  };
  static const Scratch scratch;
  return scratch.path;
}

inline void put(const std::filesystem::path& path, std::span<const uint8_t> bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr || std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size()) std::abort();
  std::fclose(file);
}
inline void put(const std::filesystem::path& path, const std::string& text) {
  put(path, std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

/// Takes an input apart, piece by piece; what is beyond its end is zeros.
struct Pieces {
  std::span<const uint8_t> rest;
  uint8_t byte() {
    if (rest.empty()) return 0;
    const uint8_t value = rest[0];
    rest = rest.subspan(1);
    return value;
  }
};

/// Anything but an Error leaves, and libFuzzer reports it.
template <class Read>
void try_to(Read&& read) {
  try {
    read();
  } catch (const Error&) {
  }
}

/// What a reader must keep to whatever it was given.
inline void demand(bool kept) {
  if (!kept) std::abort();
}

}  // namespace frugal
