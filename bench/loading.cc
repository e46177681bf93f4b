// What bench/loading times: makes a folder of JPEG pictures that look like photographs to a decoder, and
// reads a data set as the commands do.
//
//   bench_loading make DIR COUNT SIDE      COUNT pictures of SIDE x SIDE in ten classes
//   bench_loading load DATA SIZE CACHE     seconds, processor seconds, images, fingerprint; SIZE: auto, 64,
//   ...; CACHE: a directory, or ""
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

#include "base/file.h"
#include "base/parallel.h"
#include "base/philox.h"
#include "data/dataset.h"
#include "data/resize.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

Image noise(uint32_t draw, int64_t side) {
  Image image{side, side, 3, {}};
  const RandomStream random(1, Purpose::test);
  for (uint32_t i = 0; i < static_cast<uint32_t>(side * side * 3); i += 4) {
    for (const uint32_t word : random.block(draw, i / 4)) {
      image.pixels.push_back(static_cast<uint8_t>(word >> 24));
    }
  }
  image.pixels.resize(static_cast<size_t>(side * side * 3));
  return image;
}

/// Large shapes, smaller ones, and some grain.
Image picture(uint32_t number, int64_t side) {
  Image image = resize(noise(3 * number, 8), side, side);
  const Image shapes = resize(noise(3 * number + 1, side / 8), side, side),
              grain = noise(3 * number + 2, side);
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    const int value = 5 * image.pixels[i] + 3 * shapes.pixels[i] + grain.pixels[i] / 4;
    image.pixels[i] = static_cast<uint8_t>(value / 9);
  }
  return image;
}

std::vector<uint8_t> encode(const Image& image) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &buffer, &size);
  jpeg.image_width = static_cast<JDIMENSION>(image.width);
  jpeg.image_height = static_cast<JDIMENSION>(image.height);
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 90, TRUE);
  jpeg_start_compress(&jpeg, TRUE);
  while (jpeg.next_scanline < jpeg.image_height) {
    auto* row = const_cast<JSAMPROW>(image.pixels.data() + jpeg.next_scanline * image.width * 3);
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  std::vector<uint8_t> bytes(buffer, buffer + size);
  std::free(buffer);
  return bytes;
}

void make(const fs::path& directory, int64_t count, int64_t side) {
  for (int label = 0; label < 10; ++label) fs::create_directories(directory / std::to_string(label));
  parallel_for(count, 0, [&](int64_t i) {
    const std::vector<uint8_t> bytes = encode(picture(static_cast<uint32_t>(i), side));
    const fs::path path = directory / std::to_string(i % 10) / (std::to_string(i) + ".jpg");
    std::FILE* file = std::fopen(path.c_str(), "wb");
    if (file == nullptr || std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size() ||
        std::fclose(file) != 0) {
      throw std::runtime_error("cannot write " + path.string());
    }
  });
}

void load(const std::string& data, const std::string& size, const std::string& cache) {
  LoadOptions options;
  options.image_size = parse_image_size(size, "SIZE");
  options.cache_root = cache;
  const auto begin = std::chrono::steady_clock::now();
  const Dataset dataset = load_dataset(data, options);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  const int64_t images = dataset.train.count + dataset.test.count;
  const double processor = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;  // of all threads
  std::printf("%.3f %.3f %ld %s\n", seconds.count(), processor, images, dataset.fingerprint.c_str());
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 4 && arguments[0] == "make") {
    make(arguments[1], std::stoll(arguments[2]), std::stoll(arguments[3]));
  } else if (arguments.size() == 4 && arguments[0] == "load") {
    load(arguments[1], arguments[2], arguments[3]);
  } else {
    std::fputs("usage: bench_loading make DIR COUNT SIDE | load DATA SIZE CACHE\n", stderr);
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace frugal

int main(int argc, char** argv) {
  try {
    return frugal::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_loading: %s\n", error.what());
    return 1;
  }
}
