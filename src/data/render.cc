#include "data/render.h"

#include <algorithm>

#include "data/colour_change.h"

namespace frugal {

/// The image's room that pixels_ does not point to.
uint8_t* Renderer::other() {
  std::vector<uint8_t>& room = pixels_ == room_[0].data() ? room_[1] : room_[0];
  room.resize(static_cast<size_t>(height_ * width_ * channels_));
  return room.data();
}

/// Carries out what the indices say, into room of our own.
void Renderer::index() {
  uint8_t* out = other();
  if (y_.is_identity() && x_.is_identity()) {
    std::copy_n(pixels_, height_ * width_ * channels_, out);
  } else {
    gather(pixels_, y_, x_, channels_, out);
    y_.reset(height_);
    x_.reset(width_);
  }
  pixels_ = out;
}

void Renderer::render(const uint8_t* image, int64_t height, int64_t width, int64_t channels,
                      std::span<const Change> changes) {
  height_ = height, width_ = width, channels_ = channels;
  pixels_ = image;
  y_.reset(height);
  x_.reset(width);
  for (const Change& change : changes) {
    const bool indexed = !y_.is_identity() || !x_.is_identity();
    switch (change.kind) {
      case ChangeKind::flip:
        x_.reverse();
        break;
      case ChangeKind::shift:
        y_.shift(change.down, change.padding);
        x_.shift(change.right, change.padding);
        break;
      case ChangeKind::affine: {
        if (indexed) index();
        uint8_t* out = other();
        affine_nearest(pixels_, height, width, channels, change.matrix, out);
        pixels_ = out;
        break;
      }
      default:
        if (indexed || pixels_ == image) index();
        change_colours(change, const_cast<uint8_t*>(pixels_), height, width, channels, other());
        break;
    }
  }
}

}  // namespace frugal
