// What the program says to those who ask and to those who mistype.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.h"

namespace frugal {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

void expect_refusal(const std::vector<std::string>& arguments, int code, const std::string& words) {
  const Outcome outcome = frugal(arguments);
  EXPECT_EQ(outcome.code, code) << testing::PrintToString(arguments) << outcome.err;
  EXPECT_THAT(outcome.err, AllOf(StartsWith("frugal: "), HasSubstr(words)));
}

TEST(Usage, VersionAndHelp) {
  const Outcome version = frugal({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.out, AllOf(StartsWith("frugal "), HasSubstr("oneDNN")));
  const Outcome help = frugal({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* command : {"train", "eval", "predict", "fetch", "data", "model", "schedule", "lr-find"}) {
    EXPECT_THAT(help.out, HasSubstr(command));
    EXPECT_EQ(frugal({command, "--help"}).code, 0);
  }
  for (const char* flag : {"--data",
                           "--val",
                           "--split-seed",
                           "--model",
                           "--recipe",
                           "--epochs",
                           "--batch",
                           "--optimizer",
                           "--lr",
                           "--momentum",
                           "--weight-decay",
                           "--schedule",
                           "--loss",
                           "--augment",
                           "--normalize",
                           "--precision",
                           "--threads",
                           "--shard",
                           "--batch-norm",
                           "--seed",
                           "--max-params",
                           "--config",
                           "--out",
                           "--json",
                           "--quiet",
                           "--clip",
                           "--decay",
                           "--groups",
                           "--lookahead",
                           "--ema",
                           "--accumulate",
                           "--warmup",
                           "--max-time",
                           "--validate-every",
                           "--checkpoint-every",
                           "--replay"}) {
    EXPECT_THAT(frugal({"train", "--help"}).out, HasSubstr(flag));
  }
}

TEST(Usage, NoCommandShowsTheHelp) {
  const Outcome outcome = frugal({});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("train"), HasSubstr("frugal: no command given")));
}

TEST(Usage, UnknownCommandsAndFlagsNameTheNearest) {
  expect_refusal({"trian"}, 2, "unknown command 'trian'; did you mean train?");
  expect_refusal({"xyzzy"}, 2, "unknown command 'xyzzy'");
  expect_refusal({"--verison"}, 2, "unknown flag --verison; did you mean --version?");
  expect_refusal({"train", "--epoch", "3"}, 2, "train: unknown flag --epoch; did you mean --epochs?");
  expect_refusal({"train", "--epohcs=3"}, 2, "did you mean --epochs?");
  expect_refusal({"model"}, 2, "model");
  expect_refusal({"model", "smallnet", "extra"}, 2, "model: unexpected 'extra'");
  expect_refusal({"train", "--epochs"}, 2, "--epochs");
  expect_refusal({"--json", "eval", "x"}, 2, "--json belongs behind the command: frugal eval ... --json");
}

/// As an unset variable of a shell makes them: they must not take a limit away without a word.
TEST(Usage, EmptyValuesAreMissingOnes) {
  for (const char* flag : {"--max-params", "--config", "--replay", "--from", "--out"})
    expect_refusal({"train", flag, ""}, 2, std::string(flag) + ": a value is missing");
  expect_refusal({"eval", "x", "--against", ""}, 2, "--against: a value is missing");
  expect_refusal({"eval", ""}, 2, "a value is missing");
  expect_refusal({"train", "--out=", "--json"}, 2, "--out: a value is missing");
}

TEST(Usage, AFlagThatIsGivenTwiceIsNamed) {
  const Outcome outcome = frugal({"train", "--epochs", "1", "--epochs", "2"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("--epochs is given more than once"));
}

TEST(Usage, CommandsWithoutExamplesShowNoneOfOthers) {
  for (const char* command : {"model", "weights"}) {
    EXPECT_THAT(frugal({command, "--help"}).out, testing::Not(HasSubstr("frugal plan --max-params")));
  }
}

TEST(Usage, BadValuesNameTheFlag) {
  for (const auto& [flag, value] :
       std::vector<std::pair<std::string, std::string>>{{"--epochs", "many"},
                                                        {"--epochs", "0"},
                                                        {"--epochs", "1e400"},
                                                        {"--lr", "fast"},
                                                        {"--lr", "nan"},
                                                        {"--batch", "0"},
                                                        {"--batch", "2.5"},
                                                        {"--val", "1.5"},
                                                        {"--val", "x"},
                                                        {"--precision", "fp8"},
                                                        {"--threads", "5000"},
                                                        {"--threads", "-1"},
                                                        {"--shard", "x"},
                                                        {"--batch-norm", "no"},
                                                        {"--normalize", "maybe"},
                                                        {"--seed", "-3"},
                                                        {"--optimizer", "lion"},
                                                        {"--schedule", "moon"},
                                                        {"--warmup", "5"},
                                                        {"--warmup", "3weeks"},
                                                        {"--max-time", "soon"},
                                                        {"--validate-every", "0"},
                                                        {"--checkpoint-every", "often"},
                                                        {"--loss", "hinge"},
                                                        {"--augment", "spin"},
                                                        {"--momentum", "2x"},
                                                        {"--weight-decay", ""},
                                                        {"--recipe", "cake"},
                                                        {"--split-seed", "y"},
                                                        {"--clip", "-1"},
                                                        {"--decay", "half"},
                                                        {"--groups", "*:momentum=0"},
                                                        {"--lookahead", "5:alpha=2"},
                                                        {"--ema", "1"},
                                                        {"--accumulate", "0"}}) {
    expect_refusal({"train", "--data", "/nonexistent", flag + "=" + value}, 2, flag);
  }
}

/// What is wrong with it, and what would be right.
TEST(Usage, BadValuesAreExplained) {
  struct Bad {
    const char *flag, *value, *words;
  };
  for (const Bad& bad : std::vector<Bad>{
           {"--normalize", "maybe", "is none of auto, none, given:mean=...,std=..."},
           {"--augment", "crop", "crop: needs its pixels, as in crop:4"},
           {"--augment", "crop:0", "is out of range; 1 to"},
           {"--augment", "jitter:1|2", "write jitter:X, or jitter:BRIGHTNESS|CONTRAST|SATURATION|HUE"},
           {"--augment", "jitter", "needs how much, as in jitter:0.2"},
           {"--augment", "rotate", "needs its degrees, as in rotate:15"},
           {"--augment", "none,flip", "none stands alone"},
           {"--fraction", "2", "must be in (0, 1]: the part of the training images that is used"},
           {"--precision", "fp8", "is none of auto, bf16, fp32"},
           {"--ema", "1", "must be a decay in [0, 1); 0: no average"},
           {"--freeze", "@0.5", "write PATTERN, PATTERN@PROGRESS or !PATTERN, as in *,!fc.*"},
           {"--freeze", "*@2", "progress must be in (0, 1)"},
           {"--freeze-bn", "maybe", "is none of fixed, train"},
           {"--on-divergence", "cry", "is none of stop, rollback"},
           {"--on-divergence", "rollback:factor=2", "factor must be in (0, 1)"},
           {"--lookahead", "5:alpha=2", "alpha must be in (0, 1]"},
           {"--momentum", "1", "--momentum must be in [0, 1)"},
           {"--optimizer", "adam:eps=0", "must be in [1.2e-38, 1]"},
           {"--optimizer", "muon:momentum=1", "momentum of muon must be in [0, 1)"},
           {"--optimizer", "muon:ns_steps=0", "ns_steps of muon must be in 1 to 100"},
           {"--loss", "ce:smoothing=1", "smoothing must be in [0, 1)"},
           {"--loss", "ce + kd:T=0", "must be in 0.01 to 1000"},
           {"--loss", "0.1*l2", "has no loss on the logits, such as ce"},
           {"--schedule", "cosine:restarts=-1", "restarts of cosine must be in 0 to 1000"},
           {"--schedule", "wsd:decay=0", "decay of wsd must be in (0, 1]"},
           {"--schedule", "wsd:shape=round", "is none of linear, cosine, 1-sqrt"},
           {"--schedule", "onecycle:warmup=1", "warmup of onecycle must be in [0, 1)"},
           {"--schedule", "exponential", "exponential needs gamma"},
           {"--schedule", "step:size=5,gamma=2", "must be in (0, 1]"},
           {"--schedule", "multistep", "multistep needs epochs, as in multistep:at=30|60"},
           {"--schedule", "step", "step needs a size in epochs, as in step:size=5,gamma=0.2"},
           {"--resize", "24", "write SIZE@PROGRESS,... as in 24@0,32@0.5"},
           {"--resize", "2@0", "sizes are 4 to 4096 pixels"},
           {"--resize", "24@0,32@2", "progress is in [0, 1)"},
           {"--resize", "24@0.5,32@0", "progress must rise from 0"},
           {"--warmup", "5", "a bare number is a part of the run, at most 1"},
           {"--warmup", "5epochs:start=2", "start must be in [0, 1]"}}) {
    expect_refusal({"train", "--data", "cifar100-mini", std::string(bad.flag) + "=" + bad.value}, 2,
                   bad.words);
  }
  expect_refusal({"train", "--optimizer", "sgd:nesterov=true", "--momentum", "0"}, 2,
                 "nesterov=true needs --momentum");
  expect_refusal({"lr-find", "--min-lr", "1", "--max-lr", "0.1"}, 2,
                 "--min-lr must be below --max-lr, both in 1e-12 to 1e6");
  expect_refusal({"data", "cifar100-mini", "--seed", "1"}, 2, "--seed: is of the images and changes");
  expect_refusal({"data", "cifar100-mini", "--sheet", "x.png", "--augment", "flip", "--seed", "-1"}, 2,
                 "--seed: -1 is negative");
  expect_refusal({"model", "smallnet", "--batch", "3"}, 2, "--batch: is for --profile");
  expect_refusal({"lr-find", "--steps", "3"}, 2, "--steps must be in 20 to 100,000");
  expect_refusal({"schedule", "linear", "--images", "0"}, 2, "--images must be in 1 to 1,000,000,000");
  expect_refusal({"model", "smallnet", "--image-size", "auto"}, 2,
                 "--image-size: auto is for data; give a number");
  expect_refusal({"model", "smallnet", "--classes", "0"}, 2, "--classes: 0 is not in 1 to ");
  expect_refusal({"train", "--replay", "a", "--config", "b"}, 2, "--replay and --config exclude each other");
  expect_refusal({"data", "cifar100-mini", "--augment", "flip"}, 2,
                 "needs --sheet FILE.png, where its images are shown");
}

TEST(Usage, UnknownNamesListTheKnown) {
  expect_refusal({"train", "--recipe", "cake"}, 2, "seed");
  expect_refusal({"train", "--optimizer", "lion"}, 2, "adamw");
  expect_refusal({"model", "resnet-9000"}, 2, "smallnet");
  expect_refusal({"model", "wnr-16-2"}, 2, "did you mean wrn-16-2?");
  expect_refusal({"train", "--data", "/nonexistent", "--model=mobilnetv2"}, 2, "did you mean mobilenetv2?");
  expect_refusal({"train", "--augment", "spin"}, 2, "flip");
}

TEST(Usage, ConfigFilesAreCheckedByLine) {
  const TempDir scratch;
  const auto config = (scratch / "c.toml").string();
  put(config, "epochs = 3\nlearning_rate = 0.1\n");
  expect_refusal({"train", "--config", config}, 2, "learning_rate");
  put(config, "epochs = 3\nlr = [\n");
  expect_refusal({"train", "--config", config}, 2, "c.toml");
  expect_refusal({"train", "--config", (scratch / "none.toml").string()}, 1, "none.toml");
}

TEST(Model, PrintsTheLayerTable) {
  const Outcome text = frugal({"model", "smallnet"});
  EXPECT_EQ(text.code, 0);
  EXPECT_THAT(text.out, HasSubstr("996,376 parameters, 11.2M MACs"));
  const Outcome json = frugal({"model", "smallnet", "--classes", "10", "--json"});
  ASSERT_EQ(json_lines(json.out).size(), 1u);
  EXPECT_EQ(json_lines(json.out)[0]["parameters"], 996376 - 90 * 421);
  expect_refusal({"model", "smallnet", "--image-size", "4"}, 2, "pixels");
  expect_refusal({"model", "smallnet", "--classes", "0"}, 2, "--classes");
  expect_refusal({"model", "smallnet:depth=3"}, 2, "depth");
}

}  // namespace
}  // namespace frugal
