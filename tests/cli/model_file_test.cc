// A network of one's own from file to prediction; the run needs the file no longer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* tiny = R"(# A tiny network.
parameters = { width = 8, act = "relu" }

layer = [
  { op = "conv2d", name = "conv1", out = "$width", kernel = 3, padding = 1, stride = 2, bias = false },
  { op = "batch_norm", name = "bn1" },
  { op = "$act", as = "x" },
  { op = "conv2d", name = "conv2", in = "$width", out = "$width", kernel = 3, padding = 1 },
  { op = "add", from = ["conv2", "x"] },
  { op = "max_pool", kernel = 4 },
  { op = "flatten" },
  { op = "linear", name = "fc", out = "classes" },
]
)";

TEST(ModelFileRuns, WhatCannotLearnIsRefused) {
  const TempDir scratch;
  put(scratch / "none.toml", "layer = [ { op = \"adaptive_avg_pool\" } ]\n");
  put(scratch / "frozen.toml",
      "layer = [ { op = \"conv2d\", name = \"c\", out = \"classes\", kernel = 3, bias = false, trainable = "
      "false },\n"
      "  { op = \"adaptive_avg_pool\" } ]\n");
  for (const std::string name : {"none.toml", "frozen.toml"}) {
    const std::string path = (scratch / name).string();
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"model", path, "--classes", "3", "--profile"},
          {"train", "--data", "cifar100-mini", "--select", "0-2", "--model", path, "--out",
           (scratch / "run").string()},
          {"plan", "--data", "cifar100-mini", "--select", "0-2", "--model", path}}) {
      const Outcome outcome = frugal(command);
      EXPECT_EQ(outcome.code, 2) << command[0];
      EXPECT_THAT(outcome.err, HasSubstr("has no parameter that is trained"));
    }
    EXPECT_FALSE(fs::exists(scratch / "run"));
  }
}

TEST(ModelFileRuns, ARunNeedsItsFileNoLonger) {
  const TempDir scratch;
  put(scratch / "tiny.toml",
      "layer = [\n  { op = \"conv2d\", name = \"c\", out = 8, kernel = 3 },\n  { op = \"adaptive_avg_pool\" "
      "},\n"
      "  { op = \"linear\", name = \"fc\", out = \"classes\" },\n]\n");
  bool removed = false;
  RunOptions options;
  options.on_output = [&](const std::string& out, int) {
    if (removed || out.find("Epoch [1/") == std::string::npos) return;
    removed = true;
    fs::remove(scratch / "tiny.toml");
  };
  const Outcome outcome =
      frugal({"train", "--data", "cifar100-mini", "--model", (scratch / "tiny.toml").string(), "--epochs",
              "4", "--resize", "16@0,32@0.75", "--out", (scratch / "run").string()},
             options);
  EXPECT_TRUE(removed);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
}

TEST(ModelFileRuns, ADrawingDoesNotTakeAFilesPlace) {
  const TempDir scratch;
  put(scratch / "tiny.toml", tiny);
  const std::string file = (scratch / "tiny.toml").string(), drawing = (scratch / "tiny.svg").string();
  EXPECT_THAT(frugal({"model", file, "--svg", file}).err, HasSubstr("exists already and is no drawing"));
  EXPECT_EQ(read_text(file), tiny);
  EXPECT_EQ(frugal({"model", file, "--svg", drawing}).code, 0);
  EXPECT_EQ(frugal({"model", file, "--svg", drawing}).code, 0) << "one drawing in place of another";
}

TEST(ModelFileRuns, TrainsAndIsKeptByItsRun) {
  const TempDir scratch;
  fs::create_directory(scratch / "nets");
  put(scratch / "nets" / "tiny.toml", tiny);
  const RunOptions here{.directory = scratch.path()};
  const Outcome trained =
      frugal({"train", "--data", "cifar100-mini", "--epochs", "1", "--lr", "0.05", "--model",
              "nets/tiny.toml:width=12", "--out", "run", "--precision", "fp32"},
             here);
  ASSERT_EQ(trained.code, 0) << trained.err;
  // 3*9*12 + 2*12, 12*9*12 + 12, 12*16*100 + 100
  EXPECT_THAT(trained.out, AllOf(HasSubstr("nets/tiny.toml:width=12"), HasSubstr("20,956 parameters")));
  EXPECT_EQ(read_text(scratch / "run" / "model.toml"), tiny);
  EXPECT_THAT(read_text(scratch / "run" / "config.toml"), HasSubstr("model = \"model.toml:width=12\"\n"));
  const auto result = nlohmann::json::parse(read_text(scratch / "run" / "result.json"));
  EXPECT_EQ(result["params"], 20'956);

  fs::remove_all(scratch / "nets");
  fs::create_directory(scratch / "away");
  fs::rename(scratch / "run", scratch / "away" / "moved");
  fs::copy_file(scratch / "away" / "moved" / "best.safetensors", scratch / "alone.safetensors");
  for (const char* model : {"away/moved", "alone.safetensors"}) {
    const Outcome eval =
        frugal({"eval", model, "--data", "cifar100-mini", "--precision", "fp32", "--json"}, here);
    ASSERT_EQ(eval.code, 0) << eval.err;
    EXPECT_EQ(json_lines(eval.out)[0]["top1"], result["test"]["top1"]);
    EXPECT_EQ(json_lines(eval.out)[0]["params"], 20'956);
  }
  const Outcome again = frugal({"train", "--config", "away/moved/config.toml", "--out", "again"}, here);
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(read_text(scratch / "again" / "model.toml"), tiny);
  const auto repeated = nlohmann::json::parse(read_text(scratch / "again" / "result.json"));
  EXPECT_EQ(repeated["test"], result["test"]);
  EXPECT_EQ(repeated["val"], result["val"]);
}

TEST(ModelFileRuns, PredictsWithoutTheFile) {
  const TempDir scratch;
  write_cifar100(scratch / "set");
  put(scratch / "tiny.toml", tiny);
  const Outcome trained =
      frugal(quick_train(scratch / "set", scratch / "run", {"--model", (scratch / "tiny.toml").string()}));
  ASSERT_EQ(trained.code, 0) << trained.err;
  fs::remove(scratch / "tiny.toml");
  fs::copy_file(scratch / "run" / "last.safetensors", scratch / "alone.safetensors");
  const Outcome sheet = frugal({"data", (scratch / "set").string(), "--sheet", (scratch / "a.png").string()});
  ASSERT_EQ(sheet.code, 0) << sheet.err;
  const Outcome predicted =
      frugal({"predict", (scratch / "alone.safetensors").string(), (scratch / "a.png").string(), "--json"});
  ASSERT_EQ(predicted.code, 0) << predicted.err;
  EXPECT_EQ(json_lines(predicted.out)[0]["top"].size(), 5u);
}

TEST(ModelFileRuns, DirectoriesAreCalledByTheFilesName) {
  const TempDir scratch;
  write_cifar100(scratch / "set");
  fs::create_directory(scratch / "nets");
  put(scratch / "nets" / "tiny.toml", tiny);
  const Outcome trained =
      frugal({"train", "--data", "set", "--epochs", "1", "--model", "nets/tiny.toml:act=silu"},
             {.directory = scratch.path()});
  ASSERT_EQ(trained.code, 0) << trained.err;
  std::vector<std::string> runs;
  for (const auto& entry : fs::directory_iterator(scratch / "runs")) runs.push_back(entry.path().filename());
  EXPECT_THAT(runs, testing::ElementsAre(testing::EndsWith("-tiny")));
}

TEST(ModelCommand, ReadsAndWritesFiles) {
  const TempDir scratch;
  const std::string file = (scratch / "resnet.toml").string();
  const Outcome preset = frugal({"model", "resnet20", "--classes", "10", "--to-file", file});
  ASSERT_EQ(preset.code, 0) << preset.err;
  const Outcome read = frugal({"model", file, "--classes", "10"});
  ASSERT_EQ(read.code, 0) << read.err;
  const auto without_last_line = [](const std::string& text) {
    return text.substr(0, text.rfind('\n', text.size() - 2));
  };
  EXPECT_EQ(without_last_line(read.out), without_last_line(preset.out));
  EXPECT_THAT(read.out, HasSubstr(file + ": 269,722 parameters"));

  const std::string before = read_text(file);
  const Outcome twice = frugal({"model", "resnet32", "--to-file", file});
  EXPECT_EQ(twice.code, 2);
  EXPECT_THAT(twice.err, HasSubstr("exists already"));
  EXPECT_EQ(read_text(file), before);
}

TEST(ModelCommand, WhatItCannotWriteIsSaidBeforeAnythingIsWritten) {
  const TempDir scratch;
  const auto refusal = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"model", "resnet20"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = frugal(arguments, {.directory = scratch.path()});
    EXPECT_EQ(outcome.code, 2) << outcome.err;
    return outcome.err;
  };
  EXPECT_THAT(refusal({"--svg", "a.svg", "--to-file", "a.net"}),
              HasSubstr("--to-file a.net: a model file's name ends in .toml"));
  EXPECT_THAT(refusal({"--svg", "a.toml", "--to-file", "a.toml"}), HasSubstr("name the same file"));
  put(scratch / "there.toml", tiny);
  EXPECT_THAT(refusal({"--svg", "a.svg", "--to-file", "there.toml"}), HasSubstr("exists already"));
  EXPECT_FALSE(std::filesystem::exists(scratch / "a.svg"));
}

TEST(ModelCommand, Draws) {
  const TempDir scratch;
  put(scratch / "tiny.toml", tiny);
  for (int time = 0; time < 2; ++time) {  // a drawing may be made anew
    const Outcome drawn = frugal({"model", "tiny.toml", "--svg", "tiny.svg"}, {.directory = scratch.path()});
    ASSERT_EQ(drawn.code, 0) << drawn.err;
  }
  EXPECT_THAT(read_text(scratch / "tiny.svg"), AllOf(testing::StartsWith("<svg "), HasSubstr(">conv2<")));
  EXPECT_EQ(frugal({"model", "smallnet", "--svg", "/nonexistent/x.svg"}).code, 2);
}

TEST(ModelCommand, SaysWhereAFileIsWrong) {
  const TempDir scratch;
  std::string text = tiny;
  text.replace(text.find("in = \"$width\""), 13, "in = 64");
  put(scratch / "wrong.toml", text);
  const Outcome wrong = frugal({"model", "wrong.toml"}, {.directory = scratch.path()});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_EQ(wrong.err, "frugal: wrong.toml:8: conv2: expects 64 channels, got 8\n");
  const Outcome missing = frugal({"model", "nowhere.toml"}, {.directory = scratch.path()});
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.err, HasSubstr("nowhere.toml"));
  const Outcome train = frugal({"train", "--data", "cifar100-mini", "--model", "nowhere.toml"});
  EXPECT_EQ(train.code, 2);
  EXPECT_THAT(train.err, HasSubstr("no file nowhere.toml"));
}

}  // namespace
}  // namespace frugal
