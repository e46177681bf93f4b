#include "base/hash.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace frugal {
namespace {

// The empty text's XXH3-128, from xxHash's own documentation and `xxhsum -H2 /dev/null`.
TEST(Hasher, OfNothing) { EXPECT_EQ(Hasher().hex(), "99aa06d3014798d86001c324468d497f"); }

TEST(Hasher, PiecesDoNotMatter) {
  std::vector<uint8_t> bytes(10000);
  std::iota(bytes.begin(), bytes.end(), uint8_t{0});
  Hasher whole, pieces;
  whole.update(bytes);
  const std::span<const uint8_t> all(bytes);
  pieces.update(all.first(1));
  pieces.update(all.subspan(1, 4000));
  pieces.update({});
  pieces.update(all.subspan(4001));
  EXPECT_EQ(whole.hex(), pieces.hex());
  EXPECT_EQ(whole.hex().size(), 32u);
  EXPECT_EQ(whole.hex(), whole.hex());
}

TEST(Hasher, EveryBitMatters) {
  std::vector<uint8_t> bytes(100, 7);
  Hasher before, after;
  before.update(bytes);
  bytes[63] ^= 1;
  after.update(bytes);
  EXPECT_NE(before.hex(), after.hex());
}

}  // namespace
}  // namespace frugal
