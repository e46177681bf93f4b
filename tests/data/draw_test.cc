// The random parameters of augmentation: their distributions, and what they depend on.
#include "data/draw.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/philox.h"
#include "data/mix.h"

namespace frugal {
namespace {

constexpr uint32_t draws = 40000;

Changes changes_of(const char* text, uint32_t draw, uint32_t epoch = 0, int32_t id = 0, int64_t size = 32) {
  Changes changes;
  draw_changes(parse_augment(text), {.seed = 1, .epoch = epoch, .draw = draw, .id = id}, size, size, changes);
  return changes;
}

/// Counts that should be alike: chi squared below its mean and five standard deviations.
void expect_even(const std::vector<int>& counts) {
  double total = 0, chi2 = 0;
  for (const int count : counts) total += count;
  const double expected = total / static_cast<double>(counts.size());
  for (const int count : counts) chi2 += std::pow(count - expected, 2) / expected;
  const double freedom = static_cast<double>(counts.size()) - 1;
  EXPECT_LT(chi2, freedom + 5 * std::sqrt(2 * freedom));
}

template <class Key>
std::vector<int> values(const std::map<Key, int>& counts) {
  std::vector<int> result;
  result.reserve(counts.size());
  for (const auto& [key, count] : counts) result.push_back(count);
  return result;
}

/// Uniform in [low, high): every twentieth holds as much.
void expect_uniform(const std::vector<double>& numbers, double low, double high) {
  std::vector<int> counts(20);
  for (const double number : numbers) {
    ASSERT_GE(number, low);
    ASSERT_LE(number, high);
    const auto bin = static_cast<size_t>((number - low) / (high - low) * 20);
    ++counts[std::min<size_t>(bin, 19)];
  }
  expect_even(counts);
}

/// Four standard deviations of a coin that is thrown `draws` times.
void expect_share(int count, double probability) {
  EXPECT_NEAR(count, probability * draws, 4 * std::sqrt(draws * probability * (1 - probability)));
}

TEST(Draw, FlipsWithItsProbability) {
  int half = 0, rare = 0;
  for (uint32_t draw = 0; draw < draws; ++draw) {
    half += static_cast<int>(changes_of("flip", draw).list.size());
    rare += static_cast<int>(changes_of("flip:0.1", draw).list.size());
  }
  expect_share(half, 0.5);
  expect_share(rare, 0.1);
}

TEST(Draw, CropsEverywhereAlike) {
  std::map<std::pair<int, int>, int> counts;
  for (uint32_t draw = 0; draw < draws; ++draw) {
    const Change change = changes_of("crop:2", draw).list.at(0);
    ++counts[{change.down, change.right}];
  }
  EXPECT_EQ(counts.size(), 25u);
  EXPECT_EQ(counts.begin()->first, std::pair(-2, -2));
  EXPECT_EQ(counts.rbegin()->first, std::pair(2, 2));
  expect_even(values(counts));
}

TEST(Draw, EntriesDrawIndependently) {
  std::map<std::pair<size_t, size_t>, int> counts;
  for (uint32_t draw = 0; draw < draws; ++draw) {
    const auto both = changes_of("flip,flip", draw).list.size();
    ++counts[{both, changes_of("flip", draw).list.size()}];
  }
  int two = 0;
  for (const auto& [key, count] : counts) two += key.first == 2 ? count : 0;
  expect_share(two, 0.25);
}

TEST(Draw, AlternatingFlipGoesByTheImage) {
  int first = 0;
  for (int32_t id = 0; id < static_cast<int32_t>(draws); ++id) {
    const auto flipped = [&](uint32_t epoch, uint32_t draw) {
      return !changes_of("altflip", draw, epoch, id).list.empty();
    };
    const bool now = flipped(0, 3);
    EXPECT_EQ(now, flipped(0, 17));  // whichever place it has
    EXPECT_NE(now, flipped(1, 3));
    EXPECT_EQ(now, flipped(2, 5));
    first += now;
  }
  expect_share(first, 0.5);
}

TEST(Draw, JitterDrawsFactorsAndTheirOrder) {
  std::map<std::vector<ChangeKind>, int> orders;
  std::map<ChangeKind, std::vector<double>> amounts;
  for (uint32_t draw = 0; draw < draws; ++draw) {
    std::vector<ChangeKind> order;
    for (const Change& change : changes_of("jitter:0.2|0.4|1.5|0.1", draw).list) {
      order.push_back(change.kind);
      amounts[change.kind].push_back(change.amount);
    }
    ++orders[order];
  }
  EXPECT_EQ(orders.size(), 24u);
  expect_even(values(orders));
  expect_uniform(amounts[ChangeKind::brightness], 0.8, 1.2);
  expect_uniform(amounts[ChangeKind::contrast], 0.6, 1.4);
  expect_uniform(amounts[ChangeKind::saturation], 0, 2.5);
  expect_uniform(amounts[ChangeKind::hue], -0.1, 0.1);
  EXPECT_EQ(changes_of("jitter:0.2", 0).list.size(), 3u);
  EXPECT_EQ(changes_of("saturation:0.2", 0).list.size(), 1u);
}

TEST(Draw, AffineTurnsMovesScalesAndShears) {
  std::vector<double> angles, scales, shears;
  std::map<int, int> moves;
  for (uint32_t draw = 0; draw < draws; ++draw) {
    // The matrix is the inverse: rotation by the negative angle.
    const AffineMatrix turn = changes_of("rotate:30", draw).list.at(0).matrix;
    angles.push_back(std::atan2(turn[1], turn[0]) * 180 / M_PI);
    scales.push_back(1 / changes_of("affine:scale=0.5|2", draw).list.at(0).matrix[0]);
    shears.push_back(std::atan(changes_of("affine:shear=20", draw).list.at(0).matrix[1]) * 180 / M_PI);
    const AffineMatrix moved = changes_of("affine:translate=0.1", draw).list.at(0).matrix;
    EXPECT_EQ(moved[2], std::round(moved[2]));
    ++moves[static_cast<int>(moved[2])];
  }
  expect_uniform(angles, -30 - 1e-9, 30 + 1e-9);
  expect_uniform(scales, 0.5 - 1e-9, 2 + 1e-9);
  expect_uniform(shears, -20 - 1e-9, 20 + 1e-9);
  EXPECT_EQ(moves.begin()->first, -3);  // 3.2 pixels
  EXPECT_EQ(moves.rbegin()->first, 3);
}

TEST(Draw, RandAugmentTakesEachOpAndSignAlike) {
  int changes = 0, down = 0, up = 0;
  std::map<ChangeKind, int> kinds;
  for (uint32_t draw = 0; draw < draws; ++draw) {
    for (const Change& change : changes_of("randaugment:ops=1,magnitude=9", draw).list) {
      ++changes;
      ++kinds[change.kind];
      if (change.kind != ChangeKind::brightness) continue;
      EXPECT_FLOAT_EQ(static_cast<float>(std::abs(change.amount - 1)), 0.27f);
      ++(change.amount < 1 ? down : up);
    }
  }
  expect_share(changes, 13.0 / 14);                   // one is the identity
  expect_share(kinds[ChangeKind::affine], 3.0 / 14);  // two shears, one rotation
  expect_share(kinds[ChangeKind::shift], 2.0 / 14);
  expect_share(kinds[ChangeKind::equalize], 1.0 / 14);
  expect_share(down, 0.5 / 14);
  expect_share(up, 0.5 / 14);
  EXPECT_EQ(changes_of("randaugment:ops=2", 3).list.size() <= 2, true);
}

TEST(Draw, TrivialAugmentDrawsTheStrengthToo) {
  std::map<double, int> bits;
  for (uint32_t draw = 0; draw < 4 * draws; ++draw) {
    const Changes changes = changes_of("trivial", draw);
    ASSERT_LE(changes.list.size(), 1u);
    if (!changes.list.empty() && changes.list[0].kind == ChangeKind::solarize) ++bits[changes.list[0].amount];
  }
  EXPECT_EQ(bits.size(), 31u);
  expect_even(values(bits));
}

TEST(Draw, CutoutIsASquareAboutAnyPixel) {
  std::map<std::pair<int64_t, int64_t>, int> areas;
  int64_t pixels = 0;
  for (uint32_t draw = 0; draw < draws; ++draw) {
    const Rectangle box = changes_of("cutout:8", draw).erased.at(0);
    EXPECT_GE(box.top, 0);
    EXPECT_LE(box.top + box.height, 32);
    EXPECT_GE(box.height, 4);
    EXPECT_LE(box.width, 8);
    ++areas[{box.top, box.height}];
    pixels += box.height * box.width;
  }
  EXPECT_EQ(areas.size(), 32u);  // a middle, a square
  expect_even(values(areas));
  // 25 of 32 places give 8 pixels, those at the ends 4 to 7 and 7 to 5.
  const double side = (25 * 8 + (4 + 5 + 6 + 7) + (7 + 6 + 5)) / 32.0;
  EXPECT_NEAR(static_cast<double>(pixels) / draws, side * side, 0.5);
}

TEST(Draw, ErasingKeepsItsAreaAndProportions) {
  int erased = 0;
  double area = 0;
  for (uint32_t draw = 0; draw < draws; ++draw) {
    const Changes changes = changes_of("erase:0.25", draw, 0, 0, 64);
    if (changes.erased.empty()) continue;
    ++erased;
    const Rectangle box = changes.erased[0];
    ASSERT_GE(box.top, 0);
    ASSERT_GE(box.left, 0);
    ASSERT_LT(box.height, 64);
    ASSERT_LE(box.top + box.height, 64);
    ASSERT_LE(box.left + box.width, 64);
    const double part = static_cast<double>(box.height * box.width) / (64 * 64);
    ASSERT_GE(part, 0.017);
    ASSERT_LE(part, 0.345);
    area += part;
  }
  expect_share(erased, 0.25);
  EXPECT_NEAR(area / erased, 0.175, 0.01);
}

TEST(Draw, NothingButTheKeyMatters) {
  const char* list = "flip,crop:4,jitter:0.2,randaugment,cutout:8";
  const auto text = [&](uint32_t draw, uint32_t epoch) {
    std::string result;
    for (const Change& change : changes_of(list, draw, epoch).list) {
      result += std::to_string(static_cast<int>(change.kind)) + " " + std::to_string(change.down) + " " +
                std::to_string(change.amount) + ";";
    }
    return result;
  };
  std::set<std::string> seen;
  for (uint32_t draw = 0; draw < 50; ++draw) {
    EXPECT_EQ(text(draw, 0), text(draw, 0));
    seen.insert(text(draw, 0));
    seen.insert(text(draw, 1));
  }
  EXPECT_EQ(seen.size(), 100u);
}

TEST(Mix, BetaHasItsMoments) {
  for (const double alpha : {0.1, 0.2, 1.0, 4.0}) {
    double sum = 0, squares = 0;
    for (uint32_t draw = 0; draw < draws; ++draw) {
      Dice dice(RandomStream(1, Purpose::mix), draw);
      const double x = draw_beta(alpha, dice);
      ASSERT_GE(x, 0);
      ASSERT_LE(x, 1);
      sum += x;
      squares += (x - 0.5) * (x - 0.5);
    }
    const double variance = 0.25 / (2 * alpha + 1);
    EXPECT_NEAR(sum / draws, 0.5, 5 * std::sqrt(variance / draws));
    EXPECT_NEAR(squares / draws, variance, 0.02 * variance + 1e-4) << alpha;
  }
}

TEST(Mix, OneIsUniform) {
  std::vector<double> numbers;
  for (uint32_t draw = 0; draw < draws; ++draw) {
    Dice dice(RandomStream(3, Purpose::mix), draw);
    numbers.push_back(draw_beta(1, dice));
  }
  expect_uniform(numbers, 0, 1);
}

TEST(Mix, PartnersAreAnyOfTheEpochAndBoxesHoldTheirShare) {
  const auto list = parse_augment("flip,cutmix");
  std::vector<int> partners(10);
  for (uint32_t draw = 0; draw < draws; ++draw) {
    const Mix mix = draw_mix(list, 1, 0, draw, 10, 32, 24);
    ASSERT_EQ(mix.kind, Mix::Kind::cut);
    ++partners.at(mix.partner);
    ASSERT_GE(mix.box.top, 0);
    ASSERT_GE(mix.box.left, 0);
    ASSERT_LE(mix.box.top + mix.box.height, 32);
    ASSERT_LE(mix.box.left + mix.box.width, 24);
    ASSERT_FLOAT_EQ(mix.own, 1 - static_cast<float>(mix.box.height * mix.box.width) / (32 * 24));
  }
  expect_even(partners);
}

TEST(Mix, TwoWaysShareTheImagesAndEachHasItsProbability) {
  const auto list = parse_augment("mixup:0.2,cutmix:1,p=0.5");
  std::array<int, 3> kinds{};
  for (uint32_t draw = 0; draw < draws; ++draw) {
    ++kinds.at(static_cast<size_t>(draw_mix(list, 1, 0, draw, 10, 32, 32).kind));
  }
  expect_share(kinds[static_cast<size_t>(Mix::Kind::none)], 0.25);
  expect_share(kinds[static_cast<size_t>(Mix::Kind::mean)], 0.5);
  expect_share(kinds[static_cast<size_t>(Mix::Kind::cut)], 0.25);
  EXPECT_FALSE(mixes(parse_augment("flip,cutout:8")));
  EXPECT_TRUE(mixes(list));
}

}  // namespace
}  // namespace frugal
