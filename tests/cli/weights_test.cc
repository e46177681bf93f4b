// Weights files and pictures from elsewhere: whole ones serve, broken and foreign ones are refused by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

#include "program.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

void write_test_png(const fs::path& path, int size) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = image.height = static_cast<png_uint_32>(size);
  image.format = PNG_FORMAT_RGB;
  const std::vector<uint8_t> pixels(static_cast<size_t>(size * size * 3), 90);
  ASSERT_NE(png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr), 0);
}

void write_test_jpeg(const fs::path& path, int size) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* buffer = nullptr;
  unsigned long bytes = 0;
  jpeg_mem_dest(&jpeg, &buffer, &bytes);
  jpeg.image_width = jpeg.image_height = static_cast<JDIMENSION>(size);
  jpeg.input_components = 3, jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  std::vector<uint8_t> row(static_cast<size_t>(size) * 3, 90);
  for (int y = 0; y < size; ++y) {
    JSAMPROW p = row.data();
    jpeg_write_scanlines(&jpeg, &p, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  put(path, std::string(buffer, buffer + bytes));
  std::free(buffer);
}

class Weights : public testing::Test {
 protected:
  void SetUp() override {
    write_cifar100(scratch / "set");
    const Outcome outcome = frugal(quick_train(scratch / "set", scratch / "run", {"--epochs", "1"}));
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    write_test_png(scratch / "a.png", 32);
  }
  /// `eval` and `predict` on the file refuse alike, and name it.
  void expect_refused(const fs::path& file, const std::string& words) const {
    for (const auto& arguments :
         {std::vector<std::string>{"eval", file.string(), "--data", (scratch / "set").string()},
          {"predict", file.string(), (scratch / "a.png").string()}}) {
      const Outcome outcome = frugal(arguments);
      EXPECT_EQ(outcome.code, 1) << outcome.err;
      EXPECT_THAT(outcome.err,
                  AllOf(StartsWith("frugal: "), HasSubstr(file.filename().string()), HasSubstr(words)));
    }
  }
  const TempDir scratch;
};

TEST_F(Weights, PredictNeedsTheWeightsAlone) {
  fs::copy_file(scratch / "run" / "last.safetensors", scratch / "alone.safetensors");
  write_test_png(scratch / "large.png", 300);
  write_test_jpeg(scratch / "photo.jpg", 200);
  const Outcome outcome =
      frugal({"predict", (scratch / "alone.safetensors").string(), (scratch / "a.png").string(),
              (scratch / "large.png").string(), (scratch / "photo.jpg").string(), "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto lines = json_lines(outcome.out);
  ASSERT_EQ(lines.size(), 3u);
  double sum = 0, before = 1;
  for (const auto& guess : lines[0]["top"]) {
    const double p = guess["probability"];
    EXPECT_LE(p, before);
    before = p;
    sum += p;
    EXPECT_THAT(guess["class"].get<std::string>(), StartsWith("class_"));
  }
  EXPECT_EQ(lines[0]["top"].size(), 5u);
  EXPECT_LE(sum, 1.0);
  // One colour, whatever its size and the format.
  EXPECT_EQ(lines[0]["top"], lines[1]["top"]);
  EXPECT_EQ(lines[0]["top"], lines[2]["top"]);
}

TEST_F(Weights, PredictPassesOverBrokenPicturesAndRemembersThem) {
  put(scratch / "broken.png", "\x89PNG\r\n\x1a\nnonsense");
  const Outcome outcome =
      frugal({"predict", (scratch / "run").string(), (scratch / "broken.png").string(),
              (scratch / "missing.jpg").string(), (scratch / "a.png").string(), "--top", "3"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("broken.png: broken PNG"), HasSubstr("missing.jpg")));
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("a.png"), HasSubstr(" %  class_")));
  const Outcome none =
      frugal({"predict", (scratch / "run").string(), (scratch / "a.png").string(), "--top", "0"});
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, HasSubstr("--top: 0 is not a positive number"));
  EXPECT_EQ(frugal({"predict", (scratch / "run").string()}).code, 2);
}

TEST_F(Weights, EveryKindOfDamageIsNamed) {
  const std::string whole = read_text(scratch / "run" / "best.safetensors");
  const fs::path file = scratch / "damaged.safetensors";
  for (size_t length : {size_t{0}, size_t{5}, size_t{300}, whole.size() / 2, whole.size() - 1}) {
    put(file, whole.substr(0, length));
    expect_refused(file, "");
  }
  put(file, whole + "x");
  expect_refused(file, "");
  std::string flipped = whole;
  flipped[flipped.size() - 1000] ^= 0x10;
  put(file, flipped);
  expect_refused(file, "checksum");
  put(file, std::string(8, '\xff') + whole.substr(8));
  expect_refused(file, "");
}

TEST_F(Weights, ForeignFilesAreRefused) {
  const std::string header = R"({"conv1.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  std::string file(1, static_cast<char>(header.size()));
  file += std::string(7, '\0') + header + std::string(4, '\0');
  put(scratch / "foreign.safetensors", file);
  expect_refused(scratch / "foreign.safetensors", "frugal");
  expect_refused(scratch / "set" / "train.bin", "");
}

TEST_F(Weights, MissingFilesAndEmptyRunsAreNamed) {
  expect_refused(scratch / "nothing.safetensors", "no such");
  fs::create_directory(scratch / "empty-run");
  expect_refused(scratch / "empty-run", "best.safetensors");
}

TEST_F(Weights, AnotherDataSetMustHaveTheSameClasses) {
  const Outcome outcome = frugal({"eval", (scratch / "run").string(), "--data", "cifar100-mini"});
  EXPECT_EQ(outcome.code, 2) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("classes"));
}

}  // namespace
}  // namespace frugal
