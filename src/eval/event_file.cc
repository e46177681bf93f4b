#include "eval/event_file.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <system_error>

#include "base/error.h"
#include "data/image_file.h"
#include "eval/tfevents.pb.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

constexpr std::array<uint32_t, 256> crc_table = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ ((rest & 1) != 0 ? 0x82F63B78U : 0);
    table[byte] = rest;
  }
  return table;
}();

/// As TensorFlow's records have it, so that a checksum of data that hold checksums stays good.
uint32_t masked_crc(std::span<const uint8_t> bytes) {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
}

template <class Number>
void append(std::vector<uint8_t>& bytes, Number number) {  // little-endian, as amd64 is
  const size_t before = bytes.size();
  bytes.resize(before + sizeof number);
  std::memcpy(bytes.data() + before, &number, sizeof number);
}

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string host() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

/// A path that is not taken yet: a run that goes on within the second begins another file.
fs::path new_path(const fs::path& directory) {
  std::error_code failure;
  fs::create_directories(directory, failure);
  if (failure) throw Error(directory.string() + ": cannot make the directory: " + failure.message());
  const std::string stem = "events.out.tfevents." + std::to_string(static_cast<int64_t>(now())) + "." +
                           host() + "." + std::to_string(getpid());
  for (int i = 0;; ++i) {
    fs::path path = directory / (stem + "." + std::to_string(i) + ".frugal");
    if (!fs::exists(path, failure)) return path;
  }
}

tfevents::Event event_at(int64_t step) {
  tfevents::Event event;
  event.set_wall_time(now());
  event.set_step(step);
  return event;
}

tfevents::Summary::Value& only_value(tfevents::Event& event, const std::string& tag) {
  tfevents::Summary::Value& value = *event.mutable_summary()->add_value();
  value.set_tag(tag);
  return value;
}

/// Upper ends of all buckets, ascending: those of TensorFlow's InitDefaultBuckets.
const std::vector<double>& bucket_limits() {
  static const std::vector<double> limits = [] {
    std::vector<double> positive;
    for (double v = 1e-12; v < 1e20; v *= 1.1) positive.push_back(v);
    std::vector<double> all(positive.rbegin(), positive.rend());
    std::ranges::for_each(all, [](double& v) { v = -v; });
    all.push_back(0);
    all.insert(all.end(), positive.begin(), positive.end());
    all.push_back(std::numeric_limits<double>::max());
    return all;
  }();
  return limits;
}

}  // namespace

uint32_t crc32c(std::span<const uint8_t> bytes) {
  uint32_t crc = ~0U;
  for (const uint8_t byte : bytes) crc = crc_table[(crc ^ byte) & 255] ^ (crc >> 8);
  return ~crc;
}

Histogram histogram_of(std::span<const float> values) {
  const std::vector<double>& limits = bucket_limits();
  std::vector<double> counts(limits.size());
  Histogram h;
  h.min = std::numeric_limits<double>::infinity(), h.max = -h.min;
  for (const float single : values) {
    const auto value = static_cast<double>(single);
    if (!std::isfinite(value)) continue;
    ++counts[static_cast<size_t>(std::ranges::upper_bound(limits, value) - limits.begin())];
    h.min = std::min(h.min, value), h.max = std::max(h.max, value);
    h.count += 1, h.sum += value, h.sum_of_squares += value * value;
  }
  if (h.count == 0) return Histogram{.limits = {0}, .counts = {0}};
  const auto holds = [](double n) { return n > 0; };
  const auto first = std::ranges::find_if(counts, holds) - counts.begin();
  const auto last = counts.rend() - std::ranges::find_if(counts.rbegin(), counts.rend(), holds);
  for (auto i = static_cast<size_t>(first); i < static_cast<size_t>(last); ++i) {
    if (counts[i] == 0 && counts[i + 1] == 0)
      continue;  // the last of a run of empty buckets stands for all of it
    h.limits.push_back(limits[i]), h.counts.push_back(counts[i]);
  }
  return h;
}

EventFile::EventFile(const fs::path& directory)
    : path_(new_path(directory)), file_(path_, FileWriter::Start::create) {
  tfevents::Event event;
  event.set_wall_time(now());
  event.set_file_version("brain.Event:2");
  write(event.SerializeAsString());
}

void EventFile::scalar(const std::string& tag, int64_t step, double value) {
  tfevents::Event event = event_at(step);
  only_value(event, tag).set_simple_value(static_cast<float>(value));
  write(event.SerializeAsString());
}

void EventFile::histogram(const std::string& tag, int64_t step, std::span<const float> values) {
  const Histogram h = histogram_of(values);
  tfevents::Event event = event_at(step);
  tfevents::HistogramProto& proto = *only_value(event, tag).mutable_histo();
  proto.set_min(h.min), proto.set_max(h.max), proto.set_num(h.count);
  proto.set_sum(h.sum), proto.set_sum_squares(h.sum_of_squares);
  *proto.mutable_bucket_limit() = {h.limits.begin(), h.limits.end()};
  *proto.mutable_bucket() = {h.counts.begin(), h.counts.end()};
  write(event.SerializeAsString());
}

void EventFile::image(const std::string& tag, int64_t step, const Image& image) {
  tfevents::Event event = event_at(step);
  tfevents::Summary::Image& proto = *only_value(event, tag).mutable_image();
  proto.set_height(static_cast<int32_t>(image.height)), proto.set_width(static_cast<int32_t>(image.width));
  proto.set_colorspace(static_cast<int32_t>(image.channels));
  const std::vector<uint8_t> png = encode_png(image);
  proto.set_encoded_image_string(png.data(), png.size());
  write(event.SerializeAsString());
}

void EventFile::write(const std::string& event) {
  std::vector<uint8_t> record;
  record.reserve(event.size() + 16);
  append(record, static_cast<uint64_t>(event.size()));
  append(record, masked_crc(record));
  record.insert(record.end(), event.begin(), event.end());
  append(record, masked_crc(std::span(record).subspan(12)));
  file_.write(record);  // at once, whole: a program that is killed leaves whole records
}

}  // namespace frugal
