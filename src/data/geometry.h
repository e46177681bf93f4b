// Changes that move pixels without mixing them. Flips and shifts act on each axis alone, so that any number
// of them in a row comes down to one index an axis; a rotation or shear takes each pixel from the one
// nearest.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "data/augment.h"

namespace frugal {

/// Which input coordinate each output coordinate of an axis shows; -1 is black.
class AxisIndex {
 public:
  void reset(int64_t size);
  void reverse();
  /// Output i shows what was at i + by; `padding` says what lies beyond the ends. Mirrors without repeating
  /// the border, as torch's "reflect", and again at the other end where one mirror does not suffice.
  void shift(int64_t by, Padding padding);

  bool is_identity() const { return identity_; }
  int64_t size() const { return static_cast<int64_t>(index_.size()); }
  int32_t operator[](int64_t i) const { return index_[static_cast<size_t>(i)]; }

 private:
  std::vector<int32_t> index_, before_;
  bool identity_ = true;
};

/// Output pixel (x, y), measured from the image's middle, shows input (m0 x + m1 y + m2, m3 x + m4 y + m5).
using AffineMatrix = std::array<double, 6>;

/// What rotates by `degrees` (clockwise, as torchvision's affine), scales, shears along x and y by these
/// tangents about the point (cx, cy), and then moves by (tx, ty): the inverse, as torchvision's
/// _get_inverse_affine_matrix.
struct AffineChange {
  double degrees = 0, scale = 1, tangent_x = 0, tangent_y = 0;
  double tx = 0, ty = 0;
  double cx = 0, cy = 0;
};
AffineMatrix inverse_affine(const AffineChange& change);

/// Each pixel of `out` is the nearest of `in`, or black outside of it; both [height, width, channels] and
/// apart. As torchvision 0.14's affine on tensors, in fp32 and in its order, so that ties fall alike.
void affine_nearest(const uint8_t* in, int64_t height, int64_t width, int64_t channels,
                    const AffineMatrix& matrix, uint8_t* out);

/// out = in, indexed along both axes; [height, width, channels].
void gather(const uint8_t* in, const AxisIndex& y, const AxisIndex& x, int64_t channels, uint8_t* out);

}  // namespace frugal
