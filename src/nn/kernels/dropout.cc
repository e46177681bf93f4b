#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/dropout.cc"
#include "hwy/foreach_target.h"
// Order matters: foreach_target first.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/philox.h"
#include "hwy/highway.h"
#include "nn/kernels/dropout.h"

HWY_BEFORE_NAMESPACE();
namespace frugal::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR
/// As many blocks of Philox as a vector has 32-bit lanes, the even and the odd ones apart: each word sits in
/// the low half of a 64-bit lane, where a multiplication takes it from and ignores what is above.
template <class D>
struct Blocks {
  using D64 = hn::RepartitionToWide<D>;
  using V64 = hn::Vec<D64>;
  V64 c0[2], c1[2], c2[2], c3[2];

  HWY_INLINE Blocks(D d, uint32_t first, uint32_t draw, uint32_t epoch, uint32_t purpose) {
    const D64 d64;
    const auto counter = hn::BitCast(d64, hn::Iota(d, first));
    c0[0] = counter;
    c0[1] = hn::ShiftRight<32>(counter);
    c1[0] = c1[1] = hn::Set(d64, uint64_t{draw});
    c2[0] = c2[1] = hn::Set(d64, uint64_t{epoch});
    c3[0] = c3[1] = hn::Set(d64, uint64_t{purpose});
  }
  HWY_INLINE void Round(D d, uint32_t k0, uint32_t k1) {
    const D64 d64;
    const auto key0 = hn::Set(d64, uint64_t{k0}), key1 = hn::Set(d64, uint64_t{k1});
    for (int i = 0; i < 2; ++i) {
      const auto a = hn::MulEven(hn::BitCast(d, c0[i]), hn::Set(d, philox_multiplier0));
      const auto b = hn::MulEven(hn::BitCast(d, c2[i]), hn::Set(d, philox_multiplier1));
      c0[i] = hn::Xor3(hn::ShiftRight<32>(b), c1[i], key0);
      c2[i] = hn::Xor3(hn::ShiftRight<32>(a), c3[i], key1);
      c1[i] = b;
      c3[i] = a;
    }
  }
  /// Writes two bits a block for each of the four words, 4 bytes apart.
  HWY_INLINE void Write(D d, uint16_t threshold, uint8_t* out) const {
    const hn::Repartition<uint16_t, D> d16;
    const auto limit = hn::Set(d16, threshold);
    const auto write = [&](const V64* word, int slot) HWY_ATTR {
      const auto words = hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(word[1])), hn::BitCast(d, word[0]));
      uint8_t mask[8] = {};
      hn::StoreMaskBits(d16, hn::Not(hn::Lt(hn::BitCast(d16, words), limit)), mask);
      std::memcpy(out + slot * 4, mask, hn::Lanes(d) / 4);
    };
    write(c0, 0), write(c1, 1), write(c2, 2), write(c3, 3);
  }
};

void KeepBits(int64_t elements, uint16_t threshold, std::array<uint32_t, 2> key, uint32_t draw,
              uint32_t epoch, uint32_t purpose, uint8_t* bits) {
  const hn::CappedTag<uint32_t, 16> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t blocks = (elements + 127) / 128 * 16;
  // Two vectors at a time: rounds are long chains of dependent multiplications.
  for (int64_t block = 0; block < blocks; block += 2 * lanes) {
    Blocks<hn::CappedTag<uint32_t, 16>> a(d, static_cast<uint32_t>(block), draw, epoch, purpose);
    Blocks<hn::CappedTag<uint32_t, 16>> b(d, static_cast<uint32_t>(block + lanes), draw, epoch, purpose);
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < dropout_philox_rounds; ++round) {
      a.Round(d, k0, k1);
      b.Round(d, k0, k1);
      k0 += philox_weyl0, k1 += philox_weyl1;
    }
    const auto place = [&](int64_t first) { return bits + first / 16 * 16 + first % 16 / 4; };
    a.Write(d, threshold, place(block));
    if (block + lanes < blocks) b.Write(d, threshold, place(block + lanes));
  }
}
#else
void KeepBits(int64_t elements, uint16_t threshold, std::array<uint32_t, 2> key, uint32_t draw,
              uint32_t epoch, uint32_t purpose, uint8_t* bits) {
  const int64_t groups = (elements + 127) / 128;
  std::fill_n(bits, groups * 16, uint8_t{0});
  for (int64_t block = 0; block < groups * 16; ++block) {
    const auto words =
        philox4x32({static_cast<uint32_t>(block), draw, epoch, purpose}, key, dropout_philox_rounds);
    for (uint32_t half = 0; half < 8; ++half) {
      const uint32_t value = words[half / 2] >> (half % 2 * 16) & 0xFFFFu;
      const int64_t element = block / 16 * 128 + half / 2 * 32 + block % 16 * 2 + half % 2;
      if (value >= threshold) bits[element / 8] |= static_cast<uint8_t>(1u << (element % 8));
    }
  }
}
#endif

}  // namespace frugal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frugal {
HWY_EXPORT(KeepBits);

DropoutRate::DropoutRate(float rate)
    : threshold(static_cast<uint16_t>(std::min(65535.0f, std::floor(rate * 65536.0f + 0.5f)))),
      keep_scale(65536.0f / static_cast<float>(65536 - threshold)) {}

void keep_bits(int64_t elements, DropoutRate rate, std::array<uint32_t, 2> key, uint32_t draw, uint32_t epoch,
               uint32_t purpose, uint8_t* bits) {
  HWY_DYNAMIC_DISPATCH(KeepBits)(elements, rate.threshold, key, draw, epoch, purpose, bits);
}

}  // namespace frugal
#endif
