// XXH3-128 as hexadecimal text, of one piece or of several in turn.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

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

}  // namespace frugal
