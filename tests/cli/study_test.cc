// A study from end to end, with the program's own runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "base/file_lock.h"
#include "program.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class StudyCommand : public testing::Test {
 protected:
  StudyCommand() { write_cifar100(scratch / "set", 256, 100); }
  /// A study of quick runs.
  void write(const std::string& variants, const std::string& epochs = "1") const {
    std::ofstream(scratch / "s.toml") << "seeds = [1, 2]\n[settings]\ndata = \"" << (scratch / "set").string()
                                      << "\"\nmodel = \"resnet20:width=0.25\"\nepochs = " << epochs
                                      << "\nval = 0.25\nshard = 8\nbatch = 32\n"
                                      << variants;
  }
  Outcome study(std::vector<std::string> more = {}, const RunOptions& how = {}) const {
    std::vector<std::string> all = {"study", (scratch / "s.toml").string(), "--out",
                                    (scratch / "out").string()};
    all.insert(all.end(), more.begin(), more.end());
    return frugal(all, how);
  }
  std::string refusal(const std::string& variants) const {
    write(variants);
    const Outcome outcome = study();
    EXPECT_EQ(outcome.code, 2) << outcome.err;
    EXPECT_FALSE(fs::exists(scratch / "out"));
    return outcome.err;
  }
  const TempDir scratch;
};

TEST_F(StudyCommand, RunsComparesAndDoesNothingTwice) {
  write(
      "[[variant]]\nname = \"plain\"\n[[variant]]\nname = \"flip\"\naugment = \"flip\"\n[[variant]]\n"
      "name = \"tuned\"\nfrom = \"@plain\"\n");
  const Outcome outcome = study({"--jobs", "2"});
  ASSERT_EQ(outcome.code, 0) << outcome.err << outcome.out;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("run 6 of 6: "), HasSubstr("tuned, seed 2: validation "),
                                 HasSubstr("over plain"), HasSubstr("the best by validation")));
  const Outcome again = study({"--json"});
  ASSERT_EQ(again.code, 0) << again.err;
  const auto lines = json_lines(again.out);
  ASSERT_EQ(lines.size(), 1u) << "only the table";
  EXPECT_EQ(lines[0]["rows"].size(), 3u);
  EXPECT_EQ(lines[0]["rows"][1]["variant"], "flip");
  EXPECT_EQ(lines[0]["rows"][1]["runs"], 2);
  EXPECT_EQ(lines[0]["missing"], 0);
  EXPECT_TRUE(lines[0]["shared"]);
  EXPECT_EQ(again.out.find("nan"), std::string::npos);

  // The record alone is enough, and a run of its own repeats what the record says.
  fs::remove_all(scratch / "out/runs");
  const Outcome csv = study({"--table", "--format", "csv"});
  EXPECT_THAT(csv.out, HasSubstr("\ntuned,1,2,"));
  EXPECT_FALSE(fs::exists(scratch / "out/runs"));
  EXPECT_EQ(csv.out, read_text(scratch / "out/table.csv"));
  const auto record = json_lines(read_text(scratch / "out/results.jsonl")).at(0);
  EXPECT_THAT(record["command"], AllOf(HasSubstr("frugal train "), HasSubstr("--batch 32 --data")));
}

TEST_F(StudyCommand, AFailedRunIsReportedAndTheRestIsDone) {
  write(
      "[[variant]]\nname = \"wild\"\nlr = 1e30\nschedule = \"constant\"\nepochs = 4\n[[variant]]\nname = "
      "\"tame\"\n");
  const Outcome outcome = study();
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("wild, seed 1 failed: "), HasSubstr("at learning rate 1e+30"),
                                 HasSubstr("2 runs failed; see the logs in")));
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("tame, seed 2: validation"), HasSubstr("2 runs have not finished")));
}

TEST_F(StudyCommand, WhoIsGivenUpIsSaid) {
  write("[[variant]]\nname = \"tame\"\n[[variant]]\nname = \"wild\"\nlr = 1e-6\n", "2");
  const std::string file = read_text(scratch / "s.toml");
  std::ofstream(scratch / "s.toml") << "halving = 2\n" << file;
  const Outcome outcome = study();
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("wild, seed 2, 1/2 of it: validation "),
                                 HasSubstr("given up after 1/2 of the work: wild"),
                                 HasSubstr("wild (given up after 1/2)")));
  const auto table = json_lines(study({"--table", "--json"}).out).at(0);
  EXPECT_TRUE(table["rows"][0].contains("test"));
  EXPECT_FALSE(table["rows"][1].contains("test")) << "it has not seen all that the others have";
  EXPECT_EQ(table["rows"][1]["finished"].size(), 2u);
}

TEST_F(StudyCommand, TimeThatIsOverIsSaid) {
  write("[[variant]]\nname = \"a\"\n");
  const Outcome outcome = study({"--max-time", "1.5s"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("time was over before all runs were begun; the same command goes on"));
}

class StoppedStudy : public StudyCommand {
 protected:
  /// Stopped by `signal` in its first run, it saves that and goes on with it.
  void goes_on_after(int signal, RunOptions options);
};

void StoppedStudy::goes_on_after(int signal, RunOptions options) {
  write("[[variant]]\nname = \"a\"\n", "20");
  bool sent = false;
  options.on_output = [&](const std::string& out, int pid) {
    if (sent || out.find("run 1 of 2") == std::string::npos) return;
    sent = true;
    std::string log;  // until it has saved once
    for (int i = 0; i < 2000 && log.find("Epoch [2/") == std::string::npos; ++i) {
      usleep(5000);
      for (const auto& entry : fs::directory_iterator(scratch / "out/runs")) {
        if (entry.path().extension() == ".log") log = read_text(entry.path());
      }
    }
    kill(pid, signal);
  };
  const Outcome stopped = study({}, options);
  ASSERT_EQ(stopped.code, 128 + signal) << stopped.err;
  EXPECT_THAT(stopped.out, HasSubstr("2 runs have not finished"));
  write("[[variant]]\nname = \"a\"\n", "20");
  const Outcome outcome = study({"--max-time", "none"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("run 1 of 2: a, seed 1, which goes on"), HasSubstr("run 2 of 2: a, seed 2\n")));
}

TEST_F(StoppedStudy, GoesOnAfterCtrlC) { goes_on_after(SIGINT, {}); }

TEST_F(StoppedStudy, GoesOnAfterATerminationInTheBackground) {
  // A script's background jobs ignore Ctrl-C, and so do the runs that they start.
  goes_on_after(SIGTERM, {.ignores_interrupt = true});
}

TEST_F(StudyCommand, TheTablesAreWrittenForNobodyToo) {
  write("");
  RunOptions options;
  options.leaves_after = "run 1 of 2";
  const Outcome outcome = study({}, options);
  EXPECT_EQ(outcome.code, 1) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("cannot write to standard output"));
  for (const char* name : {"table.md", "table.csv", "table.html"})
    EXPECT_THAT(read_text(scratch / "out" / name), HasSubstr("base"));
}

TEST_F(StudyCommand, TwoDoNotWorkInOneDirectory) {
  write("");
  fs::create_directories(scratch / "out");
  FileLock other(scratch / "out/lock");
  ASSERT_TRUE(other.try_lock());
  const Outcome refused = study();
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("another frugal study is at work there"));
}

TEST_F(StudyCommand, TheTableOfALimitedStudyNeedsNoLimit) {
  write("[[variant]]\nname = \"a\"\n");
  ASSERT_EQ(study({"--max-time", "60s"}).code, 0);
  EXPECT_EQ(json_lines(study({"--table", "--json"}).out).at(0)["missing"], 0);
}

TEST_F(StudyCommand, ARecordThatCannotBeWrittenIsToldOfFirst) {
  write("");
  const Outcome refused = study({"--results", (scratch / "none/r.jsonl").string()});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("none/r.jsonl"));
  EXPECT_FALSE(fs::exists(scratch / "out/runs"));
}

TEST_F(StudyCommand, MistakesAreFoundBeforeAnythingIsTrained) {
  EXPECT_THAT(refusal("[[variant]]\nname = \"a\"\nepoch = 3\n"),
              AllOf(HasSubstr("s.toml:9: "), HasSubstr("no flag --epoch; did you mean --epochs?")));
  EXPECT_THAT(refusal("[[variant]]\nname = \"a\"\nschedule = \"moon\"\n"),
              AllOf(HasSubstr("s.toml:9: 'a': "), HasSubstr("moon")));
  EXPECT_THAT(refusal("[[variant]]\nname = \"a\"\ncoarse = 3\n"), HasSubstr("coarse must be true or false"));
  std::ofstream(scratch / "s.toml")
      << "halving = 2\n[settings]\nval = 0\n[[variant]]\nname = \"a\"\nepochs = 4\n";
  EXPECT_THAT(study().err, HasSubstr("s.toml:4: 'a': halving keeps the best by validation"));
  EXPECT_THAT(refusal("[[variant]]\nname = \"a\"\nmax_params = \"many\"\n"), HasSubstr("--max-params"));
  write("");
  EXPECT_THAT(study({"--jobs", "0"}).err, HasSubstr("--jobs must be 1 to 1024"));
  EXPECT_THAT(study({"--format", "xml"}).err, HasSubstr("there are text, markdown, csv and html"));
  EXPECT_THAT(study({"--format", "csv", "--json"}).err, HasSubstr("leave one of the two out"));
  EXPECT_THAT(frugal({"study", (scratch / "none.toml").string()}).err, HasSubstr("none.toml"));
}

/// The studies that come with the project are whole.
TEST(Studies, AreUnderstood) {
  for (const auto& entry : fs::directory_iterator(fs::path(FRUGAL_SOURCE_DIR) / "studies")) {
    if (entry.path().extension() != ".toml") continue;
    const TempDir scratch;
    const Outcome outcome =
        frugal({"study", entry.path().string(), "--table", "--out", scratch.path().string()},
               {.environment = {"FRUGAL_DATA=/data"}});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_THAT(outcome.out, Not(HasSubstr("nan")));
  }
}

}  // namespace
}  // namespace frugal
