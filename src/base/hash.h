// XXH3-128 as hexadecimal text, of one piece or of several in turn.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace frugal {

class Hasher {
 public:
  Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  ~Hasher();
  void update(std::span<const uint8_t> bytes);
  std::string hex() const;  // 32 digits

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Of one piece.
std::string hash_of(std::span<const uint8_t> bytes);
std::string hash_of(std::string_view text);

}  // namespace frugal
