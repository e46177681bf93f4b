// Small data sets in CIFAR's layouts, and the full one where this machine has it.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "../temp_dir.h"

namespace frugal {

/// Pixel (y, x) of channel c of record n: every one is told from its neighbours.
inline uint8_t fixture_pixel(int64_t n, int64_t y, int64_t x, int64_t c) {
  return static_cast<uint8_t>(n * 131 + y * 37 + x * 7 + c * 83);
}

/// One record: label bytes, then planes.
inline std::string fixture_record(int64_t n, const std::string& labels) {
  std::string record = labels;
  for (int64_t c = 0; c < 3; ++c) {
    for (int64_t y = 0; y < 32; ++y) {
      for (int64_t x = 0; x < 32; ++x) record += static_cast<char>(fixture_pixel(n, y, x, c));
    }
  }
  return record;
}

/// CIFAR-100's layout with 3 classes of 2 coarse ones, 4 training and 2 test images.
inline void make_cifar100(const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  put(directory / "fine_label_names.txt", std::string("apple\nbear\ncan\n"));
  put(directory / "coarse_label_names.txt", std::string("things\r\nbeings\r\n"));
  std::string train, test;
  for (char n = 0; n < 4; ++n)
    train += fixture_record(n, {static_cast<char>(n % 2), static_cast<char>(n % 3)});
  for (char n = 4; n < 6; ++n)
    test += fixture_record(n, {static_cast<char>(n % 2), static_cast<char>(n % 3)});
  put(directory / "train.bin", train);
  put(directory / "test.bin", test);
}

/// CIFAR-10's layout with 3 classes, one image a file.
inline void make_cifar10(const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  put(directory / "batches.meta.txt", std::string("airplane\nbird\ncat\n\n"));
  for (char n = 0; n < 5; ++n) {
    put(directory / ("data_batch_" + std::to_string(n + 1) + ".bin"),
        fixture_record(n, {static_cast<char>(n % 3)}));
  }
  put(directory / "test_batch.bin", fixture_record(5, {2}));
}

/// The full CIFAR-100, if FRUGAL_DATA or a directory beside the source tree holds it.
inline std::optional<std::filesystem::path> full_cifar100() {
  const char* chosen = std::getenv("FRUGAL_DATA");
  for (const std::filesystem::path& root : {std::filesystem::path(chosen == nullptr ? "" : chosen),
                                            std::filesystem::path(FRUGAL_SOURCE_DIR) / "../shared/data"}) {
    if (std::filesystem::exists(root / "cifar100" / "train.bin")) return root / "cifar100";
  }
  return std::nullopt;
}

/// Sets a variable of the environment for as long as it lives; null removes it.
class ScopedEnv {
 public:
  ScopedEnv(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    set(value);
  }
  ScopedEnv(const ScopedEnv&) = delete;
  ScopedEnv& operator=(const ScopedEnv&) = delete;
  ~ScopedEnv() { set(old_ ? old_->c_str() : nullptr); }

 private:
  void set(const char* value) { value != nullptr ? ::setenv(name_, value, 1) : ::unsetenv(name_); }
  const char* name_;
  std::optional<std::string> old_;
};

}  // namespace frugal
