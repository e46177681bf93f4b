// What the program writes to a terminal, and to what is none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/columns.h"
#include "program.h"

namespace frugal {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char *colour = "\x1b[32m", *erase_line = "\r\x1b[K", *escape = "\x1b";

class Terminal : public testing::Test {
 protected:
  Terminal() { write_cifar100(scratch / "set"); }
  std::string trained(const RunOptions& how) {
    const Outcome outcome =
        frugal(quick_train(scratch / "set", scratch / ("run" + std::to_string(runs_++))), how);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("Epoch [2/2]"));
    return outcome.out;
  }
  const TempDir scratch;

 private:
  int runs_ = 0;
};

TEST_F(Terminal, ShowsProgressInColour) {
  EXPECT_THAT(trained({.environment = {"TERM=xterm", "NO_COLOR="}, .columns = 80}),
              AllOf(HasSubstr(colour), HasSubstr(erase_line)));
}

TEST_F(Terminal, NoColourMeansNone) {
  EXPECT_THAT(trained({.environment = {"TERM=xterm", "NO_COLOR=1"}, .columns = 80}),
              AllOf(Not(HasSubstr(colour)), HasSubstr(erase_line)));
}

TEST_F(Terminal, WhatIsNoneGetsLinesAlone) {
  EXPECT_THAT(trained({.environment = {"TERM=xterm"}}), Not(HasSubstr(escape)));
  EXPECT_THAT(trained({.environment = {"TERM=dumb"}, .columns = 80}), Not(HasSubstr(escape)));
}

TEST(TerminalWidth, TablesFitIt) {
  for (const unsigned short columns : {72, 80, 200}) {
    const Outcome outcome = frugal({"model", "resnet20"}, {.columns = columns});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_LE(widest_line(outcome.out), columns) << outcome.out;
    EXPECT_EQ(outcome.out.find(" bytes") != std::string::npos, columns >= 80);
  }
}

}  // namespace
}  // namespace frugal
