// Reports from end to end: one file that needs nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "program.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Report : public testing::Test {
 protected:
  Report() {
    write_cifar100(scratch / "set", 256, 100);
    train("one", "1");
    train("two", "2");
  }
  void train(const char* run, const char* seed) const {
    const Outcome outcome = frugal(quick_train(scratch / "set", scratch / run,
                                               {"--val", "0.25", "--seed", seed, "--schedule", "linear"}));
    ASSERT_EQ(outcome.code, 0) << outcome.err;
  }
  std::string path(const char* name) const { return (scratch / name).string(); }
  /// What the page's script draws from.
  static nlohmann::json data_of(const std::string& page) {
    const std::string begin = "<script id=\"data\" type=\"application/json\">";
    const size_t first = page.find(begin) + begin.size();
    return nlohmann::json::parse(page.substr(first, page.find("</script>", first) - first));
  }
  const TempDir scratch;
};

TEST_F(Report, WritesOverPagesAlone) {
  const std::string weights = read_text(scratch / "one/last.safetensors");
  const Outcome refused = frugal({"report", path("one"), "--out", path("one/last.safetensors")});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("last.safetensors exists already and is no HTML page"));
  EXPECT_TRUE(weights == read_text(scratch / "one/last.safetensors"));
  EXPECT_EQ(frugal({"report", path("one"), "--no-test"}).code, 0);
  EXPECT_EQ(frugal({"report", path("one"), "--no-test"}).code, 0) << "one page in place of another";
}

TEST_F(Report, IsOneFileThatFetchesNothing) {
  const Outcome outcome = frugal({"report", path("one")});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const std::string page = read_text(scratch / "one/report.html");
  EXPECT_LT(page.size(), 1'500'000u);
  for (const char* fetching :
       {"src=\"http", "href=", "url(", "@import", "fetch(", "XMLHttpRequest", "import("}) {
    EXPECT_EQ(page.find(fetching), std::string::npos) << fetching;
  }
  EXPECT_EQ(page.find("{{"), std::string::npos);
  const auto run = data_of(page)["runs"][0];
  const auto result = nlohmann::json::parse(read_text(scratch / "one/result.json"));
  EXPECT_EQ(run["result"], result);
  EXPECT_EQ(run["history"]["epoch"].size(), result["epochs"].get<size_t>());
  EXPECT_EQ(run["test"]["images"], 100);
  EXPECT_NEAR(run["test"]["top1"].get<double>() / 100, result["test"]["top1"].get<double>(), 1e-12);
  EXPECT_EQ(run["test"]["names"].size(), 100u);
  EXPECT_EQ(run["test"]["superclass_of"].size(), 100u);
  EXPECT_EQ(run["test"]["bins"].size(), 15u);
  EXPECT_GT(run["test"]["mistakes"].size(), 5u);
  for (const auto& mistake : run["test"]["mistakes"]) {
    EXPECT_NE(mistake["label"], mistake["guesses"][0][0]);
    EXPECT_EQ(mistake["guesses"].size(), 5u);
    EXPECT_TRUE(mistake["png"].get<std::string>().starts_with("data:image/png;base64,iVBORw0KGgo"));
  }
  EXPECT_THAT(
      run["command"].get<std::string>(),
      AllOf(HasSubstr("frugal train --data"), HasSubstr("--schedule linear"), Not(HasSubstr("--momentum"))));
}

TEST_F(Report, OverlaysRunsAndDoesWithoutTheirData) {
  const Outcome outcome = frugal({"report", path("one"), path("two"), "--out", path("r.html"), "--title",
                                  "</script><b>{{data}}", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const std::string page = read_text(scratch / "r.html");
  EXPECT_EQ(json_lines(outcome.out).at(0)["bytes"], page.size());
  EXPECT_EQ(data_of(page)["runs"].size(), 2u);
  EXPECT_EQ(data_of(page)["title"], "</script><b>{{data}}");
  EXPECT_THAT(page, HasSubstr("<title>&lt;/script&gt;&lt;b&gt;{{data}}</title>"));

  fs::rename(scratch / "set", scratch / "gone");
  const Outcome without = frugal({"report", path("one")});
  EXPECT_EQ(without.code, 0);
  EXPECT_THAT(without.err, HasSubstr("without test images"));
  EXPECT_TRUE(data_of(read_text(scratch / "one/report.html"))["runs"][0]["test"].is_null());
  EXPECT_EQ(frugal({"report", path("one"), "--no-test"}).err, "");
}

TEST_F(Report, ARunWithoutAnEpochSpoilsNothing) {
  fs::copy(scratch / "two", scratch / "cut", fs::copy_options::recursive);
  fs::remove(scratch / "cut/log.jsonl");
  fs::remove(scratch / "cut/result.json");
  const std::string title = "\xC3\x84pfel & \xC3\x96l";
  ASSERT_EQ(frugal({"report", path("cut"), path("one"), "--out", path("r.html"), "--title", title}).code, 0);
  const std::string page = read_text(scratch / "r.html");
  const auto runs = data_of(page)["runs"];
  EXPECT_EQ(runs[0]["history"]["epoch"], nlohmann::json::array());
  EXPECT_FALSE(runs[1]["history"]["val_top1"].empty());
  EXPECT_THAT(page, HasSubstr("<h1>\xC3\x84pfel &amp; \xC3\x96l</h1>"));
}

/// What one run left half written costs no more than that.
TEST_F(Report, DamageOfOneRunSpoilsNothingElse) {
  fs::create_directory(scratch / "bare");
  fs::copy(scratch / "two/config.toml", scratch / "bare/config.toml");
  const Outcome without = frugal({"report", path("bare"), path("one"), "--out", path("r.html")});
  EXPECT_EQ(without.code, 0);
  EXPECT_THAT(without.err, HasSubstr(path("bare") + " is left out of the report: " + path("bare") +
                                     ": neither best.safetensors nor last.safetensors"));
  EXPECT_EQ(data_of(read_text(scratch / "r.html"))["runs"].size(), 1u);
  const Outcome alone = frugal({"report", path("bare")});
  EXPECT_EQ(alone.code, 1);
  EXPECT_THAT(alone.err, HasSubstr("neither best.safetensors nor"));

  std::ofstream(scratch / "one/log.jsonl", std::ios::app) << "{\"event\":\"rollback\"}\n{\"epoch\":";
  std::ofstream(scratch / "one/result.json") << "{\"params";
  const size_t lines = json_lines(read_text(scratch / "two/log.jsonl")).size();
  const Outcome torn = frugal({"report", path("one")});
  EXPECT_EQ(torn.code, 0);
  EXPECT_THAT(torn.err, AllOf(HasSubstr("result.json is damaged"), Not(HasSubstr("curves"))));
  const auto run = data_of(read_text(scratch / "one/report.html"))["runs"][0];
  EXPECT_TRUE(run["result"].is_null());
  EXPECT_EQ(run["test"]["images"], 100);
  EXPECT_EQ(run["history"]["epoch"].size(), lines);
  std::ofstream(scratch / "one/log.jsonl", std::ios::app) << "\n";
  EXPECT_THAT(frugal({"report", path("one")}).err,
              AllOf(HasSubstr("without a run's curves"),
                    HasSubstr("log.jsonl:" + std::to_string(lines + 2) + ": no line of a run's log")));
}

TEST_F(Report, TellsWhatRanWhereAndWhatRepeatsIt) {
  ASSERT_EQ(frugal(quick_train(scratch / "set", scratch / "timed", {"--max-time", "60s"})).code, 0);
  ASSERT_EQ(frugal({"report", path("one"), path("timed"), "--no-test", "--out", path("r.html")}).code, 0);
  const auto runs = data_of(read_text(scratch / "r.html"))["runs"];
  EXPECT_FALSE(runs[0]["replays"]);
  EXPECT_TRUE(runs[1]["replays"]);
  EXPECT_THAT(frugal({"--version"}).out, HasSubstr(runs[0]["result"]["processor"].get<std::string>()));
}

TEST_F(Report, SeveralRunsShareThePictures) {
  ASSERT_EQ(frugal({"report", path("one"), path("two"), "--out", path("r.html")}).code, 0);
  for (const auto& run : data_of(read_text(scratch / "r.html"))["runs"])
    EXPECT_EQ(run["test"]["mistakes"].size(), 9u);
}

/// The command that a report shows repeats the run.
TEST_F(Report, TheCommandRepeatsTheRun) {
  ASSERT_EQ(frugal({"report", path("one"), "--no-test"}).code, 0);
  const std::string command = data_of(read_text(scratch / "one/report.html"))["runs"][0]["command"];
  const std::string program = FRUGAL_PROGRAM;
  const int status = std::system(
      ("'" + program + "'" + command.substr(6) + " --quiet --out " + path("again") + " > /dev/null 2>&1")
          .c_str());
  ASSERT_EQ(status, 0) << command;
  EXPECT_EQ(read_text(scratch / "again/config.toml"), read_text(scratch / "one/config.toml"));
}

TEST_F(Report, MistakesAreNamed) {
  EXPECT_THAT(frugal({"report", path("set")}).err, HasSubstr("is not a run's directory"));
  EXPECT_THAT(frugal({"report", path("typo")}).err, HasSubstr(path("typo") + " is not a run's directory"));
  EXPECT_EQ(frugal({"report"}).code, 2);
  const Outcome threads = frugal({"report", path("one"), path("two"), "--threads", "x"});
  EXPECT_EQ(threads.code, 2);
  EXPECT_THAT(threads.err, HasSubstr("frugal: --threads"));
  std::vector<std::string> many = {"report"};
  many.resize(52, path("one"));
  EXPECT_THAT(frugal(many).err, HasSubstr("51 runs are more than anyone can read; the most is 50"));
}

}  // namespace
}  // namespace frugal
