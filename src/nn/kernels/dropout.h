// Which elements dropout keeps: a bit an element from Philox, the same for every instruction set.
#pragma once

#include <array>
#include <cstdint>

namespace frugal {

/// Rounds of Philox for dropout: the fewest with which Philox 4x32 passes BigCrush (Salmon et al. 2011, table
/// 2).
inline constexpr int dropout_philox_rounds = 7;

/// P(drop) in steps of 2^-16; the scale of kept elements is the exact inverse of what is kept.
struct DropoutRate {
  explicit DropoutRate(float rate);
  uint16_t threshold;  // an element is kept when its 16 random bits are at least this
  float keep_scale;    // 65536 / (65536 - threshold)
};

/// Bytes that keep_bits writes for a sample of that many elements, and that must be readable behind them.
inline int64_t keep_bytes(int64_t elements) { return (elements + 127) / 128 * 16 + 8; }

/// Bit e of `bits` (byte e / 8, bit e % 8) tells whether element e of the sample is kept. The random number
/// of element e is half e % 2 (0 is the low one) of word (e / 32) % 4 of the block with counter {e / 128 * 16
/// + e % 32 / 2, draw, epoch, purpose}: so a vector of blocks compares straight into bits.
void keep_bits(int64_t elements, DropoutRate rate, std::array<uint32_t, 2> key, uint32_t draw, uint32_t epoch,
               uint32_t purpose, uint8_t* bits);

}  // namespace frugal
