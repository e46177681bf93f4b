// PyTorch's files as PyTorch wrote them: every golden, and published weights where they are at hand.
#include "interop/torch_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>

#include "../temp_dir.h"
#include "base/error.h"
#include "interop/weights_file.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::ThrowsMessage;

const fs::path goldens = fs::path(FRUGAL_SOURCE_DIR) / "tests/goldens/interop";

const json& expected_files() {
  static const json files = json::parse(get(goldens / "expected.json"));
  return files;
}

std::vector<std::string> names_of_goldens() {
  std::vector<std::string> names;
  for (const auto& [name, file] : expected_files().items()) names.push_back(name);
  return names;
}

class TorchGolden : public testing::TestWithParam<std::string> {};

TEST_P(TorchGolden, Loads) {
  const json& expected = expected_files().at(GetParam());
  const TensorFile file = read_weights_file(goldens / GetParam());
  EXPECT_EQ(expected.at("format"), file.format);
  EXPECT_EQ(json(file.metadata), expected.at("metadata"));
  const json& tensors = expected.at("tensors");
  ASSERT_EQ(file.tensors.size(), tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    SCOPED_TRACE(file.tensors[i].name);
    EXPECT_EQ(tensors[i].at("name"), file.tensors[i].name);
    EXPECT_EQ(tensors[i].at("dtype"), file.tensors[i].dtype);
    EXPECT_EQ(json(file.tensors[i].shape), tensors[i].at("shape"));
    EXPECT_EQ(to_floats(file.tensors[i]), tensors[i].at("values").get<std::vector<float>>());
  }
}

INSTANTIATE_TEST_SUITE_P(All, TorchGolden, testing::ValuesIn(names_of_goldens()), [](const auto& info) {
  std::string name = info.param;
  std::ranges::replace_if(
      name, [](char c) { return c == '.' || c == '-'; }, '_');
  return name;
});

TEST(TorchFile, TensorsOfOneStorageShareIt) {
  const TensorFile file = read_torch_file(goldens / "views.pt");
  const auto named = [&](const std::string& name) {
    return std::ranges::find(file.tensors, name, &TensorRecord::name)->data.data();
  };
  EXPECT_EQ(named("whole"), named("tied"));
  EXPECT_EQ(named("row"), named("whole") + 2 * 6 * 4);
  EXPECT_NE(named("transposed"), named("whole"));
}

TEST(TorchFile, EveryTruncationIsNoticed) {
  const TempDir dir(fast_root());
  for (const char* name : {"protocol2.pt", "protocol4.old.pt"}) {
    const std::string good = get(goldens / name);
    for (size_t size = 0; size < good.size(); ++size) {
      put(dir / "f", good.substr(0, size));
      EXPECT_THAT([&] { read_torch_file(dir / "f"); }, ThrowsMessage<Error>(HasSubstr((dir / "f").string())))
          << name << " of " << size;
    }
  }
}

TEST(TorchFile, EveryChangedByteOfAZipIsReadOrRefused) {
  const TempDir dir(fast_root());
  const std::string good = get(goldens / "protocol2.pt");
  const TensorFile truth = read_torch_file(goldens / "protocol2.pt");
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    put(dir / "f", bad);
    try {
      const TensorFile file = read_torch_file(dir / "f");
      // Padding may differ, and dates; tensors may not: their entries have checksums.
      ASSERT_EQ(file.tensors.size(), truth.tensors.size()) << "byte " << i;
      for (size_t t = 0; t < truth.tensors.size(); ++t)
        EXPECT_EQ(to_floats(file.tensors[t]), to_floats(truth.tensors[t])) << "byte " << i;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr((dir / "f").string()));
    }
  }
}

TEST(TorchFile, OtherFilesAreRefused) {
  const TempDir dir;
  EXPECT_THAT([&] { read_torch_file(dir / "none"); }, ThrowsMessage<Error>(HasSubstr("No such file")));
  EXPECT_THAT([&] { read_torch_file(dir.path()); }, ThrowsMessage<Error>(HasSubstr("directory")));
  put(dir / "f", std::string("weights"));
  EXPECT_THAT([&] { read_torch_file(dir / "f"); }, ThrowsMessage<Error>(HasSubstr("not a PyTorch file")));
  EXPECT_THAT([&] { read_weights_file(dir / "f"); }, ThrowsMessage<Error>(HasSubstr("ONNX are read")));
}

/// Published weights, if FRUGAL_DATA or a directory beside the source tree holds them.
std::optional<fs::path> published(const std::string& name) {
  const char* chosen = std::getenv("FRUGAL_DATA");
  for (const fs::path& root :
       {fs::path(chosen == nullptr ? "" : chosen), fs::path(FRUGAL_SOURCE_DIR) / "../shared/data"}) {
    if (fs::exists(root / "weights" / name)) return root / "weights" / name;
  }
  return std::nullopt;
}

int64_t count_floats(const TensorFile& file) {
  int64_t count = 0;
  for (const TensorRecord& tensor : file.tensors) {
    if (tensor.dtype == "F32") count += static_cast<int64_t>(tensor.data.size() / 4);
  }
  return count;
}

TEST(TorchFile, PublishedResNet20Loads) {
  const auto path = published("resnet20-12fca82f.th");
  if (!path) GTEST_SKIP() << "no weights here; set FRUGAL_DATA to the directory that holds weights/";
  const TensorFile file = read_weights_file(*path);
  EXPECT_EQ(file.format, "PyTorch (before 1.6)");
  EXPECT_EQ(file.metadata.at("torch.state_dict"), "state_dict");
  EXPECT_EQ(file.metadata.at("torch.prefix"), "module.");
  EXPECT_EQ(file.metadata.at("best_prec1"), "91.78000183105469");
  EXPECT_EQ(file.tensors.front().name, "conv1.weight");
  EXPECT_EQ(file.tensors.back().name, "linear.bias");
  EXPECT_EQ(count_floats(file), 269'722 + 2 * 688);  // with running means and variances
}

TEST(TorchFile, PublishedSqueezeNetLoads) {
  const auto path = published("squeezenet1_1-imagenet-features.pth");
  if (!path) GTEST_SKIP() << "no weights here; set FRUGAL_DATA to the directory that holds weights/";
  const TensorFile file = read_weights_file(*path);
  EXPECT_EQ(file.format, "PyTorch");
  EXPECT_EQ(file.tensors.front().name, "features.0.weight");
  EXPECT_EQ(count_floats(file), 722'496);
}

}  // namespace
}  // namespace frugal
