// `frugal import`: other programs' weights become files that every command takes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const std::string model = "smallnet:width=0.25";

class Import : public testing::Test {
 protected:
  void SetUp() override {
    write_cifar100(scratch / "set");
    const Outcome outcome =
        frugal(quick_train(scratch / "set", scratch / "run", {"--epochs", "1", "--model", model}));
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    done({"export", "run", "--to", "net.pt"});
  }
  Outcome run(const std::vector<std::string>& arguments) const {
    return frugal(arguments, {.directory = scratch.path()});
  }
  std::string done(const std::vector<std::string>& arguments) const {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out;
  }
  /// The words of an error that leaves nothing behind.
  std::string refused(const std::vector<std::string>& more, int code = 2) const {
    std::vector<std::string> arguments = {"import", "net.pt", "--to", "out.safetensors"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_FALSE(fs::exists(scratch / "out.safetensors"));
    return outcome.err;
  }
  std::string logits(const std::string& weights) const {
    done({"eval", weights, "--data", "set", "--precision", "fp32", "--logits", "logits.npy"});
    return read_text(scratch / "logits.npy");
  }
  const TempDir scratch;
};

TEST_F(Import, GivesTheRunsLogits) {
  const std::string text = done({"import", "net.pt", "--model", model, "--data", "set", "--normalize", "auto",
                                 "--to", "net.safetensors"});
  EXPECT_THAT(text,
              AllOf(StartsWith("from        net.pt (PyTorch): "), HasSubstr("wrote       net.safetensors, "),
                    HasSubstr("images      3 x 32 x 32, "), HasSubstr("classes     100: ")));
  EXPECT_TRUE(logits("net.safetensors") == logits("run"));
  EXPECT_EQ(done({"weights", "net.safetensors", "--diff", "net.pt"}).find("tensors: 0"), std::string::npos);
}

TEST_F(Import, WhatItWritesIsATeacher) {
  done({"import", "net.pt", "--model", model, "--data", "set", "--normalize", "auto", "--to",
        "net.safetensors"});
  const Outcome student = frugal(quick_train(
      scratch / "set", scratch / "student",
      {"--epochs", "1", "--model", model, "--loss", "ce + kd", "--teacher", scratch / "net.safetensors"}));
  EXPECT_EQ(student.code, 0) << student.err;
}

TEST_F(Import, AnOnnxFileNamesItsOwnNetwork) {
  done({"export", "run", "--to", "net.onnx"});
  const auto said = json_lines(done({"import", "net.onnx", "--normalize", "given:mean=0.5,std=0.25", "--to",
                                     "net.safetensors", "--json"}))
                        .at(0);
  EXPECT_EQ(said["from"], "net.onnx");
  EXPECT_EQ(said["file"], "net.safetensors");
  EXPECT_EQ(said["classes"], 100);
  EXPECT_EQ(said["unused"].size(), 0U);
  fs::remove(scratch / "net.onnx");  // what was written holds the network
  EXPECT_THAT(done({"export", "net.safetensors", "--to", "again.onnx"}),
              HasSubstr("input [batch, 3, 32, 32], (pixel / 255 - mean) / std"));
}

TEST_F(Import, AnOnnxFileOfOurOwnLeavesNothingUnsaid) {
  const auto description = [](const std::string& text) { return text.substr(text.find("\nimages ")); };
  const std::string by_data = done({"import", "net.pt", "--model", model, "--data", "set", "--normalize",
                                    "auto", "--to", "by-data.safetensors"});
  done({"export", "run", "--to", "net.onnx"});
  const std::string text = done({"import", "net.onnx", "--to", "net.safetensors"});
  EXPECT_EQ(description(text), description(by_data));
  EXPECT_TRUE(logits("net.safetensors") == logits("run"));
  EXPECT_THAT(done({"import", "net.onnx", "--normalize", "given:mean=0.5,std=0.25", "--to", "net.safetensors",
                    "--force"}),
              HasSubstr("mean 0.5 0.5 0.5, std 0.25 0.25 0.25"));
}

TEST_F(Import, ClassesAreCalledAsAFileSays) {
  std::string names;
  for (int i = 0; i < 100; ++i) names += "kind " + std::to_string(i) + "\r\n";
  put(scratch / "names.txt", names);
  EXPECT_THAT(done({"import", "net.pt", "--model", model, "--image-size", "32", "--class-names", "names.txt",
                    "--normalize", "none", "--to", "net.safetensors"}),
              HasSubstr("classes     100: kind 0, kind 1, "));
  EXPECT_THAT(refused({"--model", model, "--image-size", "32", "--class-names", "names.txt", "--classes",
                       "99", "--normalize", "none"}),
              HasSubstr("--class-names: there are 100 names in it, the network has 99 classes"));
  put(scratch / "names.txt", "\n");
  EXPECT_THAT(
      refused({"--model", model, "--image-size", "32", "--class-names", "names.txt", "--normalize", "none"},
              1),
      HasSubstr("names.txt: no class is in it"));
}

TEST_F(Import, WeightsThatAreNotThereAreNotDrawn) {
  const std::vector<std::string> rest = {"--image-size", "32", "--normalize", "none"};
  const auto with = [&](std::vector<std::string> flags) {
    flags.insert(flags.end(), rest.begin(), rest.end());
    return refused(flags, 1);
  };
  EXPECT_THAT(with({"--model", model, "--classes", "10"}),
              AllOf(HasSubstr("net.pt: not all of smallnet:width=0.25 is in it: 'fc2.weight' 10x"),
                    HasSubstr("for 10 classes?")));
  EXPECT_THAT(with({"--model", "resnet20", "--classes", "100"}), HasSubstr("not all of resnet20 is in it"));
  EXPECT_THAT(with({"--model", "vgg11", "--classes", "10"}),
              StartsWith("frugal: net.pt: none of its tensors fits vgg11"));
}

TEST_F(Import, WhatIsLeftUnsaidIsAskedFor) {
  EXPECT_THAT(refused({"--normalize", "none"}), HasSubstr("--model: which network are the weights of?"));
  EXPECT_THAT(refused({"--model", model, "--data", "set"}),
              HasSubstr("--normalize: net.pt does not say how the images were normalised"));
  EXPECT_THAT(refused({"--model", model, "--normalize", "none", "--classes", "100"}),
              HasSubstr("what images and classes were the weights trained on? --data NAME says it"));
  EXPECT_THAT(refused({"--model", model, "--normalize", "auto", "--image-size", "32", "--classes", "100"}),
              HasSubstr("--normalize: auto is measured on images; name them with --data"));
  EXPECT_THAT(refused({"--model", model, "--normalize", "none", "--data", "set", "--classes", "100"}),
              HasSubstr("--classes: the data set of --data says it"));
  EXPECT_THAT(run({"eval", "net.pt"}).err, HasSubstr("frugal import makes a file that does"));
}

TEST_F(Import, WritesOverNothing) {
  put(scratch / "mine.safetensors", "mine");
  const std::vector<std::string> import = {"import", "net.pt",      "--model", model,  "--data",
                                           "set",    "--normalize", "none",    "--to", "mine.safetensors"};
  EXPECT_THAT(run(import).err, HasSubstr("--to mine.safetensors exists already; --force writes over it"));
  EXPECT_EQ(read_text(scratch / "mine.safetensors"), "mine");
  EXPECT_THAT(
      run({"import", "net.pt", "--model", model, "--data", "set", "--normalize", "none", "--to", "net.bin"})
          .err,
      HasSubstr("--to net.bin: the name must end in .safetensors"));
}

}  // namespace
}  // namespace frugal
