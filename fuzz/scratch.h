// A directory in memory for inputs that must be files, and what every target demands of a reader: a value, or
// an Error.
#pragma once

#include <sanitizer/allocator_interface.h>
#include <unistd.h>

#include <algorithm>
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

/// Bytes that the program holds, and the most that it held.
struct HeldMemory {
  int64_t now = 0, most = 0;
};
inline constinit HeldMemory held_memory;

/// The sanitizer tells from here on; nothing may be allocated in what it calls.
inline void watch_memory() {
  [[maybe_unused]] static const int hook = __sanitizer_install_malloc_and_free_hooks(
      [](const volatile void*, size_t size) {
        held_memory.now += static_cast<int64_t>(size);
        held_memory.most = std::max(held_memory.most, held_memory.now);
      },
      [](const volatile void* p) {
        held_memory.now -= static_cast<int64_t>(__sanitizer_get_allocated_size(const_cast<const void*>(p)));
      });
}

/// Where a directory is longer than it claims entries, libzip makes place for 65,536 more: two MiB.
inline constexpr int64_t libzip_memory = 3 << 20;

/// What `read` yields, which must not take more memory at any time than 64 times the input's `size` and
/// `always`, which does not depend on it.
template <class Read>
auto within_memory(uintmax_t size, Read&& read, int64_t always = 64 << 10) {
  constexpr int64_t factor = 64;
  watch_memory();
  struct Bound {
    int64_t before = held_memory.now, limit;
    explicit Bound(int64_t bytes) : limit(bytes) { held_memory.most = before; }
    ~Bound() {
      const int64_t taken = held_memory.most - before;
      if (std::getenv("FRUGAL_FUZZ_MEMORY") != nullptr)
        std::fprintf(stderr, "memory %ld of %ld\n", taken, limit);
      demand(taken <= limit);
    }
  } bound(factor * static_cast<int64_t>(size) + always);
  return read();
}

}  // namespace frugal
