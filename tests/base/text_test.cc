#include "base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace frugal {
namespace {

TEST(Text, Trims) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Text, SplitsAndJoins) {
  EXPECT_THAT(split("a,,b", ','), testing::ElementsAre("a", "", "b"));
  EXPECT_THAT(split("", ','), testing::ElementsAre(""));
  EXPECT_EQ(join({"a", "", "b"}, ","), "a,,b");
  EXPECT_EQ(join({"", "a"}, ","), ",a");
  EXPECT_EQ(join({}), "");
}

TEST(Text, MatchesGlobs) {
  for (const auto& [pattern, text] :
       std::vector<std::pair<std::string, std::string>>{{"", ""},
                                                        {"*", ""},
                                                        {"*", "a.b"},
                                                        {"*.bias", "fc1.bias"},
                                                        {"bn?.*", "bn1.weight"},
                                                        {"a*b*c", "a-b-bc"},
                                                        {"fc1.bias", "fc1.bias"},
                                                        {"*a*", "a"},
                                                        {"**", "x"},
                                                        {"*ab", "aab"}}) {
    EXPECT_TRUE(matches_glob(pattern, text)) << pattern << " " << text;
  }
  for (const auto& [pattern, text] :
       std::vector<std::pair<std::string, std::string>>{{"", "a"},
                                                        {"?", ""},
                                                        {"*.bias", "bias"},
                                                        {"bn?.*", "bn10.weight"},
                                                        {"a*b*c", "acb"},
                                                        {"fc1", "fc1.bias"},
                                                        {"*fc1", "fc1.bias"},
                                                        {"a", ""}}) {
    EXPECT_FALSE(matches_glob(pattern, text)) << pattern << " " << text;
  }
}

/// Many stars must not take time without end.
TEST(Text, GlobsAreQuick) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  EXPECT_FALSE(matches_glob(pattern + "b", std::string(10'000, 'a')));
}

TEST(Text, QuotesSafely) {
  EXPECT_EQ(in_quotes("a\x1b[31m\n"), "'a?[31m?'");
  EXPECT_EQ(in_quotes(std::string(1000, 'x')).size(), 80u + 5);
  EXPECT_EQ(in_quotes(std::string(79, 'x') + "\u00e9"),
            "'" + std::string(79, 'x') + "...'");  // no half character
  EXPECT_EQ(in_quotes(std::string(78, 'x') + "\u00e9"), "'" + std::string(78, 'x') + "\u00e9'");
}

TEST(Text, XmlHasNoMarkupInIt) {
  EXPECT_EQ(xml_text("a < b & \"c\" > d"), "a &lt; b &amp; &quot;c&quot; &gt; d");
  EXPECT_EQ(xml_text("one\ntwo\x07\x7f"), "one\ntwo??");
  EXPECT_EQ(xml_text("<caf\xc3\xa9>"), "&lt;caf\xc3\xa9&gt;");
  EXPECT_EQ(xml_text("<caf\xe9>"), "&lt;caf?&gt;");  // Latin-1
}

TEST(CsvText, QuotesWhatWouldEndAField) {
  EXPECT_EQ(csv_text("plain text"), "plain text");
  EXPECT_EQ(csv_text("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_text("say \"a\"\n"), "\"say \"\"a\"\"\n\"");
}

}  // namespace
}  // namespace frugal
