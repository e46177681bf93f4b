// What write_torch_file writes comes back, to the bit, and is what PyTorch was seen to open: files kept
// beside the goldens, which tools/goldens/check_written.py tries where PyTorch is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>

#include "../temp_dir.h"
#include "base/error.h"
#include "base/safetensors.h"
#include "base/safetensors_header.h"
#include "interop/torch_file.h"
#include "interop/weights_file.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

const fs::path goldens = fs::path(FRUGAL_SOURCE_DIR) / "tests/goldens/interop";

TEST(TorchWriter, EveryTypeComesBack) {
  const TempDir dir;
  std::vector<uint8_t> bytes(6 * 8);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 37);
  std::vector<TensorRecord> tensors;
  for (const char* type : {"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"}) {
    const auto size = static_cast<size_t>(6 * safetensors_element_size(type));
    tensors.push_back({std::string("of.") + type, type, {3, 1, 2}, std::span(bytes).first(size)});
  }
  tensors.push_back({"scalar", "I64", {}, std::span(bytes).first(8)});
  tensors.push_back({"empty", "F32", {0, 5}, {}});
  write_torch_file(dir / "f.pt", tensors);
  const TensorFile file = read_weights_file(dir / "f.pt");
  EXPECT_EQ(file.format, "PyTorch");
  EXPECT_TRUE(file.metadata.empty());
  ASSERT_EQ(file.tensors.size(), tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(file.tensors[i].name, tensors[i].name);
    EXPECT_EQ(file.tensors[i].dtype, tensors[i].dtype);
    EXPECT_EQ(file.tensors[i].shape, tensors[i].shape);
    EXPECT_TRUE(std::ranges::equal(file.tensors[i].data, tensors[i].data)) << tensors[i].name;
  }
}

/// Compares with the file that was kept; where FRUGAL_KEEP_WRITTEN names a folder, keeps the new one there.
void expect_as_kept(const fs::path& written) {
  if (const char* keep = std::getenv("FRUGAL_KEEP_WRITTEN")) fs::copy(written, keep);
  EXPECT_EQ(get(written), get(goldens / written.filename()))
      << written.filename() << " is written in another way; see tools/goldens/check_written.py";
}

TEST(TorchWriter, WritesWhatPyTorchOpens) {
  const TempDir dir;
  const TensorFile types = read_torch_file(goldens / "types.pt"),
                   trained = read_torch_file(goldens / "trained.pt");
  write_torch_file(dir / "written-types.pt", types.tensors);
  write_torch_file(dir / "written-trained.pt", trained.tensors);
  write_safetensors(dir / "written-types.safetensors", {{"epoch", "3"}, {"quote", "\"\xc3\xa9"}},
                    types.tensors);
  for (const std::string& name : dir.names()) expect_as_kept(dir / name);
}

TEST(TorchWriter, SameTensorsSameBytes) {
  const TempDir dir;
  const std::vector<uint8_t> bytes(8);
  const std::vector<TensorRecord> tensors{{"w", "F32", {2}, bytes}};
  write_torch_file(dir / "a.pt", tensors);
  write_torch_file(dir / "b.pt", tensors);
  EXPECT_EQ(get(dir / "a.pt"), get(dir / "b.pt"));
}

TEST(TorchWriter, RefusesWhatPyTorchCannotHold) {
  const TempDir dir;
  const std::vector<uint8_t> bytes(4);
  const auto refused = [&](const std::vector<TensorRecord>& tensors, const char* message) {
    EXPECT_THAT([&] { write_torch_file(dir / "f.pt", tensors); }, ThrowsMessage<Error>(HasSubstr(message)));
  };
  refused({{"w", "U32", {1}, bytes}}, "'w' is of type U32");
  refused({{"w", "F32", {2}, bytes}}, "'w' has 4 bytes, its shape needs 8");
  refused({{"w", "F32", {0, int64_t{1} << 62, 4}, {}}}, "'w' has a shape beyond 64 bits");
  refused({{"w", "F32", {1}, bytes}, {"w", "F32", {1}, bytes}}, "'w' is there twice");
  EXPECT_THROW(write_torch_file(dir / "none" / "f.pt", {}), Error);
  EXPECT_TRUE(dir.names().empty());
}

RC_GTEST_PROP(TorchWriter, AnyTensorsComeBack, (const std::vector<std::vector<uint8_t>>& contents)) {
  RC_PRE(!contents.empty());
  const TempDir dir(fast_root());
  std::vector<TensorRecord> tensors;
  for (size_t i = 0; i < contents.size(); ++i) {
    tensors.push_back(
        {"t" + std::to_string(i), "U8", {static_cast<int64_t>(contents[i].size())}, contents[i]});
  }
  write_torch_file(dir / "f.pt", tensors);
  const TensorFile file = read_torch_file(dir / "f.pt");
  RC_ASSERT(file.tensors.size() == contents.size());
  for (size_t i = 0; i < contents.size(); ++i)
    RC_ASSERT(std::ranges::equal(file.tensors[i].data, contents[i]));
}

}  // namespace
}  // namespace frugal
