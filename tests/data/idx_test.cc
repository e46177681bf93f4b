// IDX files, whole and broken in every way, plain and gzipped.
#include "data/idx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <functional>

#include "base/error.h"
#include "fixtures.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::string idx(const std::vector<uint32_t>& shape, const std::string& data) {
  std::string bytes{0, 0, 8, static_cast<char>(shape.size())};
  for (const uint32_t size : shape) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift);
  }
  return bytes + data;
}

std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string pixels(int count, int first) {
  std::string text;
  for (int i = 0; i < count * 6; ++i) text += static_cast<char>(first + i * 7);
  return text;
}

/// Three training and two test images of 2 x 3.
void make_idx(const fs::path& directory) {
  fs::create_directories(directory);
  put(directory / "train-images-idx3-ubyte", idx({3, 2, 3}, pixels(3, 1)));
  put(directory / "train-labels-idx1-ubyte", idx({3}, {0, 2, 1}));
  put(directory / "t10k-images-idx3-ubyte", idx({2, 2, 3}, pixels(2, 100)));
  put(directory / "t10k-labels-idx1-ubyte", idx({2}, {2, 0}));
}

void expect_the_set(const Dataset& data) {
  EXPECT_EQ(data.train.count, 3);
  EXPECT_EQ(data.train.height, 2);
  EXPECT_EQ(data.train.width, 3);
  EXPECT_EQ(data.train.channels, 1);
  EXPECT_EQ(std::string(data.train.pixels.begin(), data.train.pixels.end()), pixels(3, 1));
  EXPECT_EQ(std::string(data.test.pixels.begin(), data.test.pixels.end()), pixels(2, 100));
  EXPECT_THAT(data.train.labels, ElementsAre(0, 2, 1));
  EXPECT_THAT(data.test.labels, ElementsAre(2, 0));
}

TEST(Idx, ReadsPixelsAndLabels) {
  const TempDir dir;
  make_idx(dir.path());
  const Dataset data = load_dataset(dir.path());
  expect_the_set(data);
  EXPECT_THAT(data.classes, ElementsAre("0", "1", "2"));
}

TEST(Idx, GzippedAndSpelledOtherwise) {
  const TempDir dir;
  make_idx(dir.path());
  for (const char* stem : {"train-images", "t10k-images", "train-labels", "t10k-labels"}) {
    const bool images = std::string(stem).ends_with("images");
    const std::string end = images ? "idx3-ubyte" : "idx1-ubyte";
    const std::string bytes = get(dir / (stem + ("-" + end)));
    fs::remove(dir / (stem + ("-" + end)));
    put(dir / (stem + ("." + end + (images ? ".gz" : ""))), images ? gzip(bytes) : bytes);
  }
  expect_the_set(load_dataset(dir.path()));
}

TEST(Idx, GzipMembersMayFollowOneAnother) {
  const TempDir dir;
  make_idx(dir.path());
  const std::string bytes = get(dir / "train-images-idx3-ubyte");
  put(dir / "train-images-idx3-ubyte", gzip(bytes.substr(0, 20)) + gzip(bytes.substr(20)));
  expect_the_set(load_dataset(dir.path()));
}

TEST(Idx, FashionHasItsNames) {
  const TempDir dir;
  for (const char* place : {"fashion-mnist", "FashionMNIST/raw"}) {
    make_idx(dir / place);
    const Dataset data = load_dataset(dir / place);
    ASSERT_EQ(data.classes.size(), 10u);
    EXPECT_EQ(data.classes[0], "T-shirt/top");
    EXPECT_EQ(data.classes[9], "Ankle boot");
  }
  make_idx(dir / "fashion/a/mnist");
  EXPECT_EQ(load_dataset(dir / "fashion/a/mnist").classes[0], "0");
}

TEST(Idx, ImagesAreResizedWhereAsked) {
  const TempDir dir;
  make_idx(dir.path());
  const Dataset data = load_dataset(dir.path(), {.image_size = ImageSize{4, 8}});
  EXPECT_EQ(data.train.height, 4);
  EXPECT_EQ(data.train.width, 8);
  EXPECT_EQ(data.train.pixels.size(), 3u * 4 * 8);
  EXPECT_EQ(data.test.pixels.size(), 2u * 4 * 8);
  EXPECT_EQ(data.train.labels.size(), 3u);
}

TEST(Idx, DebiansFashionMnistIsFound) {
  if (!fs::exists("/usr/share/datasets/fashion-mnist"))
    GTEST_SKIP() << "dataset-fashion-mnist is not installed";
  const TempDir nothing;
  const ScopedEnv data_root("FRUGAL_DATA", nothing.path().c_str()), home("HOME", nothing.path().c_str());
  const Dataset data = load_dataset("fashion-mnist");
  EXPECT_EQ(data.train.count, 60000);
  EXPECT_EQ(data.test.count, 10000);
  EXPECT_EQ(data.train.image_bytes(), 28 * 28);
  EXPECT_EQ(data.classes.size(), 10u);
  EXPECT_EQ(std::ranges::count(data.train.labels, 7), 6000);
  EXPECT_NEAR(measure_normalization(data.train).mean[0], 0.2860f,
              1e-4f);  // as the data set's authors publish
}

struct Fault {
  const char* name;
  const char* file;
  std::function<std::string(std::string)> change;
  std::vector<std::string> message;
};

TEST(Idx, FaultsNameTheFile) {
  const char *images = "train-images-idx3-ubyte", *labels = "train-labels-idx1-ubyte";
  const auto set = [](size_t at, char value) {
    return [=](std::string bytes) { return bytes[at] = value, bytes; };
  };
  const std::vector<Fault> faults = {
      {"empty", images, [](const auto&) { return ""; }, {"0 bytes are no IDX file"}},
      {"header cut", images, [](const auto& b) { return b.substr(0, 15); }, {"15 bytes"}},
      {"cut short",
       images,
       [](const auto& b) { return b.substr(0, b.size() - 1); },
       {"holds 17", "get it again"}},
      {"a byte more", images, [](const auto& b) { return b + "x"; }, {"holds more"}},
      {"other magic", images, set(2, 9), {"00000903", "00000803"}},
      {"four dimensions", images, set(3, 4), {"00000804"}},
      {"labels for images", images, [](const auto&) { return idx({12}, "abcabcabcabc"); }, {"00000801"}},
      {"more images than labels",
       labels,
       [](const auto&) {
         return idx({2}, {0, 1});
       },
       {"3 images", "2 labels"}},
      {"no images", labels, [](const auto&) { return idx({0}, ""); }, {"sizes that no images have"}},
      {"giant rows", images, set(8, 1), {"sizes that no images have"}},
      {"claims 4 billion", images, set(4, '\xff'), {"holds 18"}},
      {"test label out of range", "t10k-labels-idx1-ubyte", set(9, 3), {"label 1 is 3", "only 3 classes"}},
      {"gzip cut", images, [](const auto& b) { return gzip(b).substr(0, 20); }, {"cut short"}},
      {"gzip without its end",
       images,
       [](const auto& b) { return gzip(b).substr(0, gzip(b).size() - 4); },
       {"cut short"}},
      {"gzip of less", images, [](const auto& b) { return gzip(b.substr(0, 20)); }, {"holds 4"}},
      {"gzip of more", images, [](const auto& b) { return gzip(b + "xyz"); }, {"holds more"}},
      {"gzip with a tail",
       images,
       [](const auto& b) { return gzip(b) + "tail"; },
       {"behind its gzipped data"}},
      {"gzip checksum",
       images,
       [](const auto& b) {
         auto z = gzip(b);
         z[z.size() - 6] ^= 1;
         return z;
       },
       {"broken"}},
      {"gzip of nothing", images, [](const auto&) { return gzip(""); }, {"0 bytes"}},
      // 2^31 images of 2 x 3 in a file of some twenty bytes
      {"a bomb",
       images,
       [](auto b) {
         b[4] = 0x7F;
         return gzip(b);
       },
       {"more than it can hold"}},
  };
  for (const Fault& fault : faults) {
    SCOPED_TRACE(fault.name);
    const TempDir dir;
    make_idx(dir.path());
    put(dir / fault.file, fault.change(get(dir / fault.file)));
    try {
      load_dataset(dir.path());
      ADD_FAILURE() << "loaded";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::failed);
      EXPECT_THAT(error.what(), HasSubstr(fault.file));
      for (const std::string& part : fault.message) EXPECT_THAT(error.what(), HasSubstr(part));
    }
  }
}

TEST(Idx, AMissingFileIsNamed) {
  const TempDir dir;
  make_idx(dir.path());
  fs::remove(dir / "t10k-labels-idx1-ubyte");
  EXPECT_THAT([&] { load_dataset(dir.path()); }, ThrowsMessage<Error>(HasSubstr("t10k-labels-idx1-ubyte")));
}

TEST(Idx, MemoryIsLookedAtFirst) {
  const TempDir dir;
  make_idx(dir.path());
  std::string many(200'000, '\0');
  put(dir / "train-images-idx3-ubyte", gzip(idx({200'000, 1, 1}, many)));
  EXPECT_THAT(
      [&] { load_dataset(dir.path(), {.memory = 100'000}); },
      ThrowsMessage<Error>(AllOf(HasSubstr("train-images"), HasSubstr("195.3 KiB"), HasSubstr("97.7 KiB"))));
}

}  // namespace
}  // namespace frugal
