#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace frugal {
namespace {

TEST(Utf8, TakesWhatIsWellFormed) {
  for (const char* text : {"", "plain", "caf\xC3\xA9", "\xE2\x82\xAC", "\xED\x9F\xBF", "\xF0\x9F\x98\x80",
                           "\xF4\x8F\xBF\xBF", "\xC2\x80\xE0\xA0\x80\xF0\x90\x80\x80"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
}

TEST(Utf8, RefusesTheRest) {
  for (const char* text : {"caf\xE9",           // Latin-1
                           "\x80",              // nothing that it would go on from
                           "\xC3",              // cut short
                           "\xE2\x82",          // the same
                           "\xF0\x9F\x98",      // the same
                           "\xE2\x82x",         // interrupted
                           "\xC0\xAF",          // overlong
                           "\xC1\xBF",          // the same
                           "\xE0\x9F\xBF",      // the same
                           "\xF0\x8F\xBF\xBF",  // the same
                           "\xED\xA0\x80",      // a surrogate
                           "\xF4\x90\x80\x80",  // above U+10FFFF
                           "\xF5\x80\x80\x80",  // the same
                           "\xFE\xFF"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

}  // namespace
}  // namespace frugal
