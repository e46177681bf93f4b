#include "base/spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/error.h"

namespace frugal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

TEST(Spec, NameOptionsAndValues) {
  const Spec plain = parse_spec("sgd", "--optimizer");
  EXPECT_EQ(plain.name, "sgd");
  EXPECT_THAT(plain.options, IsEmpty());

  const Spec step = parse_spec(" step : size = 5 , gamma=0.2 ", "--schedule");
  EXPECT_EQ(step.name, "step");
  EXPECT_THAT(step.options, ElementsAre(Pair("gamma", "0.2"), Pair("size", "5")));
  EXPECT_EQ(step.number("gamma", 1), 0.2);
  EXPECT_EQ(step.integer("size", 1), 5);
  EXPECT_EQ(step.integer("absent", 7), 7);
  EXPECT_TRUE(step.has("size"));
  EXPECT_FALSE(step.has("absent"));

  EXPECT_THAT(parse_spec("multistep:30,60,gamma=0.1", "--schedule").values, ElementsAre("30", "60"));
  EXPECT_EQ(parse_spec("wrn-16-2:width=1.5", "--model").name, "wrn-16-2");
}

TEST(Spec, Flags) {
  EXPECT_TRUE(parse_spec("sgd:nesterov=true", "x").flag("nesterov", false));
  EXPECT_FALSE(parse_spec("sgd:nesterov=0", "x").flag("nesterov", true));
  EXPECT_TRUE(parse_spec("sgd", "x").flag("nesterov", true));
  EXPECT_THROW(parse_spec("sgd:nesterov=maybe", "x").flag("nesterov", true), Error);
}

TEST(Spec, ListsOfPatterns) {
  const std::vector<Spec> list = parse_spec_list("*.bias:decay=0, bn?.*:decay=0,lr=2", "--groups", true);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].name, "*.bias");
  EXPECT_EQ(list[1].name, "bn?.*");
  EXPECT_EQ(list[1].number("lr", 1), 2);
  EXPECT_THROW(parse_spec_list("*.bias:decay=0", "--groups"), Error);
}

TEST(Spec, FaultsAreUsageErrorsThatNameTheFlag) {
  for (const char* text : {"", ":", "step:", "step:size=", "step:=5", "step:size=5,size=6", "step:,size=5",
                           "a b", "sgd,adam", "sgd,nesterov=true", "step:size=5,", "s/t"}) {
    try {
      parse_spec(text, "--schedule");
      ADD_FAILURE() << "accepted '" << text << "'";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      EXPECT_THAT(error.what(), HasSubstr("--schedule"));
    }
  }
}

TEST(Spec, SaysWhichValueDoesNotParse) {
  const Spec spec = parse_spec("step:size=5x", "--schedule");
  EXPECT_THAT([&] { spec.integer("size", 1); }, testing::ThrowsMessage<Error>(HasSubstr("step:size: '5x'")));
}

TEST(Spec, ExpectsOnlyWhatIsKnown) {
  const Spec spec = parse_spec("step:size=5,gama=0.2", "--schedule");
  EXPECT_THAT(
      [&] {
        spec.expect({"size", "gamma"});
      },
      testing::ThrowsMessage<Error>(testing::AllOf(HasSubstr("'gama'"), HasSubstr("size, gamma"))));
  EXPECT_NO_THROW(spec.expect({"size", "gama"}));
  EXPECT_THROW(parse_spec("crop:4,5", "--augment").expect({}, 1), Error);
  EXPECT_NO_THROW(parse_spec("crop:4", "--augment").expect({}, 1));
  EXPECT_THROW(parse_spec("crop:4", "--augment").expect({}), Error);
}

TEST(SpecList, CommaStartsANewOneUnlessAnOptionFollows) {
  const auto list = parse_spec_list("flip, crop:4,jitter:brightness=0.2,contrast=0.1,flip", "--augment");
  ASSERT_EQ(list.size(), 4u);
  EXPECT_EQ(list[0].name, "flip");
  EXPECT_THAT(list[1].values, ElementsAre("4"));
  EXPECT_THAT(list[2].options, ElementsAre(Pair("brightness", "0.2"), Pair("contrast", "0.1")));
  EXPECT_EQ(list[3].name, "flip");
  // A spec whose first parameter has a key is a new one too.
  EXPECT_EQ(parse_spec_list("crop:4,erase:p=0.5", "--augment").size(), 2u);
  for (const char* text : {"", ",", "flip,", "flip,p=0.5", "p=0.5", "flip,,crop:4"}) {
    EXPECT_THROW(parse_spec_list(text, "--augment"), Error) << text;
  }
}

TEST(Sum, CoefficientsAndTerms) {
  const auto sum = parse_sum("ce:smoothing=0.1 + 0.5*kd:t=4+1e-4 * l2", "--loss");
  ASSERT_EQ(sum.size(), 3u);
  EXPECT_EQ(sum[0].coefficient, 1);
  EXPECT_EQ(sum[0].spec.number("smoothing", 0), 0.1);
  EXPECT_EQ(sum[1].coefficient, 0.5);
  EXPECT_EQ(sum[1].spec.name, "kd");
  EXPECT_EQ(sum[2].coefficient, 1e-4);
  EXPECT_EQ(sum[2].spec.name, "l2");
}

TEST(Sum, ThePlusOfAnExponentDividesNothing) {
  const auto sum = parse_sum("1e+2*ce+2E+1*l2:x=1e+3", "--loss");
  ASSERT_EQ(sum.size(), 2u);
  EXPECT_EQ(sum[0].coefficient, 100);
  EXPECT_EQ(sum[1].coefficient, 20);
  EXPECT_EQ(sum[1].spec.number("x", 0), 1000);
  EXPECT_EQ(parse_sum("ce+0.5*kd", "--loss").size(), 2u);
  for (const char* text : {"", "+", "ce+", "+ce", "x*ce", "0.5*", "*ce", "nan*ce", "ce++l2"}) {
    EXPECT_THROW(parse_sum(text, "--loss"), Error) << text;
  }
}

RC_GTEST_PROP(Spec, AnyTextIsReadOrRefused, (const std::string& text)) {
  for (auto parse : {+[](const std::string& t) { parse_spec(t, "x"); },
                     +[](const std::string& t) { parse_spec_list(t, "x"); },
                     +[](const std::string& t) { parse_sum(t, "x"); }}) {
    try {
      parse(text);
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace frugal
