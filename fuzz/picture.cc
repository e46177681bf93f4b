// A picture on its way into a data set: what a file is, EXIF, decoding, turning, cutting, resizing.
#include <vector>

#include "data/image_file.h"
#include "data/resize.h"
#include "scratch.h"

using namespace frugal;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const int channels = data[0] % 2 == 0 ? 3 : 1;
  const int64_t height = 1 + data[0] / 2 % 8 * 5, width = 1 + data[0] / 16 * 3;
  const std::span bytes(data + 1, size - 1);
  try_to([&] {
    const ImageSize said = image_size(bytes, "input");
    // Decoding millions of pixels teaches nothing more and takes its time.
    if (said.height * said.width > 1 << 16) return;
    const Image image = decode_image(bytes, channels, "input");
    demand(said == ImageSize{image.height, image.width});
    demand(static_cast<int64_t>(image.pixels.size()) == image.height * image.width * channels);
    std::vector<uint8_t> fitted(static_cast<size_t>(height * width * channels));
    fit(image, height, width, fitted.data());
  });
  return 0;
}
