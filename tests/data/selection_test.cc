#include "data/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "data/sampler.h"
#include "data/split.h"

namespace frugal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// Class c of five has 10 (c + 1) training images and 3 test images, each of one pixel that tells which it
/// is.
Dataset five_classes() {
  Dataset data;
  data.name = "five";
  data.classes = {"ant", "bear", "cow", "dog", "7"};
  data.coarse_classes = {"large", "small"};
  const std::vector<int32_t> coarse = {1, 0, 0, 1, 1};
  for (ImageSet* images : {&data.train, &data.test}) {
    images->height = images->width = images->channels = 1;
    for (int32_t round = 0; round < 50; ++round) {
      for (int32_t label = 0; label < 5; ++label) {
        if (round >= (images == &data.train ? 10 * (label + 1) : 3)) continue;
        images->labels.push_back(label);
        images->coarse_labels.push_back(coarse[static_cast<size_t>(label)]);
        images->pixels.push_back(static_cast<uint8_t>(label * 50 + round));
      }
    }
    images->count = std::ssize(images->labels);
  }
  return data;
}

Dataset selected(const Selection& selection) {
  Dataset data = five_classes();
  select(data, selection);
  return data;
}

std::map<int32_t, int> counts(const std::vector<int32_t>& labels) {
  std::map<int32_t, int> result;
  for (const int32_t label : labels) ++result[label];
  return result;
}

TEST(Selection, ATaskKeepsTheNumbersOfItsClasses) {
  const Dataset data = selected({.task = "1,3-4"}), whole = five_classes();
  EXPECT_EQ(data.classes, whole.classes);
  EXPECT_EQ(counts(data.train.labels), (std::map<int32_t, int>{{1, 20}, {3, 40}, {4, 50}}));
  EXPECT_EQ(counts(data.test.labels), (std::map<int32_t, int>{{1, 3}, {3, 3}, {4, 3}}));
  for (size_t i = 0; i < data.train.labels.size(); ++i) {
    EXPECT_EQ(data.train.pixels[i] / 50, data.train.labels[i]);
  }
  EXPECT_THAT([] { selected({.task = "0-9"}); },
              ThrowsMessage<Error>(HasSubstr("--task: 0-9: classes are numbered")));
}

TEST(Selection, EverythingStaysUnlessAskedFor) {
  const Dataset data = selected({}), whole = five_classes();
  EXPECT_EQ(data.classes, whole.classes);
  EXPECT_EQ(data.train.labels, whole.train.labels);
  EXPECT_EQ(data.train.pixels, whole.train.pixels);
}

TEST(Selection, ClassesByNumberRangeAndNameAreNumberedAnew) {
  const Dataset data = selected({.classes = "dog, 0-1,bear"});
  EXPECT_THAT(data.classes, ElementsAre("dog", "ant", "bear"));
  EXPECT_EQ(data.train.count, 40 + 10 + 20);
  EXPECT_EQ(data.test.count, 9);
  EXPECT_THAT(counts(data.train.labels), ElementsAre(std::pair(0, 40), std::pair(1, 10), std::pair(2, 20)));
  const std::vector<int32_t> old = {3, 0, 1};
  for (const ImageSet* images : {&data.train, &data.test}) {
    ASSERT_EQ(std::ssize(images->pixels), images->count);
    ASSERT_EQ(std::ssize(images->coarse_labels), images->count);
    for (size_t i = 0; i < images->pixels.size(); ++i) {
      EXPECT_EQ(images->pixels[i] / 50, old[static_cast<size_t>(images->labels[i])]);
    }
  }
}

TEST(Selection, ANameWinsOverANumber) {
  EXPECT_THAT(parse_classes("7", {"ant", "7"}), ElementsAre(1));
  EXPECT_THAT(parse_classes("0-1", {"ant", "7", "x"}), ElementsAre(0, 1));
}

TEST(Selection, SuperclassesBecomeTheClasses) {
  const Dataset data = selected({.coarse = true});
  EXPECT_THAT(data.classes, ElementsAre("large", "small"));
  EXPECT_THAT(counts(data.train.labels), ElementsAre(std::pair(0, 20 + 30), std::pair(1, 10 + 40 + 50)));
  EXPECT_TRUE(data.train.coarse_labels.empty());
  Dataset none = five_classes();
  none.coarse_classes.clear();
  EXPECT_THAT([&] { select(none, {.coarse = true}); }, ThrowsMessage<Error>(HasSubstr("no superclasses")));
}

TEST(Selection, AFractionIsOfEveryClass) {
  const Dataset data = selected({.fraction = 0.3, .seed = 1});
  EXPECT_THAT(counts(data.train.labels), ElementsAre(std::pair(0, 3), std::pair(1, 6), std::pair(2, 9),
                                                     std::pair(3, 12), std::pair(4, 15)));
  EXPECT_EQ(data.test.count, 15);
  EXPECT_EQ(selected({.fraction = 0.3, .seed = 1}).train.pixels, data.train.pixels);
  EXPECT_NE(selected({.fraction = 0.3, .seed = 2}).train.pixels, data.train.pixels);
  // 37 of 150: 2.47, 4.93, 7.4, 9.87, 12.33; the largest rests are rounded up.
  const Dataset odd = selected({.fraction = 0.247});
  EXPECT_THAT(counts(odd.train.labels), ElementsAre(std::pair(0, 3), std::pair(1, 5), std::pair(2, 7),
                                                    std::pair(3, 10), std::pair(4, 12)));
  // 6 of 150: 0.4, 0.8, 1.2, 1.6, 2; no class goes without.
  EXPECT_THAT(
      counts(selected({.fraction = 0.04}).train.labels),
      ElementsAre(std::pair(0, 1), std::pair(1, 1), std::pair(2, 1), std::pair(3, 1), std::pair(4, 2)));
}

TEST(Selection, FaultsAreUsageErrors) {
  const auto refuse = [](const Selection& selection, const char* words) {
    try {
      selected(selection);
      ADD_FAILURE() << "accepted: " << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      EXPECT_THAT(error.what(), HasSubstr(words));
    }
  };
  refuse({.classes = "bearr,ant"}, "did you mean bear?");
  refuse({.classes = "0-5"}, "numbered from 0 to 4");
  refuse({.classes = "3-1"}, "numbered");
  refuse({.classes = "ant"}, "one class");
  refuse({.classes = "ant,,cow"}, "no class");
  refuse({.fraction = 0}, "--fraction");
  refuse({.fraction = 1.5}, "--fraction");
  refuse({.fraction = 0.001}, "leaves 0, less than one of each of the 5 classes");
  refuse({.fraction = 0.03}, "leaves 4, less than one of each of the 5 classes");
}

TEST(Selection, AModelsClassesAreFoundByTheirNames) {
  Dataset data = five_classes();
  ASSERT_TRUE(keep_classes(data, {"cow", "ant"}));
  EXPECT_EQ(data.test.count, 6);
  EXPECT_EQ(
      data.test
          .pixels[static_cast<size_t>(std::ranges::find(data.test.labels, 0) - data.test.labels.begin())],
      100);
  Dataset coarse = five_classes();
  ASSERT_TRUE(keep_classes(coarse, {"large", "small"}));
  EXPECT_EQ(coarse.test.count, 15);
  Dataset other = five_classes();
  EXPECT_FALSE(keep_classes(other, {"cow", "yak"}));
  EXPECT_EQ(other.classes.size(), 5u);
}

TEST(StratifiedSplit, HoldsOutAsManyOfEveryClass) {
  const Dataset data = five_classes();
  const TrainValSplit split = stratified_split(data.train.labels, 0.2, 3);
  EXPECT_EQ(split.val.size(), 30u);
  EXPECT_EQ(split.train.size(), 120u);
  std::vector<int32_t> labels;
  for (const int32_t id : split.val) labels.push_back(data.train.labels[static_cast<size_t>(id)]);
  EXPECT_THAT(counts(labels), ElementsAre(std::pair(0, 2), std::pair(1, 4), std::pair(2, 6), std::pair(3, 8),
                                          std::pair(4, 10)));
  std::vector<int32_t> all = split.train;
  all.insert(all.end(), split.val.begin(), split.val.end());
  std::ranges::sort(all);
  for (size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], static_cast<int32_t>(i));
}

TEST(BalancedOrder, ShowsEveryClassAsOften) {
  const Dataset data = five_classes();
  std::vector<int32_t> ids(static_cast<size_t>(data.train.count) - 2);
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(i);  // 148: not a multiple of five
  std::map<int32_t, int> extra;
  for (uint32_t epoch = 0; epoch < 200; ++epoch) {
    const auto order = balanced_order(ids, data.train.labels, 1, epoch);
    ASSERT_EQ(order.size(), ids.size());
    std::map<int32_t, int> images;
    std::vector<int32_t> labels;
    for (const int32_t id : order) {
      ++images[id];
      labels.push_back(data.train.labels[static_cast<size_t>(id)]);
    }
    for (const auto& [label, count] : counts(labels)) {
      ASSERT_TRUE(count == 29 || count == 30) << label;
      extra[label] += count - 29;
    }
    // No image comes again before the others of its class have come.
    for (const auto& [id, count] : images) {
      const int32_t label = data.train.labels[static_cast<size_t>(id)];
      const int least = label == 0 ? 2 : label == 4 ? 0 : 1;
      ASSERT_TRUE(count >= least && count <= (label == 4 ? 1 : least + 1) && count > 0) << id;
    }
  }
  for (const auto& [label, count] : extra) EXPECT_NEAR(count, 120, 35) << label;  // 3 of 5, 200 times
  EXPECT_NE(balanced_order(ids, data.train.labels, 1, 0), balanced_order(ids, data.train.labels, 1, 1));
  EXPECT_EQ(balanced_order(ids, data.train.labels, 1, 1), balanced_order(ids, data.train.labels, 1, 1));
}

}  // namespace
}  // namespace frugal
