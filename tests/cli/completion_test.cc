// Completions are asked as a shell asks them, manual pages are set as man sets them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "program.h"

namespace frugal {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

/// What a shell command prints, and nothing where it fails.
std::string output_of(const std::string& command, int& code) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::string text;
  char buffer[4096];
  while (const size_t got = fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, got);
  const int status = pclose(pipe);
  code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return text;
}

bool has(const char* program) {
  int code = 0;
  output_of(std::string("command -v ") + program, code);
  return code == 0;
}

class Completion : public testing::Test {
 protected:
  std::filesystem::path script(const std::string& shell) {
    std::filesystem::path path = scratch / shell;
    const Outcome outcome = frugal({"completion", shell});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    std::ofstream(path) << outcome.out;
    return path;
  }
  /// What bash offers for the last of the words.
  std::vector<std::string> offers(const std::vector<std::string>& words) {
    std::string list, text = "source " + script("bash").string() + "; COMP_WORDS=(";
    for (const std::string& word : words) text += "'" + word + "' ";
    text +=
        "); COMP_CWORD=" + std::to_string(words.size() - 1) + "; _frugal; printf '%s\\n' \"${COMPREPLY[@]}\"";
    std::ofstream(scratch / "ask.sh") << text << "\n";
    int code = 0;
    std::istringstream lines(output_of("cd " + scratch.path().string() + "; bash ask.sh", code));
    std::vector<std::string> found;
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty()) found.push_back(line);
    }
    return found;
  }
  const TempDir scratch;
};

TEST_F(Completion, BashKnowsCommandsFlagsAndValues) {
  EXPECT_THAT(offers({"frugal", ""}), AllOf(Contains("train"), Contains("eval"), Contains("--version")));
  EXPECT_THAT(offers({"frugal", "tr"}), testing::ElementsAre("train"));
  EXPECT_THAT(offers({"frugal", "train", "--max"}),
              testing::UnorderedElementsAre("--max-params", "--max-time"));
  EXPECT_THAT(offers({"frugal", "train", "--precision", ""}),
              testing::UnorderedElementsAre("auto", "bf16", "fp32"));
  // As bash takes --precision=b apart.
  EXPECT_THAT(offers({"frugal", "train", "--precision", "=", "b"}), testing::ElementsAre("bf16"));
  EXPECT_THAT(offers({"frugal", "train", "--precision", "="}),
              testing::UnorderedElementsAre("auto", "bf16", "fp32"));
  EXPECT_THAT(offers({"frugal", "train", "--model", "resnet2"}), testing::ElementsAre("resnet20"));
  EXPECT_THAT(offers({"frugal", "train", "--data", "cifar1"}), Contains("cifar100"));
  EXPECT_THAT(offers({"frugal", "train", "--epochs", ""}), IsEmpty());
  std::ofstream(scratch / "my file.toml") << "";
  EXPECT_THAT(offers({"frugal", "train", "--config", "my"}), testing::ElementsAre("my file.toml"));
  EXPECT_THAT(offers({"frugal", "eval", "my"}), testing::ElementsAre("my file.toml"));
}

TEST_F(Completion, TheScriptsParse) {
  int code = 0;
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::filesystem::path path = script(shell);
    EXPECT_THAT(read_text(path), AllOf(HasSubstr("max-params"), HasSubstr("lr-find"))) << shell;
    if (!has(shell)) continue;
    EXPECT_EQ(output_of(std::string(shell) + " -n " + path.string(), code), "") << shell;
    EXPECT_EQ(code, 0) << shell;
  }
}

TEST_F(Completion, AFlagIsDescribedByItsFirstClause) {
  EXPECT_THAT(
      read_text(script("fish")),
      AllOf(HasSubstr("-l split -x -a 'random stratified' -d 'stratified: as large a part of every class'"),
            HasSubstr("-d 'Weights to begin with'"), HasSubstr("-d 'ce, ce:smoothing=0.1, ")));
  EXPECT_THAT(read_text(script("zsh")), HasSubstr("'--from=[Weights to begin with]:"));
}

TEST_F(Completion, EveryCommandHasAPage) {
  const Outcome written = frugal({"completion", "files", (scratch / "share").string()});
  ASSERT_EQ(written.code, 0) << written.err;
  int pages = 0;
  for (const auto& entry : std::filesystem::directory_iterator(scratch / "share/man/man1")) {
    ++pages;
    const std::string text = read_text(entry.path());
    EXPECT_THAT(text, AllOf(HasSubstr(".SH NAME"), HasSubstr(".SH SYNOPSIS"))) << entry.path();
    if (!has("groff")) continue;
    int code = 0;
    EXPECT_EQ(output_of("groff -man -Tascii -ww -z " + entry.path().string(), code), "") << entry.path();
  }
  EXPECT_GE(pages, 16);
  const Outcome train = frugal({"completion", "man", "train"});
  EXPECT_THAT(train.out, AllOf(HasSubstr("\\fB\\-\\-max\\-time\\fR"), HasSubstr(".SH OUTPUT AND LIMITS")));
  EXPECT_EQ(train.out, read_text(scratch / "share/man/man1/frugal-train.1"));
  EXPECT_THAT(frugal({"completion", "man"}).out, HasSubstr("frugal\\-train"));
  EXPECT_TRUE(std::filesystem::exists(scratch / "share/bash-completion/completions/frugal"));
}

TEST_F(Completion, MistakesSayWhatThereIs) {
  EXPECT_THAT(frugal({"completion", "tcsh"}).err, HasSubstr("bash, zsh, fish, man and files"));
  EXPECT_THAT(frugal({"completion", "man", "trian"}).err, HasSubstr("did you mean train?"));
  const Outcome more = frugal({"completion", "bash", "train"}), nowhere = frugal({"completion", "files"});
  EXPECT_EQ(more.code, 2);
  EXPECT_THAT(more.err, HasSubstr("takes nothing more"));
  EXPECT_EQ(nowhere.code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("give the directory"));
}

/// On a terminal of any width, and where there is none.
TEST(Help, FitsALine) {
  for (const char* command : {"train", "eval", "study", "data", "plan"}) {
    std::istringstream lines(frugal({command, "--help"}).out);
    bool flags = false;
    for (std::string line; std::getline(lines, line);) {
      flags = flags || line == "Options:";
      if (!flags || !line.starts_with("                              ")) continue;
      EXPECT_LE(line.size(), 100u) << line;
    }
  }
}

}  // namespace
}  // namespace frugal
