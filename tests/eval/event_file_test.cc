// Event files read back by a parser of the test's own: records by their lengths, checksums bit by bit,
// messages field by field, from the published formats alone.
#include "eval/event_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <numeric>
#include <variant>

#include "../temp_dir.h"
#include "base/file.h"
#include "data/image_file.h"

namespace frugal {
namespace {

using Bytes = std::vector<uint8_t>;

uint32_t slow_crc(const uint8_t* bytes, size_t count) {
  uint32_t crc = 0xFFFFFFFF;
  for (size_t i = 0; i < count; ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
  }
  return crc ^ 0xFFFFFFFF;
}

template <class Number>
Number number_at(const Bytes& bytes, size_t at) {
  Number number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

std::vector<Bytes> records(const Bytes& file) {
  const auto unmasked = [](uint32_t masked) {
    const uint32_t rotated = masked - 0xA282EAD8;
    return (rotated << 15) | (rotated >> 17);
  };
  std::vector<Bytes> all;
  for (size_t at = 0; at < file.size();) {
    const auto length = static_cast<size_t>(number_at<uint64_t>(file, at));
    EXPECT_EQ(unmasked(number_at<uint32_t>(file, at + 8)), slow_crc(file.data() + at, 8));
    EXPECT_LE(at + length + 16, file.size());
    if (at + length + 16 > file.size()) break;
    EXPECT_EQ(unmasked(number_at<uint32_t>(file, at + 12 + length)), slow_crc(file.data() + at + 12, length));
    all.emplace_back(file.begin() + static_cast<long>(at + 12),
                     file.begin() + static_cast<long>(at + 12 + length));
    at += length + 16;
  }
  return all;
}

/// Fields of a protocol buffer by number; each once, save where the last one counts.
std::map<int, std::variant<uint64_t, double, float, Bytes>> fields(const Bytes& message) {
  std::map<int, std::variant<uint64_t, double, float, Bytes>> found;
  size_t at = 0;
  const auto varint = [&] {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const uint8_t byte = message.at(at++);
      value |= static_cast<uint64_t>(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.size()) {
    const uint64_t key = varint();
    const int field = static_cast<int>(key >> 3);
    switch (key & 7) {
      case 0:
        found[field] = varint();
        break;
      case 1:
        found[field] = number_at<double>(message, at), at += 8;
        break;
      case 2: {
        const auto length = static_cast<size_t>(varint());
        found[field] =
            Bytes(message.begin() + static_cast<long>(at), message.begin() + static_cast<long>(at + length));
        at += length;
        break;
      }
      case 5:
        found[field] = number_at<float>(message, at), at += 4;
        break;
      default:
        ADD_FAILURE() << "wire type " << (key & 7);
        return found;
    }
  }
  return found;
}

std::string text(const std::variant<uint64_t, double, float, Bytes>& field) {
  const Bytes& bytes = std::get<Bytes>(field);
  return {bytes.begin(), bytes.end()};
}

std::vector<double> doubles(const std::variant<uint64_t, double, float, Bytes>& field) {
  const Bytes& bytes = std::get<Bytes>(field);
  std::vector<double> values(bytes.size() / sizeof(double));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

/// The one value of the summary in an event.
auto value_of(const Bytes& event) {
  return fields(std::get<Bytes>(fields(std::get<Bytes>(fields(event).at(5))).at(1)));
}

TEST(EventFile, ChecksumsAreThoseOfTheStandard) {
  const std::string digits = "123456789";
  EXPECT_EQ(crc32c({reinterpret_cast<const uint8_t*>(digits.data()), digits.size()}), 0xE3069283U);
  EXPECT_EQ(crc32c(Bytes(32, 0)), 0x8A9136AAU);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(Bytes(32, 255)), 0x62A8AB43U);
}

TEST(EventFile, HoldsWhatWasWritten) {
  const TempDir temp;
  EventFile file(temp.path() / "made" / "here");
  EXPECT_NE(file.path().filename().string().find("tfevents"), std::string::npos);
  file.scalar("loss/train", 3, 0.25);
  const std::vector<float> weights = {-1.5F, 0.F, 0.F, 2.F, 2.F, 1e-3F};
  file.histogram("fc.weight", 4, weights);
  Image image{2, 3, 3, {}};
  image.pixels.resize(18);
  std::iota(image.pixels.begin(), image.pixels.end(), uint8_t{40});
  file.image("samples", 0, image);

  const std::vector<Bytes> events = records(read_file(file.path()));
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(text(fields(events[0]).at(3)), "brain.Event:2");
  EXPECT_GT(std::get<double>(fields(events[0]).at(1)), 1.7e9);

  EXPECT_EQ(std::get<uint64_t>(fields(events[1]).at(2)), 3u);
  EXPECT_EQ(text(value_of(events[1]).at(1)), "loss/train");
  EXPECT_EQ(std::get<float>(value_of(events[1]).at(2)), 0.25F);

  EXPECT_EQ(text(value_of(events[2]).at(1)), "fc.weight");
  const auto histogram = fields(std::get<Bytes>(value_of(events[2]).at(5)));
  EXPECT_EQ(std::get<double>(histogram.at(1)), -1.5);
  EXPECT_EQ(std::get<double>(histogram.at(2)), 2);
  EXPECT_EQ(std::get<double>(histogram.at(3)), 6);
  EXPECT_NEAR(std::get<double>(histogram.at(4)), 2.501, 1e-6);
  EXPECT_NEAR(std::get<double>(histogram.at(5)), 10.250001, 1e-6);
  const std::vector<double> limits = doubles(histogram.at(6)), counts = doubles(histogram.at(7));
  ASSERT_EQ(limits.size(), counts.size());
  const auto below =
      [&](double limit) {  // how many values are below the first bucket that ends at or above it
        double sum = 0;
        for (size_t i = 0; i < limits.size() && limits[i] < limit; ++i) sum += counts[i];
        return sum;
      };
  EXPECT_EQ(below(-1e-9), 1);
  EXPECT_EQ(below(1e-4), 3);
  EXPECT_EQ(below(1), 4);
  EXPECT_EQ(below(3), 6);
  EXPECT_GE(limits.back(), 2);
  EXPECT_LE(limits.back(), 2.3);
  EXPECT_EQ(counts.front(), 1);

  const auto picture = fields(std::get<Bytes>(value_of(events[3]).at(4)));
  EXPECT_EQ(std::get<uint64_t>(picture.at(1)), 2u);
  EXPECT_EQ(std::get<uint64_t>(picture.at(2)), 3u);
  EXPECT_EQ(std::get<uint64_t>(picture.at(3)), 3u);
  EXPECT_EQ(decode_png(std::get<Bytes>(picture.at(4)), 3, "it").pixels, image.pixels);
}

TEST(EventFile, TwoFilesOfOneSecondAreTwo) {
  const TempDir temp;
  const EventFile first(temp.path()), second(temp.path());
  EXPECT_NE(first.path(), second.path());
}

TEST(EventFile, HistogramsLeaveOutWhatIsNoNumber) {
  const Histogram h = histogram_of(std::vector<float>{1, std::numeric_limits<float>::quiet_NaN(),
                                                      std::numeric_limits<float>::infinity(), 1, -1});
  EXPECT_EQ(h.count, 3);
  EXPECT_EQ(h.min, -1);
  EXPECT_EQ(h.max, 1);
  EXPECT_EQ(std::accumulate(h.counts.begin(), h.counts.end(), 0.0), 3);
  EXPECT_EQ(h.counts.front(), 1);
  EXPECT_EQ(h.counts.back(), 2);
  EXPECT_EQ(h.counts.size(), 3u);  // what is empty between them is one bucket
  // A value on a bucket's end is in the next one.
  EXPECT_GT(histogram_of(std::vector<float>{0}).limits.front(), 0);
  const Histogram none = histogram_of({});
  EXPECT_EQ(none.count, 0);
  EXPECT_EQ(none.limits.size(), none.counts.size());
}

}  // namespace
}  // namespace frugal
