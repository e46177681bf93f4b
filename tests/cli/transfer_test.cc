// Transfer from end to end: weights from elsewhere, frozen layers, teachers, tasks one after the other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "program.h"
#include "run_files.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Transfer : public testing::Test {
 protected:
  Transfer() {
    write_cifar100(scratch / "set", 256, 100);
    EXPECT_EQ(train("first", {}).code, 0);
  }
  std::vector<std::string> flags(const std::string& run, std::vector<std::string> more) const {
    if (std::ranges::find(more, "--model") == more.end()) {
      more.insert(more.end(), {"--model", "resnet20:width=0.5"});
    }
    return quick_train(scratch / "set", scratch / run, more);
  }
  Outcome train(const std::string& run, const std::vector<std::string>& more,
                const RunOptions& how = {}) const {
    return frugal(flags(run, more), how);
  }
  /// Trains until the second epoch, and then there is a Ctrl-C.
  Outcome stop_after_an_epoch(const std::string& run, const std::vector<std::string>& more,
                              const fs::path& directory = {}) const {
    bool sent = false;
    return train(run, more, {.directory = directory, .on_output = [&](const std::string& out, int pid) {
                               if (sent || out.find("Epoch [2/") == std::string::npos) return;
                               sent = true;
                               kill(pid, SIGINT);
                             }});
  }
  std::string path(const std::string& name) const { return (scratch / name).string(); }
  const TempDir scratch;
};

TEST_F(Transfer, KeptFeaturesGiveTheBitsOfThoseComputedAnew) {
  const std::vector<std::string> frozen = {"--from", path("first"), "--freeze", "*,!linear.*",      "--val",
                                           "0.25",   "--epochs",    "3",        "--validate-every", "1"};
  const Outcome kept = train("kept", frozen);
  ASSERT_EQ(kept.code, 0) << kept.err;
  EXPECT_THAT(kept.out,
              AllOf(HasSubstr("97 of 97 tensors"), HasSubstr("of them trainable"),
                    HasSubstr("kept what the frozen layers yield of 256 images (up to adaptive_avg_pool)")));
  std::vector<std::string> anew = frozen;
  anew.insert(anew.end(), {"--augment", "flip:0"});  // changes nothing, which nobody knows
  const Outcome other = train("anew", anew);
  EXPECT_THAT(other.out, Not(HasSubstr("kept what")));
  expect_same_run(scratch / "kept", scratch / "anew");
}

TEST_F(Transfer, FeaturesThatSaveLittleAreNotKept) {
  ASSERT_EQ(train("net", {"--model", "smallnet"}).code, 0);
  // Dropout behind the first block ends what is the same in every epoch.
  const Outcome outcome = train(
      "tuned", {"--model", "smallnet", "--from", path("net"), "--freeze", "*,!fc2.*", "--augment", "none"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, Not(HasSubstr("kept what")));
}

TEST_F(Transfer, FrozenWeightsStayAndTheHeadIsNew) {
  const Outcome outcome = train(
      "tuned", {"--from", path("first/best.safetensors"), "--select", "0-3", "--freeze", "*,!linear.*"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("95 of 97 tensors"), HasSubstr("linear.weight"),
                                 HasSubstr("in it: starts afresh")));
  const SafetensorsFile before = read_safetensors(scratch / "first/best.safetensors"),
                        after = read_safetensors(scratch / "tuned/best.safetensors");
  for (const TensorRecord& tensor : after.tensors) {
    if (tensor.name.starts_with("linear")) continue;
    EXPECT_TRUE(std::ranges::equal(tensor.data, before.find(tensor.name)->data)) << tensor.name;
  }
}

TEST_F(Transfer, GoesOnAfterCtrlCWithoutTheFileItBeganWith) {
  const std::vector<std::string> how = {
      "--from",       path("first"), "--loss", "ce + 0.1*l2sp",      "--freeze",
      "layer1.*@0.4", "--epochs",    "6",      "--checkpoint-every", "1steps"};
  ASSERT_EQ(train("whole", how).code, 0);
  ASSERT_EQ(stop_after_an_epoch("cut", how).code, 130);
  fs::rename(scratch / "first", scratch / "gone");
  const Outcome outcome = frugal({"resume", path("cut"), "--threads", "1"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  expect_same_run(scratch / "whole", scratch / "cut");
}

TEST_F(Transfer, GoesOnAsItsConfigurationFileSaid) {
  fs::create_directories(scratch / "configs");
  std::ofstream(scratch / "configs" / "tuned.toml")
      << "from = \"../first\"\nteacher = \"../first\"\nloss = \"ce + kd\"\n";
  const RunOptions here{.directory = scratch.path()};
  const std::vector<std::string> how = {"--config", "configs/tuned.toml", "--epochs",
                                        "6",        "--checkpoint-every", "1steps"};
  const Outcome whole = train("whole", how, here);
  ASSERT_EQ(whole.code, 0) << whole.err;
  ASSERT_EQ(stop_after_an_epoch("cut", how, scratch.path()).code, 130);
  const Outcome outcome = frugal({"resume", path("cut")});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  expect_same_run(scratch / "whole", scratch / "cut");
  const Outcome again = frugal({"train", "--config", "whole/config.toml", "--out", path("again")}, here);
  ASSERT_EQ(again.code, 0) << again.err;
  expect_same_run(scratch / "whole", scratch / "again");
}

TEST_F(Transfer, LearnsFromATeacher) {
  const Outcome outcome = train("student", {"--loss", "0.1*ce + 0.9*kd:T=4", "--teacher", path("first"),
                                            "--seed", "2", "--augment", "flip,crop:4"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Outcome without = train("alone", {"--loss", "0.1*ce", "--seed", "2", "--augment", "flip,crop:4"});
  ASSERT_EQ(without.code, 0);
  EXPECT_NE(timeless(scratch / "student/log.jsonl"), timeless(scratch / "alone/log.jsonl"));
  EXPECT_EQ(train("x", {"--loss", "ce + kd"}).code, 2);
  const Outcome other = train("y", {"--loss", "ce + kd", "--teacher", path("first"), "--select", "0-3"});
  EXPECT_EQ(other.code, 2);
  EXPECT_THAT(other.err, HasSubstr("was trained for other classes"));
}

TEST_F(Transfer, GoesOnWithTheTeacherThatItHad) {
  const std::vector<std::string> how = {"--loss",   "ce + kd", "--teacher",          path("first"),
                                        "--epochs", "6",       "--checkpoint-every", "1steps"};
  ASSERT_EQ(train("whole", how).code, 0);
  ASSERT_EQ(stop_after_an_epoch("cut", how).code, 130);
  fs::copy(scratch / "cut", scratch / "other", fs::copy_options::recursive);
  ASSERT_EQ(frugal({"resume", path("cut")}).code, 0);
  expect_same_run(scratch / "whole", scratch / "cut");

  fs::rename(scratch / "first", scratch / "gone");
  ASSERT_EQ(train("first", {"--seed", "7"}).code, 0);
  const Outcome refused = frugal({"resume", path("other")});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("the teacher (fingerprint)"));
}

TEST_F(Transfer, GoesOnWithTheFisherInformationThatItHad) {
  ASSERT_EQ(frugal({"fisher", path("first"), "--images", "20"}).code, 0);
  const std::vector<std::string> how = {"--loss",
                                        "ce + 0.1*ewc:from=fisher.safetensors",
                                        "--epochs",
                                        "6",
                                        "--from",
                                        path("first"),
                                        "--checkpoint-every",
                                        "1steps"};
  const fs::path directory = scratch / "first";
  const Outcome whole = train("whole", how, {.directory = directory});
  ASSERT_EQ(whole.code, 0) << whole.err;
  ASSERT_EQ(stop_after_an_epoch("cut", how, directory).code, 130);
  fs::remove(directory / "fisher.safetensors");
  const Outcome outcome = frugal({"resume", path("cut")});  // from another directory
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  expect_same_run(scratch / "whole", scratch / "cut");
}

TEST_F(Transfer, TasksOneAfterTheOther) {
  ASSERT_EQ(train("one", {"--task", "0-49"}).code, 0);
  // In fp32 whatever the run's precision was, which this processor need not have.
  const Outcome fisher = frugal({"fisher", path("one"), "--images", "20", "--json"},
                                {.environment = {"ONEDNN_MAX_CPU_ISA=AVX2"}});
  ASSERT_EQ(fisher.code, 0) << fisher.err;
  EXPECT_EQ(json_lines(fisher.out).at(0)["images"], 20);
  EXPECT_GT(json_lines(fisher.out).at(0)["trace"], 0);
  EXPECT_EQ(frugal({"fisher", path("one"), "--images", "20"}).code, 0) << "in place of the one before";
  const Outcome slip = frugal({"fisher", path("one"), "--out", path("one/best.safetensors")});
  EXPECT_EQ(slip.code, 2);
  EXPECT_THAT(slip.err, HasSubstr("best.safetensors exists already and is no file of frugal fisher"));
  const Outcome two = train("two", {"--task", "50-99", "--from", path("one"), "--loss", "ce + 100*ewc"});
  ASSERT_EQ(two.code, 0) << two.err;
  const auto evaluated = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = {"eval", path("two"), "--json"};
    all.insert(all.end(), more.begin(), more.end());
    return json_lines(frugal(all).out).at(0);
  };
  const auto masked = evaluated({"--task", "0-49"}), open = evaluated({"--task", "0-49", "--unmasked"});
  EXPECT_EQ(masked["samples"], open["samples"]);
  EXPECT_GE(masked["top1"], open["top1"]);
  EXPECT_EQ(masked["samples"].get<int>() + evaluated({})["samples"].get<int>(), 100);
  write_cifar100(scratch / "others", 120, 150);
  const auto others = evaluated({"--task", "0-49", "--data", path("others")});
  EXPECT_EQ(others["samples"], 100);  // of 150, the second half of the classes has 50
  EXPECT_GE(others["top1"], evaluated({"--task", "0-49", "--data", path("others"), "--unmasked"})["top1"]);
  EXPECT_THAT(frugal({"fisher", path("one"), "--images", "0"}).err, HasSubstr("--images must be at least 1"));
  std::filesystem::copy(scratch / "one/best.safetensors", scratch / "alone.safetensors");
  EXPECT_THAT(frugal({"fisher", path("alone.safetensors")}).err,
              HasSubstr("alone.safetensors has no config.toml, which says what it was trained on"));
  const Outcome missing = train("z", {"--from", path("first"), "--loss", "ce + ewc"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.err, HasSubstr("fisher.safetensors"));
}

TEST_F(Transfer, AHeadOfTwoDenseLayers) {
  const Outcome outcome =
      train("head", {"--from", path("first"), "--head", "32,100", "--freeze", "*,!linear.*"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("linear.0.weight"));
  EXPECT_EQ(frugal({"eval", path("head")}).code, 0);
  const Outcome wrong = train("wrong", {"--head", "32,50"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("must be the number of classes, 100"));
  EXPECT_EQ(train("none", {"--model", "squeezenet1_1", "--head", "32,100"}).code, 2);
}

TEST_F(Transfer, SaysWhatDoesNotFit) {
  const std::vector<uint8_t> numbers(16);
  const TensorRecord tensor{"foreign.weight", "F32", {2, 2}, numbers};
  write_safetensors(scratch / "foreign", {}, {&tensor, 1});
  const Outcome other = train("x", {"--from", path("foreign")});
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.err,
              AllOf(HasSubstr("none of its tensors fits resnet20"), HasSubstr("'foreign.weight' 2x2")));
  EXPECT_FALSE(fs::exists(scratch / "x"));
  EXPECT_EQ(train("x", {"--from", path("nowhere")}).code, 1);
  // A few tensors fit any network.
  const std::vector<uint8_t> eight(8 * sizeof(float));
  const TensorRecord bias{"bn1.bias", "F32", {8}, eight};
  write_safetensors(scratch / "few", {}, {&bias, 1});
  const Outcome few = train("few-run", {"--from", path("few")});
  EXPECT_EQ(few.code, 0);
  EXPECT_THAT(few.err,
              AllOf(HasSubstr("% of the weights of resnet20"), HasSubstr("is it of another network?")));
  EXPECT_THAT(train("all", {"--from", path("first")}).err, Not(HasSubstr("another network")));
  const Outcome pattern = train("x", {"--freeze", "classifier.*"});
  EXPECT_EQ(pattern.code, 2);
  EXPECT_THAT(pattern.err, HasSubstr("no parameter fits 'classifier.*'"));
}

}  // namespace
}  // namespace frugal
