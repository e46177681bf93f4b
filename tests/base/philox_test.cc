#include "base/philox.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace frugal {
namespace {

using Words = std::array<uint32_t, 4>;

// From the known-answer file of Random123 1.14, philox4x32 10.
TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, EveryPartOfTheKeyMatters) {
  std::set<Words> seen;
  int streams = 0;
  const auto add = [&](const RandomStream& stream, uint32_t draw, uint32_t i) {
    seen.insert(stream.block(draw, i));
    ++streams;
  };
  add(RandomStream(1, Purpose::augment, 0, 0), 0, 0);
  add(RandomStream(2, Purpose::augment, 0, 0), 0, 0);
  add(RandomStream(1 + (uint64_t{1} << 32), Purpose::augment, 0, 0), 0, 0);
  add(RandomStream(1, Purpose::shuffle, 0, 0), 0, 0);
  add(RandomStream(1, Purpose::augment, 1, 0), 0, 0);
  add(RandomStream(1, Purpose::augment, 0, 1), 0, 0);
  add(RandomStream(1, Purpose::augment, 0, 0), 1, 0);
  add(RandomStream(1, Purpose::augment, 0, 0), 0, 1);
  EXPECT_EQ(static_cast<int>(seen.size()), streams);
}

TEST(Philox, WordsAreThoseOfTheBlocks) {
  const RandomStream stream(7, Purpose::test, 3, 5);
  for (uint32_t element = 0; element < 12; ++element) {
    EXPECT_EQ(stream.word(9, element), stream.block(9, element / 4)[element % 4]);
  }
}

TEST(Philox, UniformNumbersStayInRange) {
  EXPECT_EQ(uniform01(0), 0.0f);
  EXPECT_LT(uniform01(~0u), 1.0f);
  EXPECT_EQ(uniform01(1u << 31), 0.5f);
  EXPECT_EQ(uniform_below(0, 9), 0u);
  EXPECT_EQ(uniform_below(~0u, 9), 8u);
  EXPECT_EQ(uniform_below(~0u, 1), 0u);
}

}  // namespace
}  // namespace frugal
