#include "base/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstring>
#include <fstream>
#include <string>

#include "../temp_dir.h"
#include "base/error.h"

namespace frugal {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::string with_length(const std::string& header, uint64_t length, const std::string& data) {
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i) bytes[static_cast<size_t>(i)] = static_cast<char>(length >> (8 * i));
  return bytes + header + data;
}
std::string file_of(const std::string& header, const std::string& data = "") {
  return with_length(header, header.size(), data);
}

void write_sample(const std::filesystem::path& path) {
  const std::vector<uint8_t> a{0, 0, 128, 63, 0, 0, 0, 64}, b{1, 2, 3};
  const std::vector<TensorRecord> tensors{{"conv1.weight", "F32", {2, 1}, a},
                                          {"none", "F32", {0, 3}, {}},
                                          {"bytes", "U8", {3}, b},
                                          {"scalar", "U8", {}, std::span(b).first(1)}};
  write_safetensors(path, {{"model", "smallnet"}, {"quote", "\"\\\n\xc3\xa9"}}, tensors);
}

TEST(Safetensors, ComesBack) {
  const TempDir dir;
  write_sample(dir / "f");
  const SafetensorsFile file = read_safetensors(dir / "f");
  EXPECT_EQ(file.metadata.at("model"), "smallnet");
  EXPECT_EQ(file.metadata.at("quote"), "\"\\\n\xc3\xa9");
  EXPECT_EQ(file.metadata.at("xxh3_128").size(), 32u);
  ASSERT_EQ(file.tensors.size(), 4u);
  const TensorRecord* weight = file.find("conv1.weight");
  ASSERT_NE(weight, nullptr);
  EXPECT_EQ(weight->dtype, "F32");
  EXPECT_THAT(weight->shape, testing::ElementsAre(2, 1));
  float second = 0;
  std::memcpy(&second, weight->data.data() + 4, 4);
  EXPECT_EQ(second, 2.0f);
  EXPECT_TRUE(file.find("none")->data.empty());
  EXPECT_EQ(file.find("bytes")->data[2], 3);
  EXPECT_EQ(file.find("scalar")->data.size(), 1u);
  EXPECT_EQ(file.find("absent"), nullptr);
}

TEST(Safetensors, SameContentSameBytes) {
  const TempDir dir;
  write_sample(dir / "a");
  write_sample(dir / "b");
  EXPECT_EQ(get(dir / "a"), get(dir / "b"));
}

TEST(Safetensors, DataIsAligned) {
  const TempDir dir;
  write_sample(dir / "f");
  EXPECT_EQ(get(dir / "f")[0] % 8, 0);
}

TEST(Safetensors, TextThatIsNoUtf8StillSaves) {
  const TempDir dir;
  write_safetensors(dir / "f", {{"path", "\xff\xfe"}}, {});
  EXPECT_NO_THROW(read_safetensors(dir / "f"));
}

TEST(Safetensors, EveryChangedBitIsNoticed) {
  const TempDir dir;
  write_sample(dir / "f");
  const std::string good = get(dir / "f");
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    put(dir / "f", bad);
    // Blanks that pad the header may turn into other blanks; nothing else may pass, unless the checksum's
    // name is hit.
    try {
      const SafetensorsFile file = read_safetensors(dir / "f");
      EXPECT_TRUE(file.metadata.count("xxh3_128") == 0 || good[i] == ' ') << "byte " << i;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr((dir / "f").string()));
    }
  }
}

TEST(Safetensors, EveryTruncationIsNoticed) {
  const TempDir dir;
  write_sample(dir / "f");
  const std::string good = get(dir / "f");
  for (size_t size = 0; size < good.size(); ++size) {
    put(dir / "f", good.substr(0, size));
    EXPECT_THROW(read_safetensors(dir / "f"), Error) << size;
  }
  put(dir / "f", good + "x");
  EXPECT_THAT([&] { read_safetensors(dir / "f"); }, ThrowsMessage<Error>(HasSubstr("belong to no tensor")));
}

struct Hostile {
  const char* name;
  std::string bytes;
  const char* message;
};

std::string tensor(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"t":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

std::vector<Hostile> hostile_files() {
  const std::string four(4, 'x');
  const std::string pair_of =
      R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":)";
  return {
      {"empty file", "", "too few"},
      {"huge header", with_length("{}", ~uint64_t{0}, ""), "announce"},
      {"header beyond the limit", with_length(std::string(20 << 20, ' '), 20 << 20, ""), "announce"},
      {"empty header", file_of(""), "no JSON"},
      {"no JSON", file_of("{\"a\":"), "no JSON"},
      {"two values", file_of("{}{}"), "no JSON"},
      {"no UTF-8", file_of("{\"\xff\":1}"), "no JSON"},
      {"a list", file_of("[]"), "unexpected a list"},
      {"a number", file_of("7"), "unexpected a number"},
      {"null", file_of("null"), "unexpected null"},
      {"deep lists", file_of(std::string(1 << 20, '[')), "unexpected a list"},
      {"deep lists in a shape", file_of("{\"t\":{\"shape\":" + std::string(1 << 20, '[')),
       "unexpected a list"},
      {"deep objects", file_of("{\"a\":{\"b\":{\"c\":{}}}}"), "unknown field"},
      {"object in a field", file_of("{\"t\":{\"dtype\":{}}}"), "unexpected an object"},
      {"text for a tensor", file_of("{\"t\":\"x\"}"), "unexpected a text"},
      {"truth for a dtype", file_of("{\"t\":{\"dtype\":true}}"), "unexpected a truth value"},
      {"number in the metadata", file_of("{\"__metadata__\":{\"a\":1}}"), "metadata 'a'"},
      {"metadata twice", file_of("{\"__metadata__\":{},\"__metadata__\":{}}"), "twice"},
      {"metadata key twice", file_of(R"({"__metadata__":{"a":"1","a":"2"}})"), "twice"},
      {"tensor twice",
       file_of(
           R"({"t":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"t":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})"),
       "'t' is there twice"},
      {"field twice", file_of(R"({"t":{"dtype":"U8","dtype":"U8"}})"), "twice"},
      {"field missing", file_of(R"({"t":{"dtype":"U8","shape":[4]}})", four), "lacks"},
      {"unknown field", file_of(R"({"t":{"dtype":"U8","colour":[4]}})", four), "'colour'"},
      {"unknown type", file_of(tensor("Q7", "[4]", "[0,4]"), four), "unknown type 'Q7'"},
      {"negative size", file_of(tensor("U8", "[-4]", "[0,4]"), four), "negative"},
      {"fraction of a size", file_of(tensor("U8", "[4.0]", "[0,4]"), four), "not whole"},
      {"huge number", file_of(tensor("U8", "[18446744073709551615]", "[0,4]"), four), "huge"},
      {"number beyond 64 bits", file_of(tensor("U8", "[99999999999999999999999]", "[0,4]"), four),
       "not whole"},
      {"product overflows", file_of(tensor("F32", "[4294967296,4294967296,4]", "[0,4]"), four),
       "do not hold"},
      {"product wraps to the right size", file_of(tensor("U8", "[4611686018427387905,4]", "[0,4]"), four),
       "do not hold"},
      {"shape too large", file_of(tensor("F32", "[2]", "[0,4]"), four), "do not hold"},
      {"shape too small", file_of(tensor("U8", "[3]", "[0,4]"), four), "do not hold"},
      {"offsets reversed", file_of(tensor("U8", "[4]", "[4,0]"), four), "claims bytes"},
      {"beyond the end", file_of(tensor("U8", "[5]", "[0,5]"), four), "claims bytes"},
      {"one offset", file_of(tensor("U8", "[4]", "[4]"), four), "two data_offsets"},
      {"three offsets", file_of(tensor("U8", "[4]", "[0,4,4]"), four), "unexpected a number"},
      {"gap at the start", file_of(tensor("U8", "[3]", "[1,4]"), four), "gap"},
      {"gap at the end", file_of(tensor("U8", "[3]", "[0,3]"), four), "belong to no tensor"},
      {"data without tensors", file_of("{}", four), "belong to no tensor"},
      {"overlap", file_of(pair_of + R"([3],"data_offsets":[1,4]}})", four), "overlaps"},
      {"gap between", file_of(pair_of + R"([1],"data_offsets":[3,4]}})", four), "gap"},
      {"same bytes twice", file_of(pair_of + R"([2],"data_offsets":[0,2]}})", std::string(2, 'x')),
       "overlaps"},
      {"escape sequence in a name", file_of("{\"\\u001b[31m\":1}"), "'?[31m'"},
  };
}

TEST(Safetensors, HostileHeadersAreRefusedByName) {
  const TempDir dir;
  for (const Hostile& hostile : hostile_files()) {
    SCOPED_TRACE(hostile.name);
    put(dir / "f", hostile.bytes);
    EXPECT_THAT([&] { read_safetensors(dir / "f"); },
                ThrowsMessage<Error>(AllOf(HasSubstr((dir / "f").string()), HasSubstr(hostile.message))));
  }
}

TEST(Safetensors, FilesFromElsewhereLoad) {
  const TempDir dir;
  // Unpadded, unaligned, unsorted, without metadata, with blanks.
  put(dir / "f", file_of(R"( {"b": {"shape": [1, 2], "dtype": "U8", "data_offsets": [1, 3]},
                              "a": {"dtype": "BOOL", "shape": [1], "data_offsets": [0, 1]} } )",
                         "xyz"));
  const std::string spaced = get(dir / "f");
  const SafetensorsFile file = read_safetensors(dir / "f");
  EXPECT_EQ(file.tensors[0].name, "a");
  EXPECT_EQ(file.find("b")->data[1], 'z');
  put(dir / "f", file_of("{}"));
  EXPECT_TRUE(read_safetensors(dir / "f").tensors.empty());
}

TEST(Safetensors, APyTorchFileIsToldApart) {
  const TempDir dir;
  for (const char* file : {"torch_zip.pt", "torch_old.pt"}) {
    const bool zip = std::string(file) == "torch_zip.pt";
    std::string bytes =
        zip ? std::string("PK\x03\x04\0\0\x08\x08", 8) : std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46", 8);
    bytes += std::string(100, 'x');
    std::ofstream(dir / file, std::ios::binary) << bytes;
    EXPECT_THAT([&] { read_safetensors(dir / file); },
                testing::ThrowsMessage<Error>(testing::HasSubstr("a PyTorch file")));
  }
}

TEST(Safetensors, AWrongChecksumIsSaid) {
  const TempDir dir;
  write_sample(dir / "f");
  std::string bytes = get(dir / "f");
  bytes.back() ^= 1;
  put(dir / "f", bytes);
  EXPECT_THAT([&] { read_safetensors(dir / "f"); }, ThrowsMessage<Error>(HasSubstr("checksum")));
}

TEST(Safetensors, RefusesToWriteWhatItCouldNotRead) {
  const TempDir dir;
  const std::vector<uint8_t> bytes(4);
  const auto write = [&](std::vector<TensorRecord> tensors) { write_safetensors(dir / "f", {}, tensors); };
  EXPECT_THROW(write({{"t", "F32", {2}, bytes}}), Error);
  EXPECT_THROW(write({{"t", "F33", {1}, bytes}}), Error);
  EXPECT_THROW(write({{"t", "F32", {1}, bytes}, {"t", "F32", {1}, bytes}}), Error);
  EXPECT_THROW(write({{"__metadata__", "F32", {1}, bytes}}), Error);
  EXPECT_TRUE(dir.names().empty());
}

RC_GTEST_PROP(Safetensors, AnyTensorsComeBack, (const std::vector<std::vector<uint8_t>>& contents)) {
  const TempDir dir;
  std::vector<TensorRecord> tensors;
  for (size_t i = 0; i < contents.size(); ++i) {
    tensors.push_back(
        {"t" + std::to_string(i), "U8", {static_cast<int64_t>(contents[i].size())}, contents[i]});
  }
  write_safetensors(dir / "f", {}, tensors);
  const SafetensorsFile file = read_safetensors(dir / "f");
  for (size_t i = 0; i < contents.size(); ++i) {
    const TensorRecord* found = file.find("t" + std::to_string(i));
    RC_ASSERT(found != nullptr);
    RC_ASSERT(std::vector<uint8_t>(found->data.begin(), found->data.end()) == contents[i]);
  }
}

RC_GTEST_PROP(Safetensors, AnyHeaderIsReadOrRefused, (const std::string& header)) {
  const TempDir dir;
  put(dir / "f", file_of("{" + header + "}"));
  try {
    read_safetensors(dir / "f");
  } catch (const Error&) {
  }
}

}  // namespace
}  // namespace frugal
