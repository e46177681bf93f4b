// Philox 4x32: the counter-based generator behind every random number of the project.
// Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
#pragma once

#include <array>
#include <cstdint>

namespace frugal {

/// What a random number is for; two purposes never share a counter.
enum class Purpose : uint32_t {
  initialise = 1,  // layer: index of the parameter
  split = 2,
  shuffle = 3,
  dropout = 4,   // layer: index of the node in the graph
  augment = 5,   // layer: index of the transformation in its list
  mix = 6,       // the same
  select = 7,    // layer: label
  stratify = 8,  // the same
  fisher = 9,    // labels drawn from predictions
  test = 255,    // goldens and tests
};

inline constexpr uint32_t philox_multiplier0 = 0xD2511F53u, philox_multiplier1 = 0xCD9E8D57u;
inline constexpr uint32_t philox_weyl0 = 0x9E3779B9u, philox_weyl1 = 0xBB67AE85u;
/// Ten rounds, as the paper recommends, everywhere but in dropout (see docs/decisions.md).
inline constexpr int philox_rounds = 10;

/// One block of four random words for a counter and a key.
inline std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key,
                                          int rounds = philox_rounds) {
  for (int round = 0; round < rounds; ++round) {
    const uint64_t a = uint64_t{philox_multiplier0} * counter[0];
    const uint64_t b = uint64_t{philox_multiplier1} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key[0] += philox_weyl0;
    key[1] += philox_weyl1;
  }
  return counter;
}

/// The random numbers of one (seed, purpose, layer, epoch): block(draw, i) gives words 4i to 4i + 3 of a
/// draw. `draw` is the position in the epoch's order, the rest of the key is fixed.
class RandomStream {
 public:
  RandomStream(uint64_t seed, Purpose purpose, uint32_t layer = 0, uint32_t epoch = 0)
      : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)},
        purpose_((static_cast<uint32_t>(purpose) << 24) ^ layer),
        epoch_(epoch) {}

  std::array<uint32_t, 4> block(uint32_t draw, uint32_t i) const {
    return philox4x32({i, draw, epoch_, purpose_}, key_);
  }
  /// One word; costs a whole block, so take block() where several are needed.
  uint32_t word(uint32_t draw, uint32_t element) const { return block(draw, element / 4)[element % 4]; }

  std::array<uint32_t, 2> key() const { return key_; }
  uint32_t epoch() const { return epoch_; }
  uint32_t purpose() const { return purpose_; }

 private:
  std::array<uint32_t, 2> key_;
  uint32_t purpose_, epoch_;
};

/// [0, 1) with 24 bits, exactly representable in float.
inline float uniform01(uint32_t word) { return static_cast<float>(word >> 8) * 0x1.0p-24f; }

/// [0, n) without libm or division; the bias is below n / 2^32.
inline uint32_t uniform_below(uint32_t word, uint32_t n) {
  return static_cast<uint32_t>((uint64_t{word} * n) >> 32);
}

/// The words of one draw, one after the other.
class Dice {
 public:
  Dice(const RandomStream& stream, uint32_t draw) : stream_(stream), draw_(draw) {}

  uint32_t word() {
    if (next_ % 4 == 0) words_ = stream_.block(draw_, next_ / 4);
    return words_[next_++ % 4];
  }
  /// [low, high).
  double uniform(double low, double high) { return low + (high - low) * double{uniform01(word())}; }
  uint32_t below(uint32_t n) { return uniform_below(word(), n); }
  bool happens(double probability) { return uniform(0, 1) < probability; }

 private:
  RandomStream stream_;
  uint32_t draw_, next_ = 0;
  std::array<uint32_t, 4> words_{};
};

}  // namespace frugal
