#include "study/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "../temp_dir.h"
#include "base/columns.h"
#include "base/error.h"
#include "base/file.h"
#include "base/shell.h"

namespace frugal {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Table : public testing::Test {
 protected:
  Table() {
    study_.base = "plain";
    study_.variants = {{"plain", {}, 1, {1, 2, 3}}, {"a|<b>", {{"--lr", "1"}}, 2, {1, 2, 3}}};
    for (const Variant& variant : study_.variants) {
      runs_.emplace_back();
      for (const int64_t seed : variant.seeds) {
        runs_.back().push_back(plan_run(study_, variant, seed, 1, "out", false));
      }
    }
  }
  void finish(size_t variant, size_t seed, double val, double test) {
    const PlannedRun& run = runs_[variant][seed];
    nlohmann::ordered_json result = {{"params", 1234},
                                     {"epochs", 10},
                                     {"val", {{"top1", val}}},
                                     {"test", {{"top1", test}}},
                                     {"timing", {{"wall_seconds", 30.0 + static_cast<double>(seed)}}}};
    if (val < 0) result["val"]["top1"] = nullptr;
    results_.add({run.name, run.variant, run.seed, 1, "frugal train", false, result});
  }
  std::string text(TableFormat format = TableFormat::text, size_t width = 0) {
    return render(make_table(study_, runs_, results_), format, width);
  }
  Study study_;
  std::vector<std::vector<PlannedRun>> runs_;
  const TempDir scratch_;
  Results results_{scratch_ / "results.jsonl"};
};

TEST_F(Table, MeansDeviationsAndPairedDifferences) {
  const double val[2][3] = {{0.50, 0.52, 0.54}, {0.53, 0.54, 0.58}};
  for (size_t seed = 0; seed < 3; ++seed) {
    finish(0, seed, val[0][seed], 0.4);
    finish(1, seed, val[1][seed], 0.3 + 0.1 * static_cast<double>(seed));
  }
  const StudyTable table = make_table(study_, runs_, results_);
  EXPECT_EQ(table.missing, 0);
  EXPECT_EQ(table.chosen, "a|<b>");
  EXPECT_NEAR(table.rows[0].val.mean, 0.52, 1e-12);
  EXPECT_NEAR(table.rows[0].val.deviation, 0.02, 1e-12);
  EXPECT_FALSE(table.rows[0].val.gain);
  const Interval gain = *table.rows[1].val.gain;  // of 0.03, 0.02, 0.04
  EXPECT_NEAR(gain.mean, 0.03, 1e-12);
  EXPECT_NEAR(gain.high - gain.mean, 4.30265272991 * 0.01 / std::sqrt(3.0), 1e-9);
  EXPECT_NEAR(table.rows[1].test.mean, 0.4, 1e-12);
  EXPECT_DOUBLE_EQ(table.rows[1].seconds, 31);
  EXPECT_EQ(table.rows[1].parameters, 1234);
  EXPECT_THAT(text(),
              AllOf(HasSubstr("a|<b> *"), HasSubstr("52.00 ± 2.00"), HasSubstr("+3.00 [+0.52, +5.48]"),
                    HasSubstr("test"), HasSubstr("40.00 ± 10.00")));
}

/// What has seen the test cannot choose by it.
TEST_F(Table, TheTestIsShownWhenAllHaveFinished) {
  for (size_t seed = 0; seed < 3; ++seed) finish(0, seed, 0.5, 0.123);
  finish(1, 0, 0.6, 0.321);
  for (const TableFormat format :
       {TableFormat::text, TableFormat::markdown, TableFormat::csv, TableFormat::html}) {
    EXPECT_THAT(text(format),
                AllOf(Not(HasSubstr("12.30")), Not(HasSubstr("0.123")), Not(HasSubstr("32.1"))));
  }
  EXPECT_THAT(text(), AllOf(HasSubstr("2 runs have not finished"), Not(HasSubstr(" *"))));
  finish(1, 1, 0.6, 0.321);
  finish(1, 2, 0.6, 0.321);
  EXPECT_THAT(text(), AllOf(HasSubstr("12.30"), HasSubstr("32.10")));
}

TEST_F(Table, ANarrowTerminalLosesWhatMattersLeast) {
  for (size_t seed = 0; seed < 3; ++seed) {
    finish(0, seed, 0.5, 0.5);
    finish(1, seed, 0.25, 0.25);
  }
  const auto head = [&](size_t width) {
    const std::string table = text(TableFormat::text, width);
    return table.substr(0, table.find('\n'));
  };
  const size_t whole = head(0).size();
  EXPECT_EQ(head(whole), head(0));
  EXPECT_THAT(head(whole - 1),
              AllOf(Not(HasSubstr("seconds")), HasSubstr("epochs"), HasSubstr("parameters")));
  EXPECT_THAT(head(60), AllOf(Not(HasSubstr("epochs")), Not(HasSubstr("parameters")), HasSubstr("validation"),
                              HasSubstr("test")));
}

TEST_F(Table, LinesFitATerminalOf80) {
  study_.base = study_.variants[0].name = "a base of forty characters, or a few more";
  study_.title = "A title that is longer than a line of a terminal of eighty characters, which are the usual";
  for (PlannedRun& run : runs_[0]) run.variant = study_.base;
  for (size_t seed = 0; seed < 3; ++seed) {
    finish(0, seed, 0.5, 0.5);
    EXPECT_LE(widest_line(text(TableFormat::text, 80)), 80u);
  }
  for (size_t seed = 0; seed < 3; ++seed) finish(1, seed, 0.1 + 0.2 * static_cast<double>(seed), 0.25);
  EXPECT_LE(widest_line(text(TableFormat::text, 80)), 80u);
  EXPECT_THAT(text(TableFormat::text, 80), AllOf(HasSubstr("over base"), HasSubstr("test")));
}

TEST_F(Table, UnequalLimitsAreSaid) {
  for (size_t seed = 0; seed < 3; ++seed) finish(0, seed, 0.5, 0.5);
  const PlannedRun& run = runs_[1][0];
  const auto limited = [&](const PlannedRun& planned, double seconds) {
    results_.add({planned.name,
                  planned.variant,
                  planned.seed,
                  1,
                  "frugal train",
                  false,
                  {{"test", nullptr}, {"timing", {{"limit_seconds", seconds}}}}});
  };
  study_.variants[1].flags.clear();
  limited(run, 60);
  limited(runs_[1][1], 70);
  EXPECT_THAT(text(), Not(HasSubstr("The study gave")));
  limited(runs_[1][2], 120);
  EXPECT_THAT(text(), HasSubstr("The study gave its runs between 1m00s and 2m00s"));
  study_.variants[1].flags["--max-time"] = "2m";  // the study had none then: the variants are about that
  EXPECT_THAT(text(), Not(HasSubstr("The study gave")));
  study_.variants[1].flags["--max-time"] = "1h";  // which the study's own took the place of
  EXPECT_THAT(text(), HasSubstr("The study gave"));
}

TEST_F(Table, EveryFormatEscapesItsOwn) {
  for (size_t seed = 0; seed < 3; ++seed) {
    finish(0, seed, 0.5, 0.5);
    finish(1, seed, 0.25, 0.25);
  }
  study_.title = "T & <T>";
  EXPECT_THAT(text(TableFormat::markdown), AllOf(HasSubstr("## T & <T>\n"), HasSubstr("| a\\|<b> |")));
  EXPECT_THAT(text(TableFormat::html), AllOf(HasSubstr("<h1>T &amp; &lt;T&gt;</h1>"),
                                             HasSubstr("a|&lt;b&gt;"), HasSubstr("class=\"chosen\"")));
  const std::string csv = text(TableFormat::csv);
  EXPECT_THAT(csv, HasSubstr("\na|<b>,1,3,1234,10,31,0.25,0,-0.25,-0.25,-0.25,"));
  const std::string head = csv.substr(0, csv.find('\n')), last = csv.substr(csv.rfind('\n', csv.size() - 2));
  EXPECT_EQ(std::ranges::count(head, ','), std::ranges::count(last, ','));
}

TEST_F(Table, WithoutValidationNothingIsChosen) {
  for (size_t seed = 0; seed < 3; ++seed) {
    finish(0, seed, -1, 0.5);
    finish(1, seed, -1, 0.4 + 0.05 * static_cast<double>(seed));
  }
  const StudyTable table = make_table(study_, runs_, results_);
  EXPECT_EQ(table.chosen, "");
  EXPECT_TRUE(std::isnan(table.rows[1].val.mean));
  EXPECT_FALSE(table.rows[1].val.gain);
  EXPECT_NEAR(table.rows[1].test.gain->mean, -0.05, 1e-12);
}

TEST_F(Table, WhatWasGivenUpIsNotChosen) {
  for (size_t seed = 0; seed < 3; ++seed) finish(0, seed, 0.5, 0.5);
  for (PlannedRun& run : runs_[1]) run.part = 2;
  finish(1, 0, 0.6, 0.6);
  EXPECT_EQ(make_table(study_, runs_, results_).missing, 2) << "of its own rung";
  EXPECT_EQ(make_table(study_, runs_, results_).chosen, "");
  finish(1, 1, 0.6, 0.6);
  finish(1, 2, 0.6, 0.6);
  EXPECT_EQ(make_table(study_, runs_, results_).missing, 0);
  EXPECT_EQ(make_table(study_, runs_, results_).chosen, study_.base);
}

TEST_F(Table, TwoStudiesMayShareARecord) {
  Results other(scratch_ / "results.jsonl");
  finish(0, 0, 0.5, 0.25);
  RunRecord record = results_.all().at(0);
  other.add(record);  // of the same run: it was done twice at once
  EXPECT_EQ(Results(scratch_ / "results.jsonl").all().size(), 1u);
  record.run = "another";
  other.add(record);
  EXPECT_NE(other.find(runs_[0][0].name), nullptr);
  finish(0, 1, 0.5, 0.25);
  EXPECT_EQ(Results(scratch_ / "results.jsonl").all().size(), 3u);
}

TEST_F(Table, ResultsComeBackFromTheirFile) {
  finish(0, 0, 0.5, 0.25);
  const Results again(scratch_ / "results.jsonl");
  ASSERT_EQ(again.all().size(), 1u);
  const RunRecord* record = again.find(runs_[0][0].name);
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(record->variant, "plain");
  EXPECT_EQ(record->seed, 1);
  EXPECT_EQ(record->result["test"]["top1"], 0.25);
  EXPECT_EQ(again.find("other"), nullptr);
  write_file_atomic(scratch_ / "results.jsonl",
                    read_text_file(scratch_ / "results.jsonl") + "{\"variant\":1}\n");
  try {
    Results broken(scratch_ / "results.jsonl");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("results.jsonl:2: this is no record"));
  }
}

TEST(PlanRuns, ARunIsNamedByEverythingThatItIsGiven) {
  Study study;
  study.variants = {{"+ Flip!", {{"--lr", "0.1"}, {"--coarse", "true"}, {"--skip-bad", "false"}}, 1, {1}},
                    {"tuned", {{"--from", "@+ Flip!"}}, 2, {1, 7}}};
  const PlannedRun run = plan_run(study, study.variants[0], 1, 1, "out", false);
  EXPECT_EQ(shell_line(run.flags), "--coarse --lr 0.1 --seed 1");
  EXPECT_TRUE(run.name.starts_with("Flip-1-")) << run.name;
  EXPECT_NE(plan_run(study, study.variants[0], 2, 1, "out", false).name, run.name);
  EXPECT_EQ(plan_run(study, study.variants[0], 1, 1, "elsewhere", false).name, run.name);
  const PlannedRun tuned = plan_run(study, study.variants[1], 1, 1, "out", false);
  EXPECT_EQ(shell_line(tuned.flags), "--from out/runs/" + run.name + " --seed 1");
  EXPECT_THAT(tuned.needs, testing::ElementsAre(run.name));
  EXPECT_THAT(plan_run(study, study.variants[1], 7, 1, "out", false).needs, testing::ElementsAre(run.name))
      << "which has no seed 7";
  study.variants[0].flags["--lr"] = "0.2";
  EXPECT_NE(plan_run(study, study.variants[0], 1, 1, "out", false).name, run.name);
  EXPECT_NE(plan_run(study, study.variants[1], 1, 1, "out", false).name, tuned.name)
      << "what it begins with changed";
  study.split_by_seed = true;
  EXPECT_THAT(shell_line(plan_run(study, study.variants[0], 7, 1, "out", false).flags),
              HasSubstr("--seed 7 --split-seed 7"));
}

TEST(PlanRuns, FilesAreToldApartByWhatTheyHold) {
  const TempDir dir;
  const auto name_of = [&](const std::string& flag, const std::string& content, const std::string& file,
                           const std::string& more = "") {
    const std::filesystem::path path = dir / file;
    write_file_atomic(path, content);
    Study study;
    study.variants = {{"v", {{flag, path.string() + more}}, 1, {1}}};
    return plan_run(study, study.variants[0], 1, 1, "out", false).name;
  };
  const std::string name = name_of("--model", "one", "a.toml");
  EXPECT_EQ(name_of("--model", "one", "elsewhere.toml"), name);
  EXPECT_NE(name_of("--model", "two", "b.toml"), name);
  EXPECT_NE(name_of("--model", "one", "c.toml", ":width=96"), name);
  const std::string from = name_of("--from", "one", "a.pth");
  EXPECT_EQ(name_of("--from", "one", "b.pth"), from);
  EXPECT_NE(name_of("--from", "two", "c.pth"), from);
  const auto of_run = [&](const std::string& content, const std::string& run) {
    std::filesystem::create_directories(dir / run);
    write_file_atomic(dir / run / "best.safetensors", content);
    Study study;
    study.variants = {{"v", {{"--teacher", (dir / run).string()}}, 1, {1}}};
    return plan_run(study, study.variants[0], 1, 1, "out", false).name;
  };
  EXPECT_EQ(of_run("one", "a"), of_run("one", "b"));
  EXPECT_NE(of_run("one", "a"), of_run("two", "c"));
  const auto of_loss = [&](const std::string& content, const std::string& file) {
    write_file_atomic(dir / file, content);
    Study study;
    study.variants = {{"v", {{"--loss", "ce + ewc:from=" + (dir / file).string()}}, 1, {1}}};
    return plan_run(study, study.variants[0], 1, 1, "out", false).name;
  };
  EXPECT_EQ(of_loss("one", "a.fisher"), of_loss("one", "b.fisher"));
  EXPECT_NE(of_loss("one", "a.fisher"), of_loss("two", "c.fisher"));
  const auto beside = [&](const std::string& content, const std::string& run) {
    std::filesystem::create_directories(dir / run);
    write_file_atomic(dir / run / "best.safetensors", "weights");
    write_file_atomic(dir / run / "fisher.safetensors", content);
    Study study;
    study.variants = {{"v", {{"--loss", "ce + ewc"}, {"--from", (dir / run).string()}}, 1, {1}}};
    return plan_run(study, study.variants[0], 1, 1, "out", false).name;
  };
  EXPECT_EQ(beside("one", "d"), beside("one", "e"));
  EXPECT_NE(beside("one", "d"), beside("two", "f"));
}

TEST(PlanRuns, PartsAreOfEpochsAndTime) {
  Study study;
  study.variants = {{"v", {{"--epochs", "10"}, {"--max-time", "1h"}}, 1, {1}}};
  const PlannedRun run = plan_run(study, study.variants[0], 1, 4, "out", false);
  EXPECT_EQ(shell_line(run.flags), "--epochs 3 --max-time 900s --seed 1");
  EXPECT_THAT(run.name, HasSubstr("part4"));
  EXPECT_EQ(shell_line(plan_run(study, study.variants[0], 1, 1, "out", true).flags), "--epochs 10 --seed 1");
}

}  // namespace
}  // namespace frugal
