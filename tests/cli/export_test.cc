// From a run to files for other programs, and from an ONNX file to a run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Export : public testing::Test {
 protected:
  void SetUp() override {
    write_cifar100(scratch / "set");
    train("run", "smallnet:width=0.25");
  }
  void train(const std::string& run, const std::string& model) const {
    const Outcome outcome =
        frugal(quick_train(scratch / "set", scratch / run, {"--epochs", "1", "--model", model}));
    ASSERT_EQ(outcome.code, 0) << outcome.err;
  }
  Outcome run(const std::vector<std::string>& arguments) const {
    return frugal(arguments, {.directory = scratch.path()});
  }
  const TempDir scratch;
};

TEST_F(Export, WritesOnnxAndSaysWhatIsInIt) {
  const Outcome text = run({"export", "run", "--to", "net.onnx"});
  ASSERT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("net.onnx, "), HasSubstr("ONNX, opset 17"),
                              HasSubstr("input [batch, 3, 32, 32], (pixel / 255 - mean) / std"),
                              HasSubstr("logits [batch, 100]")));
  const auto bytes = fs::file_size(scratch / "net.onnx");
  const Outcome json = run({"export", "run", "--to", "folded.onnx", "--fold-bn", "--normalize", "--json"});
  ASSERT_EQ(json.code, 0) << json.err;
  const auto said = json_lines(json.out)[0];
  EXPECT_EQ(said["bytes"], fs::file_size(scratch / "folded.onnx"));
  EXPECT_THAT(said["input"].get<std::string>(), HasSubstr("pixel / 255"));
  EXPECT_LT(said["bytes"].get<uintmax_t>(), bytes);
}

TEST_F(Export, LeavesFilesThatAreThere) {
  put(scratch / "net.onnx", "mine");
  const Outcome refused = run({"export", "run", "--to", "net.onnx"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("--to net.onnx exists already; --force writes over it"));
  EXPECT_EQ(read_text(scratch / "net.onnx"), "mine");
  EXPECT_EQ(run({"export", "run", "--to", "net.onnx", "--force"}).code, 0);
  EXPECT_NE(read_text(scratch / "net.onnx"), "mine");
}

TEST_F(Export, RefusesWhatItCannotWrite) {
  const Outcome unknown = run({"export", "run", "--to", "net.h5"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("--to net.h5: the name must end in one of .onnx, "));
  const Outcome folded = run({"export", "run", "--to", "net.safetensors", "--fold-bn"});
  EXPECT_EQ(folded.code, 2);
  EXPECT_THAT(folded.err, HasSubstr("--fold-bn and --normalize change a network, and net.safetensors"));
  EXPECT_FALSE(fs::exists(scratch / "net.safetensors"));
}

TEST_F(Export, WeightsAloneServeAsARun) {
  const Outcome outcome = run({"export", "run/last.safetensors", "--to", "run/net.safetensors"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(read_text(scratch / "run/last.safetensors"), HasSubstr("optimizer.0."));
  EXPECT_THAT(read_text(scratch / "run/net.safetensors"), Not(HasSubstr("optimizer.0.")));
  const auto logits = [&](const std::string& weights) {
    const Outcome eval =
        run({"eval", weights, "--data", "set", "--precision", "fp32", "--logits", "logits.npy"});
    EXPECT_EQ(eval.code, 0) << eval.err;
    return read_text(scratch / "logits.npy");
  };
  const std::string before = logits("run/last.safetensors");
  EXPECT_TRUE(before == logits("run/net.safetensors"));  // megabytes, not to be printed
  // NumPy's header, then 100 images' 100 floats.
  EXPECT_EQ(before.size() % 64, (100 * 100 * sizeof(float)) % 64);
  EXPECT_THAT(before.substr(0, 128), HasSubstr("'<f4', 'fortran_order': False, 'shape': (100, 100)"));
}

TEST_F(Export, OnnxFilesAreModels) {
  ASSERT_EQ(run({"export", "run", "--to", "net.onnx"}).code, 0);
  EXPECT_THAT(run({"eval", "net.onnx"}).err, HasSubstr("probably an ONNX file"));
  const Outcome table = run({"model", "net.onnx", "--to-file", "net.toml"});
  ASSERT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, AllOf(HasSubstr("conv1 "), HasSubstr("bn3 "), HasSubstr("fc2 ")));
  EXPECT_THAT(read_text(scratch / "net.toml"), HasSubstr("name = \"fc2\", out = \"classes\""));
  const Outcome other = run({"model", "net.onnx", "--classes", "7", "--image-size", "16", "--json"});
  EXPECT_EQ(json_lines(other.out)[0]["classes"], 7);

  train("again", (scratch / "net.onnx").string());
  EXPECT_THAT(read_text(scratch / "again/model.toml"), HasSubstr("name = \"fc2\""));
  EXPECT_THAT(read_text(scratch / "again/config.toml"), HasSubstr("model = \"model.toml\"\n"));
  fs::remove(scratch / "net.onnx");
  const Outcome eval = run({"eval", "again", "--data", "set"});
  EXPECT_EQ(eval.code, 0) << eval.err;
}

TEST_F(Export, OnnxErrorsNameTheFile) {
  put(scratch / "broken.onnx", "\x08\x08");
  for (const auto& arguments : {std::vector<std::string>{"model", "broken.onnx"},
                                {"train", "--data", "set", "--model", "broken.onnx", "--out", "none"}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 1) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("broken.onnx: "));
  }
  EXPECT_FALSE(fs::exists(scratch / "none"));
  EXPECT_EQ(run({"model", "none.onnx"}).code, 1);
}

}  // namespace
}  // namespace frugal
