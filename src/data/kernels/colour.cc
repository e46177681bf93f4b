#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "data/kernels/colour.cc"
#include "hwy/foreach_target.h"
// Order matters: foreach_target first.
#include <algorithm>
#include <cstring>

#include "data/kernels/colour.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace frugal::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::CappedTag<float, 16>;
using DI = hn::Rebind<int32_t, DF>;
using D8 = hn::Rebind<uint8_t, DF>;
using VF = hn::Vec<DF>;
using V8 = hn::Vec<D8>;

HWY_INLINE VF ToFloat(V8 bytes) { return hn::ConvertTo(DF(), hn::PromoteTo(DI(), bytes)); }
/// Without the fraction, as a cast. The numbers are in [0, 256).
HWY_INLINE V8 ToBytes(VF value) { return hn::DemoteTo(D8(), hn::ConvertTo(DI(), value)); }
HWY_INLINE VF Cut(VF value, float most) {
  const DF d;
  return hn::Min(hn::Max(value, hn::Zero(d)), hn::Set(d, most));
}

struct Rgb {
  VF r, g, b;
};

HWY_INLINE VF Grey(const Rgb& p) {
  const DF d;
  const auto sum = hn::Add(hn::Add(hn::Mul(hn::Set(d, 0.2989f), p.r), hn::Mul(hn::Set(d, 0.587f), p.g)),
                           hn::Mul(hn::Set(d, 0.114f), p.b));
  return hn::Trunc(sum);
}

/// Calls change(Rgb) -> Rgb for every pixel, vectors at a time; what does not fill one is padded on the side.
template <class Change>
HWY_INLINE void ForPixels(uint8_t* pixels, int64_t count, Change change) {
  const D8 d8;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d8));
  const auto at = [&](uint8_t* p) HWY_ATTR {
    V8 r, g, b;
    hn::LoadInterleaved3(d8, p, r, g, b);
    const Rgb out = change(Rgb{ToFloat(r), ToFloat(g), ToFloat(b)});
    hn::StoreInterleaved3(ToBytes(out.r), ToBytes(out.g), ToBytes(out.b), d8, p);
  };
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) at(pixels + 3 * i);
  if (i >= count) return;
  uint8_t rest[3 * 16] = {};
  std::memcpy(rest, pixels + 3 * i, static_cast<size_t>(3 * std::min(count - i, lanes)));
  at(rest);
  std::memcpy(pixels + 3 * i, rest, static_cast<size_t>(3 * std::min(count - i, lanes)));
}

void ScaleBytes(uint8_t* bytes, int64_t count, float factor, float constant) {
  const D8 d8;
  const DF d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d8));
  const auto at = [&](uint8_t* p) HWY_ATTR {
    const auto scaled = hn::Add(hn::Mul(hn::Set(d, factor), ToFloat(hn::LoadU(d8, p))), hn::Set(d, constant));
    hn::StoreU(ToBytes(Cut(scaled, 255.0f)), d8, p);
  };
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) at(bytes + i);
  if (i >= count) return;
  uint8_t rest[16] = {};
  std::memcpy(rest, bytes + i, static_cast<size_t>(std::min(count - i, lanes)));
  at(rest);
  std::memcpy(bytes + i, rest, static_cast<size_t>(std::min(count - i, lanes)));
}

int64_t SumGreys(const uint8_t* pixels, int64_t count) {
  const D8 d8;
  const DI di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d8));
  constexpr int64_t block = int64_t{1} << 20;  // 2^20 * 255 stays below 2^31
  int64_t total = 0;
  const auto greys = [&](const uint8_t* p) HWY_ATTR {
    V8 r, g, b;
    hn::LoadInterleaved3(d8, p, r, g, b);
    return hn::ConvertTo(di, Grey(Rgb{ToFloat(r), ToFloat(g), ToFloat(b)}));
  };
  int64_t i = 0;
  while (i + lanes <= count) {
    auto sum = hn::Zero(di);
    for (const int64_t end = i + block; i + lanes <= count && i < end; i += lanes) {
      sum = hn::Add(sum, greys(pixels + 3 * i));
    }
    total += hn::GetLane(hn::SumOfLanes(di, sum));
  }
  if (i < count) {
    uint8_t rest[3 * 16] = {};
    std::memcpy(rest, pixels + 3 * i, static_cast<size_t>(3 * std::min(count - i, lanes)));
    total += hn::GetLane(hn::SumOfLanes(di, greys(rest)));
  }
  return total;
}

void ToGrey(uint8_t* pixels, int64_t count) {
  ForPixels(pixels, count, [](const Rgb& p) HWY_ATTR {
    const VF grey = Grey(p);
    return Rgb{grey, grey, grey};
  });
}

void BlendWithGrey(uint8_t* pixels, int64_t count, float factor, float rest) {
  const DF d;
  ForPixels(pixels, count, [&](const Rgb& p) HWY_ATTR {
    const VF scale = hn::Set(d, factor), grey = hn::Mul(hn::Set(d, rest), Grey(p));
    const auto blend = [&](VF channel)
                           HWY_ATTR { return Cut(hn::Add(hn::Mul(scale, channel), grey), 255.0f); };
    return Rgb{blend(p.r), blend(p.g), blend(p.b)};
  });
}

/// Of values in [0, 1]: hue, by torchvision's _rgb2hsv, in [0, 1).
HWY_INLINE VF Hue(const Rgb& p, VF highest, VF spread) {
  const DF d;
  const auto one = hn::Set(d, 1.0f), zero = hn::Zero(d);
  const auto divisor = hn::IfThenElse(hn::Eq(spread, zero), one, spread);
  const auto rc = hn::Div(hn::Sub(highest, p.r), divisor);
  const auto gc = hn::Div(hn::Sub(highest, p.g), divisor);
  const auto bc = hn::Div(hn::Sub(highest, p.b), divisor);
  const auto red = hn::Eq(highest, p.r), green = hn::Eq(highest, p.g);
  const auto of_green = hn::Sub(hn::Add(hn::Set(d, 2.0f), rc), bc);
  const auto of_blue = hn::Sub(hn::Add(hn::Set(d, 4.0f), gc), rc);
  const auto sixths = hn::IfThenElse(red, hn::Sub(bc, gc), hn::IfThenElse(green, of_green, of_blue));
  const auto turns = hn::Add(hn::Div(sixths, hn::Set(d, 6.0f)), one);
  return hn::Sub(turns, hn::Floor(turns));
}

void TurnHue(uint8_t* pixels, int64_t count, float turn) {
  const DF d;
  ForPixels(pixels, count, [&](const Rgb& bytes) HWY_ATTR {
    const auto one = hn::Set(d, 1.0f), six = hn::Set(d, 6.0f), full = hn::Set(d, 255.0f);
    const Rgb p{hn::Div(bytes.r, full), hn::Div(bytes.g, full), hn::Div(bytes.b, full)};
    const auto highest = hn::Max(p.r, hn::Max(p.g, p.b)), lowest = hn::Min(p.r, hn::Min(p.g, p.b));
    const auto spread = hn::Sub(highest, lowest);
    const auto flat = hn::Eq(highest, lowest);
    const auto saturation = hn::Div(spread, hn::IfThenElse(flat, one, highest));
    const auto turned = hn::Add(Hue(p, highest, spread), hn::Set(d, turn));
    const auto hue = hn::Sub(turned, hn::Floor(turned));
    // _hsv2rgb.
    const auto sixths = hn::Mul(hue, six);
    const auto sector = hn::Floor(sixths), f = hn::Sub(sixths, sector);
    const auto low = Cut(hn::Mul(highest, hn::Sub(one, saturation)), 1.0f);
    const auto falling = Cut(hn::Mul(highest, hn::Sub(one, hn::Mul(saturation, f))), 1.0f);
    const auto rising = Cut(hn::Mul(highest, hn::Sub(one, hn::Mul(saturation, hn::Sub(one, f)))), 1.0f);
    const auto is = [&](float number) HWY_ATTR { return hn::Eq(sector, hn::Set(d, number)); };
    const auto pick = [&](VF s0, VF s1, VF s2, VF s3, VF s4, VF s5) HWY_ATTR {
      VF value = s0;  // and of a hue that has been rounded to a whole turn
      value = hn::IfThenElse(is(1), s1, value);
      value = hn::IfThenElse(is(2), s2, value);
      value = hn::IfThenElse(is(3), s3, value);
      value = hn::IfThenElse(is(4), s4, value);
      value = hn::IfThenElse(is(5), s5, value);
      return hn::Mul(value, full);
    };
    return Rgb{pick(highest, falling, low, low, rising, highest),
               pick(rising, highest, highest, falling, low, low),
               pick(low, low, rising, highest, highest, falling)};
  });
}

}  // namespace frugal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frugal {
HWY_EXPORT(ScaleBytes);
HWY_EXPORT(SumGreys);
HWY_EXPORT(ToGrey);
HWY_EXPORT(BlendWithGrey);
HWY_EXPORT(TurnHue);

void scale_bytes(uint8_t* bytes, int64_t count, float factor, float constant) {
  HWY_DYNAMIC_DISPATCH(ScaleBytes)(bytes, count, factor, constant);
}
int64_t sum_greys(const uint8_t* pixels, int64_t count) {
  return HWY_DYNAMIC_DISPATCH(SumGreys)(pixels, count);
}
void to_grey(uint8_t* pixels, int64_t count) { HWY_DYNAMIC_DISPATCH(ToGrey)(pixels, count); }
void blend_with_grey(uint8_t* pixels, int64_t count, float factor, float rest) {
  HWY_DYNAMIC_DISPATCH(BlendWithGrey)(pixels, count, factor, rest);
}
void turn_hue(uint8_t* pixels, int64_t count, float turn) {
  HWY_DYNAMIC_DISPATCH(TurnHue)(pixels, count, turn);
}

}  // namespace frugal
#endif
