#include "study/study_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "../temp_dir.h"
#include "base/error.h"

namespace frugal {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class StudyFile : public testing::Test {
 protected:
  Study read(const std::string& text) {
    std::ofstream(scratch_ / "s.toml") << text;
    return read_study(scratch_ / "s.toml");
  }
  std::string refusal(const std::string& text) {
    try {
      read(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      return error.what();
    }
    return "nothing";
  }
  static std::vector<std::string> names(const Study& study) {
    std::vector<std::string> all;
    for (const Variant& variant : study.variants) all.push_back(variant.name);
    return all;
  }
  const TempDir scratch_;
};

TEST_F(StudyFile, NamedVariantsKeepTheirOrderAndChangeTheSettings) {
  const Study study = read(R"(
title = "T"
seeds = [3, 1]
base = "b"
split_by_seed = true
[settings]
lr = 0.5
max-time = "10s"
[[variant]]
name = "z"
[[variant]]
name = "b"
lr = 1
weight_decay = 5e-4
coarse = true
seeds = [5]
)");
  EXPECT_EQ(study.title, "T");
  EXPECT_EQ(study.base, "b");
  EXPECT_TRUE(study.split_by_seed);
  EXPECT_THAT(study.seeds, ElementsAre(3, 1));
  EXPECT_THAT(names(study), ElementsAre("z", "b"));
  EXPECT_THAT(study.variants[0].seeds, ElementsAre(3, 1));
  EXPECT_THAT(study.variants[1].seeds, ElementsAre(5));
  EXPECT_THAT(study.variants[0].flags, UnorderedElementsAre(Pair("--lr", "0.5"), Pair("--max-time", "10s")));
  EXPECT_THAT(study.variants[1].flags,
              UnorderedElementsAre(Pair("--lr", "1"), Pair("--max-time", "10s"),
                                   Pair("--weight-decay", "5e-04"), Pair("--coarse", "true")));
  EXPECT_EQ(study.variants[1].line, 11);
}

TEST_F(StudyFile, AVariantCanGoOnFromAnother) {
  const Study study = read(R"(
seeds = [1, 2]
[settings]
lr = 0.5
batch = 32
[[variant]]
name = "a"
lr = 1
nesterov = true
seeds = [3]
[[variant]]
name = "b"
like = "a"
nesterov = false
epochs = 4
[[variant]]
name = "c"
epochs = 5
like = "b"
)");
  EXPECT_THAT(study.variants[1].flags,
              UnorderedElementsAre(Pair("--lr", "1"), Pair("--batch", "32"), Pair("--nesterov", "false"),
                                   Pair("--epochs", "4")));
  EXPECT_THAT(study.variants[1].seeds, ElementsAre(1, 2));
  EXPECT_THAT(study.variants[2].flags,
              UnorderedElementsAre(Pair("--lr", "1"), Pair("--batch", "32"), Pair("--nesterov", "false"),
                                   Pair("--epochs", "5")));
}

TEST_F(StudyFile, ListsVaryOneThingAndGridsAll) {
  const Study study = read(R"(
[settings]
epochs = 2
[list]
lr = [0.1, 0.2]
augment = ["flip"]
[grid]
model = ["resnet20", "smallnet"]
batch = [32, 64]
)");
  EXPECT_EQ(study.base, "base");
  EXPECT_THAT(study.seeds, ElementsAre(1));
  EXPECT_THAT(names(study), ElementsAre("base", "lr=0.1", "lr=0.2", "augment=flip",
                                        "model=resnet20, batch=32", "model=resnet20, batch=64",
                                        "model=smallnet, batch=32", "model=smallnet, batch=64"));
  EXPECT_THAT(study.variants[3].flags,
              UnorderedElementsAre(Pair("--epochs", "2"), Pair("--augment", "flip")));
  EXPECT_THAT(
      study.variants[5].flags,
      UnorderedElementsAre(Pair("--epochs", "2"), Pair("--model", "resnet20"), Pair("--batch", "64")));
  EXPECT_THAT(names(read("[settings]\nlr = 1\n")), ElementsAre("base"));
}

TEST_F(StudyFile, FilesAreFoundFromWhereTheStudyLies) {
  setenv("FRUGAL_STUDY_TEST", "/data", 1);
  const Study study = read(R"(
[[variant]]
name = "a"
model = "nets/my.toml:width=2"
data = "set"
[[variant]]
name = "b"
from = "$FRUGAL_STUDY_TEST/w.pth"
teacher = "t.safetensors"
[[variant]]
name = "c"
from = "@a"
teacher = "none"
)");
  EXPECT_EQ(study.variants[0].flags.at("--model"), (scratch_ / "nets/my.toml:width=2").string());
  EXPECT_EQ(study.variants[0].flags.at("--data"), "set");
  EXPECT_EQ(study.variants[1].flags.at("--from"), "/data/w.pth");
  EXPECT_EQ(study.variants[1].flags.at("--teacher"), (scratch_ / "t.safetensors").string());
  EXPECT_EQ(study.variants[2].flags.at("--from"), "@a");
  EXPECT_EQ(study.variants[2].flags.at("--teacher"), "none");
}

TEST_F(StudyFile, MistakesNameTheirLine) {
  EXPECT_THAT(refusal("\nlr = 0.1\n"),
              AllOf(HasSubstr("s.toml:2: "), HasSubstr("'lr'"), HasSubstr("[settings]")));
  EXPECT_THAT(refusal("seeds = []"), HasSubstr("s.toml:1: seeds must be a list"));
  EXPECT_THAT(refusal("seeds = [1, 1]"), HasSubstr("twice"));
  EXPECT_THAT(refusal("seeds = [-1]"), HasSubstr("not negative"));
  EXPECT_THAT(refusal("seeds = [1.5]"), HasSubstr("whole number"));
  EXPECT_THAT(refusal("title = 3"), HasSubstr("title must be a text"));
  EXPECT_THAT(refusal("variant = 3"), HasSubstr("[[variant]]"));
  EXPECT_THAT(refusal("[[variant]]\nlr = 1"), HasSubstr("needs a name"));
  EXPECT_THAT(refusal("[[variant]]\nname = \"a\"\n[[variant]]\nname = \"a\""),
              AllOf(HasSubstr("s.toml:3: "), HasSubstr("two variants are called 'a'")));
  EXPECT_THAT(refusal("base = \"x\"\n[[variant]]\nname = \"a\""), HasSubstr("no variant is called 'x'"));
  EXPECT_THAT(refusal("[settings]\nseed = 1"), HasSubstr("s.toml:2: the study itself sets --seed"));
  EXPECT_THAT(refusal("[settings]\nlr = 1\nthreads = 1"),
              HasSubstr("s.toml:3: the study itself sets --threads"));
  EXPECT_THAT(refusal("[settings]\nseeds = [1, 2]"),
              AllOf(HasSubstr("s.toml:2: seeds is no flag"), HasSubstr("above [settings]")));
  EXPECT_THAT(refusal("[settings]\nname = \"x\""), HasSubstr("s.toml:2: name is no flag"));
  EXPECT_THAT(refusal("[settings]\nlr = [1, 2]"), HasSubstr("lr must be a text in quotes, a number"));
  EXPECT_THAT(refusal("[grid]\nlr = 1"), HasSubstr("lr must be a list"));
  EXPECT_THAT(refusal("[settings]\nfrom = \"$NO_SUCH_VARIABLE/x\""),
              HasSubstr("'NO_SUCH_VARIABLE' is not set"));
  EXPECT_THAT(refusal("[[variant]]\nname = \"a\"\nfrom = \"@b\"\n[[variant]]\nname = \"b\""),
              HasSubstr("no variant before this one is called 'b'"));
  EXPECT_THAT(refusal("[[variant]]\nname = \"a\"\nfrom = \"@a\""), HasSubstr("no variant before"));
  EXPECT_THAT(refusal("[[variant]]\nname = \"a\"\nlike = \"b\"\n[[variant]]\nname = \"b\""),
              HasSubstr("s.toml:3: no variant before this one is called 'b'"));
  EXPECT_THAT(refusal("[[variant]]\nname = \"a\"\nlike = 1"), HasSubstr("like must be the name"));
  EXPECT_THAT(refusal("[settings]\nlike = \"a\""), HasSubstr("s.toml:2: like is no flag"));
  EXPECT_THAT(refusal("[settings]\ndata = \"@a\""), HasSubstr("only from and teacher"));
  EXPECT_THAT(refusal("halving = 2\n[settings]\nlr = 1"), HasSubstr("parts of epochs or of max_time"));
  EXPECT_THAT(refusal("halving = 2\n[settings]\nmax_time = \"none\""), HasSubstr("parts of epochs or of"));
  EXPECT_THAT(refusal("halving = 1"), HasSubstr("s.toml:1: halving must be 2 to 100"));
  EXPECT_THAT(refusal("settings = 3"), HasSubstr("settings must be a table: [settings]"));
  EXPECT_THAT(refusal("variant = [3]"), HasSubstr("variants are written as [[variant]]"));
  EXPECT_THAT(refusal("split_by_seed = 3"), HasSubstr("s.toml:1: this must be true or false"));
  EXPECT_THAT(refusal("[[variant]]\nname = \"@a\""), HasSubstr("s.toml:2: a name cannot begin with @"));
  EXPECT_THAT(refusal("[[variant]]\nname = \"a\\u001b[1m\""),
              HasSubstr("a name is one line, without control"));
  EXPECT_THAT(refusal("title = \"a\\nb\""), HasSubstr("s.toml:1: a title is one line"));
  EXPECT_THAT(refusal("halving = 2\n[settings]\nepochs = 8\n[[variant]]\nname = \"a\"\n[[variant]]\n"
                      "name = \"b\"\nfrom = \"@a\""),
              HasSubstr("s.toml:6: a study with halving cannot build on the runs of other variants"));
  std::string many = "1";
  for (int i = 2; i <= 101; ++i) many += ", " + std::to_string(i);
  EXPECT_THAT(refusal("[grid]\nbatch = [" + many + "]\nepochs = [" + many + "]"),
              HasSubstr("these are more than 10,000 variants"));
  EXPECT_THAT(refusal("[settings\n"), HasSubstr("s.toml:1: "));
}

}  // namespace
}  // namespace frugal
