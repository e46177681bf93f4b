#include "base/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "base/error.h"

namespace frugal {
namespace {

TEST(Count, ReadsWhatPeopleWrite) {
  EXPECT_EQ(parse_count("996376", "--max-params"), 996376);
  EXPECT_EQ(parse_count(" 1M ", "--max-params"), 1000000);
  EXPECT_EQ(parse_count("250k", "--max-params"), 250000);
  EXPECT_EQ(parse_count("1.5 M", "--max-params"), 1500000);
  EXPECT_EQ(parse_count("0.9964M", "--max-params"), 996400);
  EXPECT_EQ(parse_count("2G", "--max-params"), 2000000000);
  EXPECT_EQ(parse_count("1e6", "--max-params"), 1000000);
  EXPECT_EQ(parse_count("0", "--max-params"), 0);
  EXPECT_EQ(parse_count("9223372036854775807", "--max-params"), std::numeric_limits<int64_t>::max());
}

TEST(Count, RefusesTheRest) {
  for (const char* text : {"", " ", "M", "-1", "-1M", "1.5", "1.0005k1", "1MM", "1 000", "0x10", "nan", "inf",
                           "1e300", "9223372036854775808", "10000000000G", "one", "1M!", "1h"}) {
    try {
      parse_count(text, "--max-params");
      ADD_FAILURE() << "accepted '" << text << "'";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("--max-params"), testing::HasSubstr(text)));
    }
  }
}

TEST(Duration, ReadsWhatPeopleWrite) {
  EXPECT_EQ(parse_duration("1h", "--max-time"), 3600);
  EXPECT_EQ(parse_duration("90s", "--max-time"), 90);
  EXPECT_EQ(parse_duration("2.5m", "--max-time"), 150);
  EXPECT_EQ(parse_duration("1d", "--max-time"), 86400);
  EXPECT_EQ(parse_duration("500ms", "--max-time"), 0.5);
  EXPECT_EQ(parse_duration("45", "--max-time"), 45);
  for (const char* text : {"", "h", "-1h", "1x", "1hh", "nan", "inf", "1e308d", "1h30m"}) {
    EXPECT_THROW(parse_duration(text, "--max-time"), Error) << text;
  }
}

TEST(Number, IsTheWholeText) {
  EXPECT_EQ(parse_number("5e-4", "--lr"), 5e-4);
  EXPECT_EQ(parse_number("-2", "--lr"), -2);
  EXPECT_EQ(parse_integer("-2", "--seed"), -2);
  for (const char* text : {"", "1 2", "0.1x", "nan", "inf", "-inf", "0x1p3", "1,5", "1e999"}) {
    EXPECT_THROW(parse_number(text, "--lr"), Error) << text;
  }
  for (const char* text : {"", "1.0", "1e3", "99999999999999999999", "7 8"}) {
    EXPECT_THROW(parse_integer(text, "--seed"), Error) << text;
  }
}

TEST(Printing, Bytes) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1024), "1.0 KiB");
  EXPECT_EQ(human_bytes(3985504), "3.8 MiB");
  EXPECT_EQ(human_bytes((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(human_bytes(std::numeric_limits<int64_t>::max()), "8.0 EiB");
}

TEST(Printing, Durations) {
  EXPECT_EQ(human_duration(0), "0.0s");
  EXPECT_EQ(human_duration(8.44), "8.4s");
  EXPECT_EQ(human_duration(59.94), "59.9s");
  EXPECT_EQ(human_duration(59.96), "1m00s");
  EXPECT_EQ(human_duration(185), "3m05s");
  EXPECT_EQ(human_duration(3599.6), "1h00m");
  EXPECT_EQ(human_duration(3720), "1h02m");
  EXPECT_EQ(human_duration(90000), "25h00m");
  EXPECT_EQ(human_duration(std::numeric_limits<double>::infinity()), "?");
}

TEST(Printing, Thousands) {
  EXPECT_EQ(with_thousands(0), "0");
  EXPECT_EQ(with_thousands(999), "999");
  EXPECT_EQ(with_thousands(996376), "996,376");
  EXPECT_EQ(with_thousands(1000000), "1,000,000");
  EXPECT_EQ(with_thousands(-1000), "-1,000");
  EXPECT_EQ(with_thousands(-100), "-100");
}

RC_GTEST_PROP(Printing, ThousandsOnlyAddCommas, (int64_t value)) {
  std::string text = with_thousands(value);
  std::erase(text, ',');
  RC_ASSERT(text == std::to_string(value));
}

RC_GTEST_PROP(Count, AnyTextIsReadOrRefused, (const std::string& text)) {
  try {
    RC_ASSERT(parse_count(text, "x") >= 0);
  } catch (const Error&) {
  }
}

}  // namespace
}  // namespace frugal
