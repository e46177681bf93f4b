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
/// The low and high halves of a * m.
template <class D, class V>
HWY_INLINE void MultiplyWide(D d, V a, V m, V& low, V& high) {
  const auto even = hn::MulEven(a, m);
  const auto odd = hn::MulEven(hn::DupOdd(a), m);
  low = hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even));
  high = hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even)));
}

void KeepBits(int64_t elements, uint16_t threshold, std::array<uint32_t, 2> key, uint32_t draw, uint32_t epoch,
              uint32_t purpose, uint8_t* bits) {
  const hn::CappedTag<uint32_t, 16> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto m0 = hn::Set(d, philox_multiplier0), m1 = hn::Set(d, philox_multiplier1);
  const auto limit = hn::Set(d, uint32_t{threshold} << 16);
  const auto half = hn::Set(d, 0xFFFF0000u);
  for (int64_t group = 0; group * 128 < elements; ++group) {
    for (int64_t lane = 0; lane < 16; lane += lanes) {
      auto c0 = hn::Iota(d, static_cast<uint32_t>(group * 16 + lane));
      auto c1 = hn::Set(d, draw), c2 = hn::Set(d, epoch), c3 = hn::Set(d, purpose);
      uint32_t k0 = key[0], k1 = key[1];
      for (int round = 0; round < dropout_philox_rounds; ++round) {
        auto low0 = c0, high0 = c0, low1 = c0, high1 = c0;
        MultiplyWide(d, c0, m0, low0, high0);
        MultiplyWide(d, c2, m1, low1, high1);
        c0 = hn::Xor(hn::Xor(high1, c1), hn::Set(d, k0));
        c2 = hn::Xor(hn::Xor(high0, c3), hn::Set(d, k1));
        c1 = low1;
        c3 = low0;
        k0 += philox_weyl0, k1 += philox_weyl1;
      }
      uint8_t* out = bits + group * 16 + lane / 8;
      const auto write = [&](auto word, int slot) HWY_ATTR {
        // 16 bits moved to the top compare like the 16 bits themselves.
        uint8_t mask[2][8] = {};
        hn::StoreMaskBits(d, hn::Not(hn::Lt(hn::ShiftLeft<16>(word), limit)), mask[0]);
        hn::StoreMaskBits(d, hn::Not(hn::Lt(hn::And(word, half), limit)), mask[1]);
        for (int h = 0; h < 2; ++h) {
          uint8_t* to = out + (slot * 2 + h) * 2;
          if (lanes == 16) {
            std::memcpy(to, mask[h], 2);
          } else if (lanes == 8) {
            *to = mask[h][0];
          } else {
            const int shift = static_cast<int>(lane % 8);
            *to = static_cast<uint8_t>((shift ? *to : 0) | (mask[h][0] << shift));
          }
        }
      };
      write(c0, 0), write(c1, 1), write(c2, 2), write(c3, 3);
    }
  }
}
#else
void KeepBits(int64_t elements, uint16_t threshold, std::array<uint32_t, 2> key, uint32_t draw, uint32_t epoch,
              uint32_t purpose, uint8_t* bits) {
  const int64_t groups = (elements + 127) / 128;
  std::fill_n(bits, groups * 16, uint8_t{0});
  for (int64_t block = 0; block < groups * 16; ++block) {
    const auto words =
        philox4x32({static_cast<uint32_t>(block), draw, epoch, purpose}, key, dropout_philox_rounds);
    for (int slot = 0; slot < 8; ++slot) {
      const uint32_t value = slot % 2 == 0 ? words[slot / 2] & 0xFFFFu : words[slot / 2] >> 16;
      const int64_t element = block / 16 * 128 + slot * 16 + block % 16;
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
