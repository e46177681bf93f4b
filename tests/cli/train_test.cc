// Runs of seconds from end to end: what a run directory holds, what is printed, and that it all agrees.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "program.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class Train : public testing::Test {
 protected:
  Train() { write_cifar100(data); }
  Outcome run(const std::string& out, const std::vector<std::string>& more = {}) const {
    return frugal(quick_train(data, scratch / out, more), {.directory = scratch.path()});
  }
  const TempDir scratch;
  const fs::path data = scratch / "set";
};

/// What follows the header of a safetensors file: the tensors.
std::string tensor_bytes(const fs::path& path) {
  const std::string file = read_text(path);
  uint64_t header = 0;
  for (int i = 7; i >= 0; --i) header = header << 8 | static_cast<uint8_t>(file[static_cast<size_t>(i)]);
  return file.substr(8 + header);
}

TEST_F(Train, ARunDirectoryHoldsWhatThePlanSays) {
  const Outcome outcome = run("run");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  for (const char* name : {"config.toml", "log.jsonl", "progress.bin", "last.safetensors", "best.safetensors",
                           "result.json", "curves.svg"}) {
    EXPECT_TRUE(fs::exists(scratch / "run" / name)) << name;
  }
  for (const auto& entry : fs::directory_iterator(scratch / "run")) {
    EXPECT_EQ(entry.path().filename().string().find("tmp"), std::string::npos) << entry.path();
  }
  EXPECT_EQ(json_lines(read_text(scratch / "run" / "log.jsonl")).size(), 2u);
  const auto result = nlohmann::json::parse(read_text(scratch / "run" / "result.json"));
  EXPECT_EQ(result["params"], 996376);
  EXPECT_EQ(result["epochs"], 2);
  EXPECT_EQ(result["tested"], "best");
  for (const char* key : {"best_epoch", "val", "test", "precision", "isa", "version"}) {
    EXPECT_TRUE(result.contains(key)) << key;
  }
  for (const char* key : {"wall_seconds", "images_per_second", "threads", "activation_bytes"}) {
    EXPECT_TRUE(result["timing"].contains(key)) << key;
  }
  EXPECT_THAT(read_text(scratch / "run" / "curves.svg"), AllOf(StartsWith("<svg"), HasSubstr("test top-1")));
}

TEST_F(Train, TextNamesTheMachineTheDataAndTheEpochs) {
  const Outcome outcome = run("run");
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("device "), HasSubstr("thread"),
                                 HasSubstr("231 training, 25 validation"), HasSubstr("996,376 parameters"),
                                 HasSubstr("Epoch [1/2]: train="), HasSubstr("Epoch [2/2]: train=")));
  EXPECT_THAT(outcome.out, AllOf(HasSubstr(" val="), HasSubstr("val-acc="), HasSubstr("img/s"),
                                 HasSubstr("lr=0.02"), HasSubstr("curves.svg")));
  EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos);  // piped: no escape sequences, no bar
  EXPECT_EQ(outcome.out.find('\r'), std::string::npos);
}

TEST_F(Train, JsonLinesParseAndTellTheSameAsTheFiles) {
  const Outcome outcome = run("run", {"--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::vector<nlohmann::json> epochs;
  nlohmann::json start, result;
  for (const auto& line : json_lines(outcome.out)) {
    if (line["event"] == "start") start = line;
    if (line["event"] == "epoch") epochs.push_back(line);
    if (line["event"] == "result") result = line;
  }
  EXPECT_EQ(start["params"], 996376);
  EXPECT_EQ(start["data"]["train"], 231);
  ASSERT_EQ(epochs.size(), 2u);
  for (const char* half : {"train", "val"}) {
    EXPECT_TRUE(epochs.back()[half]["loss"].is_number());
    EXPECT_TRUE(epochs.back()[half]["loss_batch_mean"].is_number());
  }
  EXPECT_EQ(epochs[1]["val"], json_lines(read_text(scratch / "run" / "log.jsonl"))[1]["val"]);
  EXPECT_EQ(result["test"], nlohmann::json::parse(read_text(scratch / "run" / "result.json"))["test"]);
}

TEST_F(Train, QuietPrintsTheResultOnly) {
  const Outcome outcome = run("run", {"--quiet"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out.find("Epoch"), std::string::npos);
  EXPECT_THAT(outcome.out, HasSubstr("test"));
}

TEST_F(Train, ThreadsDoNotChangeTheBits) {
  for (const char* precision : {"fp32", "auto"}) {
    const std::string p = precision;
    ASSERT_EQ(run("one" + p, {"--threads", "1", "--precision", p}).code, 0);
    ASSERT_EQ(run("three" + p, {"--threads", "3", "--precision", p}).code, 0);
    for (const char* file : {"last.safetensors", "best.safetensors"}) {
      EXPECT_EQ(tensor_bytes(scratch / ("one" + p) / file), tensor_bytes(scratch / ("three" + p) / file))
          << p;
    }
  }
}

TEST_F(Train, AnotherSeedIsAnotherRunAndTheConfigurationRepeatsIt) {
  ASSERT_EQ(run("a").code, 0);
  ASSERT_EQ(run("b", {"--seed", "2"}).code, 0);
  EXPECT_NE(tensor_bytes(scratch / "a" / "last.safetensors"),
            tensor_bytes(scratch / "b" / "last.safetensors"));
  const Outcome again = frugal(
      {"train", "--config", (scratch / "b" / "config.toml").string(), "--out", (scratch / "c").string()});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(tensor_bytes(scratch / "b" / "last.safetensors"),
            tensor_bytes(scratch / "c" / "last.safetensors"));
}

TEST_F(Train, FlagsWinOverTheFileAndTheFileOverTheRecipe) {
  put(scratch / "c.toml", "epochs = 7\nbatch = 64\n");
  ASSERT_EQ(run("run", {"--config", (scratch / "c.toml").string(), "--recipe", "seed"}).code, 0);
  const std::string config = read_text(scratch / "run" / "config.toml");
  EXPECT_THAT(config, HasSubstr("epochs = 2"));            // flag
  EXPECT_THAT(config, HasSubstr("batch = 32"));            // flag
  EXPECT_THAT(config, HasSubstr("normalize = \"none\""));  // recipe
  EXPECT_THAT(config, HasSubstr("batch_norm = \"sync\""));
  put(scratch / "d.toml", "augment = \"flip\"\nval = 0\n");
  ASSERT_EQ(run("run2", {"--config", (scratch / "d.toml").string()}).code, 0);
  EXPECT_THAT(read_text(scratch / "run2" / "config.toml"), HasSubstr("augment = \"flip\""));
}

TEST_F(Train, WithoutValidationTheLastWeightsAreTested) {
  ASSERT_EQ(run("run", {"--val", "0"}).code, 0);
  const auto result = nlohmann::json::parse(read_text(scratch / "run" / "result.json"));
  EXPECT_EQ(result["tested"], "last");
  EXPECT_FALSE(fs::exists(scratch / "run" / "best.safetensors"));
  EXPECT_EQ(read_text(scratch / "run" / "curves.svg").find("validation"), std::string::npos);
}

TEST_F(Train, EvalReproducesTheTestFigures) {
  ASSERT_EQ(run("run").code, 0);
  const auto result = nlohmann::json::parse(read_text(scratch / "run" / "result.json"));
  for (const std::string& what :
       {(scratch / "run").string(), (scratch / "run" / "best.safetensors").string()}) {
    const Outcome outcome = frugal({"eval", what, "--json"});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const auto json = json_lines(outcome.out).at(0);
    for (const char* key : {"loss", "top1", "top3", "top5", "samples"})
      EXPECT_EQ(json[key], result["test"][key]) << key;
  }
  const auto val =
      json_lines(frugal({"eval", (scratch / "run").string(), "--split", "val", "--json"}).out).at(0);
  EXPECT_EQ(val["samples"], 25);
  EXPECT_EQ(val["top1"], result["val"]["top1"]);
  EXPECT_THAT(frugal({"eval", (scratch / "run").string()}).out,
              AllOf(HasSubstr("top-1"), HasSubstr("top-3")));
  EXPECT_EQ(frugal({"eval", (scratch / "run").string(), "--split", "all"}).code, 2);
}

TEST_F(Train, WeightsAloneCannotKnowTheValidationSplit) {
  ASSERT_EQ(run("run").code, 0);
  fs::copy_file(scratch / "run" / "best.safetensors", scratch / "alone.safetensors");
  const std::string file = (scratch / "alone.safetensors").string();
  EXPECT_EQ(frugal({"eval", file, "--data", data.string()}).code, 0);
  const Outcome outcome = frugal({"eval", file, "--split", "val", "--data", data.string()});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("--split val"));
}

TEST_F(Train, AnOutThatExistsIsRefusedAndLeftAlone) {
  fs::create_directory(scratch / "run");
  put(scratch / "run" / "mine.txt", "mine");
  const Outcome outcome = run("run");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, AllOf(StartsWith("frugal: --out"), HasSubstr("exists")));
  EXPECT_EQ(read_text(scratch / "run" / "mine.txt"), "mine");
}

TEST_F(Train, TheDefaultDirectoryIsNewEveryTime) {
  std::vector<std::string> arguments = {"train", "--data", data.string(), "--epochs", "1", "--lr", "0.02"};
  for (int i = 0; i < 2; ++i) ASSERT_EQ(frugal(arguments, {.directory = scratch.path()}).code, 0);
  int runs = 0;
  for (const auto& entry : fs::directory_iterator(scratch / "runs")) {
    EXPECT_THAT(entry.path().string(), HasSubstr("-smallnet"));
    ++runs;
  }
  EXPECT_EQ(runs, 2);
}

TEST_F(Train, AnUnwritablePlaceIsAnError) {
  put(scratch / "file", "");
  const Outcome outcome = run("file/run");
  EXPECT_EQ(outcome.code, 1) << outcome.err;
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("file/run"), HasSubstr("--out")));

  fs::create_directory(scratch / "locked");
  fs::permissions(scratch / "locked", fs::perms::owner_read | fs::perms::owner_exec);
  const Outcome denied = frugal(quick_train(data, scratch / "locked" / "run"), {.as_nobody = geteuid() == 0});
  if (denied.code != 127) {
    EXPECT_EQ(denied.code, 1) << denied.err;
    EXPECT_THAT(denied.err, HasSubstr("ermission"));
  }
}

/// All event files in a directory, one after the other.
std::string events(const fs::path& directory) {
  std::string all;
  for (const auto& entry : fs::directory_iterator(directory)) all += read_text(entry.path());
  return all;
}

size_t times(const std::string& text, const std::string& word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

TEST_F(Train, TensorboardIsToldOfEveryEpoch) {
  const fs::path board = scratch / "board";
  const Outcome outcome = run("run", {"--tensorboard", board.string(), "--validate-every", "1"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const std::string told = events(board / "run");
  for (const char* tag :
       {"loss/train", "top1/train", "top5/train", "loss/val", "top1/val", "conv1.weight", "fc2.bias"}) {
    EXPECT_EQ(times(told, tag), 2u) << tag;  // epochs
  }
  EXPECT_EQ(times(told, "top1/test"), 1u);
  EXPECT_EQ(times(told, "samples"), 1u);
  EXPECT_EQ(times(told, "brain.Event:2"), 1u);

  ASSERT_EQ(run("other").code, 0);
  EXPECT_EQ(tensor_bytes(scratch / "run" / "last.safetensors"),
            tensor_bytes(scratch / "other" / "last.safetensors"));
}

TEST_F(Train, ABoardThatCannotBeWrittenIsRefusedBeforeTraining) {
  put(scratch / "file", "");
  const Outcome outcome = run("run", {"--tensorboard", (scratch / "file").string()});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err,
              AllOf(HasSubstr((scratch / "file").string()), HasSubstr("cannot make the directory")));
  EXPECT_FALSE(fs::exists(scratch / "run"));
}

TEST_F(Train, TheParameterLimitNamesTheLargestLayers) {
  const Outcome over = run("run", {"--max-params", "900k"});
  EXPECT_EQ(over.code, 3);
  EXPECT_THAT(over.err,
              AllOf(HasSubstr("996,376"), HasSubstr("96,376 too many"), HasSubstr("fc1 (860,580)")));
  EXPECT_FALSE(fs::exists(scratch / "run"));
  EXPECT_EQ(run("run", {"--max-params", "1M"}).code, 0);
}

TEST_F(Train, SaysWhichAugmentationItChose) {
  const Outcome plain = run("plain", {"--epochs", "1"});
  ASSERT_EQ(plain.code, 0) << plain.err;
  EXPECT_THAT(plain.out, AllOf(HasSubstr(", onecycle"), HasSubstr("augment flip,crop:4,")));
  EXPECT_THAT(read_text(scratch / "plain/config.toml"), HasSubstr("augment = \"flip,crop:4\""));
  ASSERT_EQ(run("seed", {"--epochs", "1", "--recipe", "seed"}).code, 0);
  EXPECT_THAT(read_text(scratch / "seed/config.toml"),
              AllOf(HasSubstr("augment = \"none\""), HasSubstr("schedule = \"step:size=5,gamma=0.2\"")));
}

TEST_F(Train, ALossThatIsNotFiniteStopsAndNamesTheStep) {
  const Outcome outcome = run("run", {"--lr", "1e30", "--schedule", "constant", "--epochs", "4"});
  EXPECT_EQ(outcome.code, 1) << outcome.out;
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("step"), HasSubstr("1e+30")));
}

TEST_F(Train, AGroupOfNoParameterIsRefusedBeforeAnythingIsWritten) {
  const Outcome outcome = run("run", {"--groups", "fc9.*:lr=0.1"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("--groups"), HasSubstr("fc9.*"), HasSubstr("fc1.weight")));
  EXPECT_FALSE(fs::exists(scratch / "run"));
}

TEST_F(Train, EveryOptimizerAndSchedule) {
  const std::vector<std::vector<std::string>> cases = {
      {"--optimizer", "adam", "--lr", "0.001", "--groups", "fc*:lr=0.1,*.bias:decay=0", "--clip", "1"},
      {"--optimizer", "adamw", "--lr", "0.001", "--schedule", "constant"},
      {"--optimizer", "muon:sgd_lr=0.5", "--lr", "0.02", "--accumulate", "3"},
      {"--optimizer", "sgd:nesterov=true", "--schedule", "exponential:gamma=0.9", "--lookahead", "2"},
      {"--loss", "ce:smoothing=0.1 + 0.0001*l2", "--augment", "flip,crop:4", "--batch-norm", "sync"}};
  int i = 0;
  for (auto flags : cases) {
    flags.insert(flags.end(), {"--epochs", "1"});
    const Outcome outcome = run("run" + std::to_string(i++), flags);
    EXPECT_EQ(outcome.code, 0) << testing::PrintToString(flags) << outcome.err;
  }
}

}  // namespace
}  // namespace frugal
