#include "base/columns.h"

#include <gtest/gtest.h>

namespace frugal {
namespace {

TEST(Columns, TextsAreLeftAndNumbersRight) {
  EXPECT_EQ(align_columns({{"name", "n"}, {"a", "12"}, {"longer", "3"}}, 1),
            "name     n\na       12\nlonger   3\n");
  EXPECT_EQ(align_columns({}, 1), "");
}

TEST(Columns, CharactersCountNotBytes) {
  EXPECT_EQ(align_columns({{"± ü", "1"}, {"abcd", "2"}}, 1), "± ü   1\nabcd  2\n");
}

TEST(Columns, LongTextsLoseTheirMiddle) {
  const std::vector<std::vector<std::string>> rows = {{"a name of thirty characters, ah", "x", "1,234,567"},
                                                      {"short", "yy", "1"}};
  EXPECT_EQ(align_columns(rows, 2, 34),
            "a name o..cters, ah  x   1,234,567\n"
            "short                yy          1\n");
  EXPECT_EQ(align_columns(rows, 2, 200), align_columns(rows, 2));
  // Twelve characters are the least, and numbers stay.
  EXPECT_EQ(align_columns(rows, 2, 5),
            "a nam..s, ah  x   1,234,567\n"
            "short         yy          1\n");
  EXPECT_EQ(align_columns({{"twelve chars", "12,345,678,901,234"}}, 1, 20),
            "twelve chars  12,345,678,901,234\n");
  EXPECT_EQ(align_columns({{"ääääääääääääääää", "1"}}, 1, 15), "äääää..äääää  1\n");
}

TEST(Columns, TheWidestLineIsInCharacters) {
  EXPECT_EQ(widest_line("a\n± ü\nbb"), 3u);
  EXPECT_EQ(widest_line(""), 0u);
}

}  // namespace
}  // namespace frugal
