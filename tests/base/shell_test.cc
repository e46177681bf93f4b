#include "base/shell.h"

#include <gtest/gtest.h>

namespace frugal {
namespace {

TEST(Shell, QuotesWhatItWouldRead) {
  EXPECT_EQ(shell_line({"a", "b c", "", "it's", "x=1,2:3@0.5"}), "a 'b c' '' 'it'\\''s' x=1,2:3@0.5");
  EXPECT_EQ(shell_quoted("$HOME `ls` \"x\""), "'$HOME `ls` \"x\"'");
}

}  // namespace
}  // namespace frugal
