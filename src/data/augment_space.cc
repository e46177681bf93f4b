#include "data/augment_space.h"

#include <array>
#include <cmath>

namespace frugal {
namespace {

enum SpaceOp : int {
  identity,
  shear_x,
  shear_y,
  translate_x,
  translate_y,
  rotate,
  brightness,
  color,
  contrast,
  sharpness,
  posterize,
  solarize,
  auto_contrast,
  equalize,
};
static_assert(equalize + 1 == space_ops);

/// torch.linspace, rounded once: there the last bits depend on the processor.
float linspace(double first, double last, int i) {
  return static_cast<float>(first + (last - first) * i / (space_magnitudes - 1));
}

/// 8 less i / (30 / bits), rounded to even as torch.round.
float bits_left(float bits, int i) {
  return 8.0f - std::nearbyint(static_cast<float>(i) / (static_cast<float>(space_magnitudes - 1) / bits));
}

Change colour(ChangeKind kind, double amount) { return {.kind = kind, .amount = amount}; }
Change affine(const AffineChange& change) {
  return {.kind = ChangeKind::affine, .matrix = inverse_affine(change)};
}

}  // namespace

bool is_signed(int op) { return op >= shear_x && op <= sharpness; }
bool has_magnitude(int op) { return op != identity && op != auto_contrast && op != equalize; }

float space_magnitude(SpaceKind space, int op, int level, int64_t height, int64_t width) {
  const bool wide = space == SpaceKind::wide;
  // Of the image's size in double, then rounded to float.
  const auto far = [&](int64_t size) {
    return wide ? 32.0f : static_cast<float>(150.0 / 331.0 * static_cast<double>(size));
  };
  switch (op) {
    case shear_x:
    case shear_y:
      return linspace(0, wide ? 0.99f : 0.3f, level);
    case translate_x:
      return linspace(0, far(width), level);
    case translate_y:
      return linspace(0, far(height), level);
    case rotate:
      return linspace(0, wide ? 135.0f : 30.0f, level);
    case brightness:
    case color:
    case contrast:
    case sharpness:
      return linspace(0, wide ? 0.99f : 0.9f, level);
    case posterize:
      return bits_left(wide ? 6 : 4, level);
    case solarize:
      return linspace(255, 0, level);
    default:
      return 0;
  }
}

void add_space_change(int op, double magnitude, int64_t height, int64_t width, std::vector<Change>& changes) {
  // Shears keep the upper left corner, not the middle.
  const double corner_x = -0.5 * static_cast<double>(width), corner_y = -0.5 * static_cast<double>(height);
  const double whole = std::trunc(magnitude);
  switch (op) {
    case shear_x:
      changes.push_back(affine({.tangent_x = magnitude, .cx = corner_x, .cy = corner_y}));
      break;
    case shear_y:
      changes.push_back(affine({.tangent_y = magnitude, .cx = corner_x, .cy = corner_y}));
      break;
    case translate_x:
      changes.push_back({.kind = ChangeKind::shift, .right = -static_cast<int32_t>(whole)});
      break;
    case translate_y:
      changes.push_back({.kind = ChangeKind::shift, .down = -static_cast<int32_t>(whole)});
      break;
    case rotate:
      changes.push_back(affine({.degrees = -magnitude}));
      break;
    case brightness:
      changes.push_back(colour(ChangeKind::brightness, 1 + magnitude));
      break;
    case color:
      changes.push_back(colour(ChangeKind::saturation, 1 + magnitude));
      break;
    case contrast:
      changes.push_back(colour(ChangeKind::contrast, 1 + magnitude));
      break;
    case sharpness:
      changes.push_back(colour(ChangeKind::sharpness, 1 + magnitude));
      break;
    case posterize:
      changes.push_back(colour(ChangeKind::posterize, whole));
      break;
    case solarize:
      changes.push_back(colour(ChangeKind::solarize, magnitude));
      break;
    case auto_contrast:
      changes.push_back(colour(ChangeKind::autocontrast, 0));
      break;
    case equalize:
      changes.push_back(colour(ChangeKind::equalize, 0));
      break;
    default:
      break;
  }
}

}  // namespace frugal
