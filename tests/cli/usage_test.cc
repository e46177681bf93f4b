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
  expect_refusal({"model", "smallnet", "extra"}, 2, "extra");
  expect_refusal({"train", "--epochs"}, 2, "--epochs");
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
