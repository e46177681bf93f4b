#include "base/toml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace frugal {
namespace {

using testing::HasSubstr;

std::string error_of(const std::string& text) {
  try {
    parse_toml(text, "a.toml");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    return error.what();
  }
  return "";
}

std::string dotted(int parts) {
  std::string key = "a";
  for (int i = 1; i < parts; ++i) key += ".a";
  return key;
}

TEST(Toml, ErrorsNameFileAndLine) {
  EXPECT_EQ(parse_toml("a = 1\n", "a.toml")["a"].value_or(0), 1);
  EXPECT_THAT(error_of("a = 1\nb = = 2\n"), HasSubstr("a.toml:2: "));
}

TEST(Toml, AKeyOfThousandsOfPartsIsRefusedAndNotFollowed) {
  for (const std::string& text :
       {"\n[" + dotted(100'000) + "]\n", "\n" + dotted(100'000) + " = 1\n",
        "\nx = { " + dotted(100'000) + " = 1 }\n", "\n\"a\\\"\".'b'." + dotted(100'000) + " = 1\n"}) {
    EXPECT_EQ(error_of(text), "a.toml:2: a key has more than 16 parts");
  }
  EXPECT_EQ(error_of("[" + dotted(16) + "]\n"), "");
  EXPECT_NE(error_of("[" + dotted(17) + "]\n"), "");
}

TEST(Toml, ATextMayEndInFiveQuotes) {
  for (const std::string quote : {"\"", "'"}) {
    for (const std::string& end :
         {quote + quote + quote, quote + quote + quote + quote, quote + quote + quote + quote + quote}) {
      const std::string text = quote + quote + quote + "b" + end;
      EXPECT_THAT(error_of("x = { k = " + text + ", " + dotted(200'000) + " = 1 }\n"), HasSubstr("16 parts"));
      EXPECT_EQ(error_of("x = [" + text + ", \"" + std::string(100, '.') + "\"]\n"), "");
    }
  }
}

TEST(Toml, DotsInTextsCommentsAndNumbersAreNone) {
  const std::string dots(1000, '.');
  EXPECT_EQ(error_of("a = \"" + dots + "\" # " + dots + "\nb = '" + dots + "'\nc = \"\"\"\n" + dots + "\n\"" +
                     dots + "\"\"\"\nd = '''" + dots + "'''\n"),
            "");
  std::string numbers = "a = [";
  for (int i = 0; i < 1000; ++i) numbers += "1.5, ";
  EXPECT_EQ(error_of(numbers + "]\n"), "");
  EXPECT_THAT(error_of("a = \"" + dots + "\n" + dotted(200) + " = 1\n"), HasSubstr("more than 16 parts"))
      << "a text ends with its line";
}

}  // namespace
}  // namespace frugal
