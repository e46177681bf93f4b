#include "train/teacher.h"

#include <gtest/gtest.h>

#include <numeric>

#include "trainer_fixture.h"

namespace frugal {
namespace {

class TeacherTest : public testing::Test {
 protected:
  TeacherTest() {
    auto engine = std::make_unique<FakeEngine>(graph_);
    engine->parameters().initialise(5);
    engine->on_evaluate = [this](int64_t images) { evaluated_ += images; };
    model_ = {std::move(engine), normalization_};
    ids_.resize(static_cast<size_t>(images_.count));
    std::iota(ids_.rbegin(), ids_.rend(), 0);
  }
  std::vector<float> logits(Teacher& teacher, std::span<const int32_t> ids) {
    teacher.set_epoch(0, ids_);
    const float* found = teacher.logits(ids, 0);
    return {found, found + static_cast<int64_t>(ids.size()) * classes};
  }

  const ImageSet images_ = make_images(3000, 1);
  const Graph graph_ = make_graph();
  const Normalization normalization_{{0.5f}, {0.25f}};
  TeacherModel model_;
  std::vector<int32_t> ids_;
  int64_t evaluated_ = 0;
};

TEST_F(TeacherTest, WhatIsComputedAtOnceIsWhatIsComputedBatchByBatch) {
  Teacher batch_by_batch(model_, images_, {.normalization = normalization_}),
      at_once(model_, images_, {.normalization = normalization_});
  at_once.compute_all(ids_, [] { return true; });
  EXPECT_EQ(evaluated_, images_.count);
  const std::span<const int32_t> some = std::span<const int32_t>(ids_).subspan(1000, 7);
  const std::vector<float> found = logits(at_once, some);
  EXPECT_EQ(evaluated_, images_.count) << "nothing is computed twice";
  EXPECT_EQ(found, logits(batch_by_batch, some));
  EXPECT_EQ(evaluated_, images_.count + 7);
}

TEST_F(TeacherTest, WhereTimeRunsOutTheRestIsComputedBatchByBatch) {
  Teacher teacher(model_, images_, {.normalization = normalization_}),
      other(model_, images_, {.normalization = normalization_});
  int asked = 0;
  teacher.compute_all(ids_, [&] { return ++asked < 3; });
  EXPECT_EQ(asked, 3);
  EXPECT_LT(evaluated_, images_.count);
  const std::span<const int32_t> some = std::span<const int32_t>(ids_).last(5);
  EXPECT_EQ(logits(teacher, some), logits(other, some));
}

TEST_F(TeacherTest, ImagesThatChangeAreNeverComputedAtOnce) {
  BatchRecipe recipe{.normalization = normalization_};
  recipe.augment = parse_augment("flip");
  Teacher teacher(model_, images_, recipe);
  teacher.compute_all(ids_, [] { return true; });
  EXPECT_EQ(evaluated_, 0);
}

}  // namespace
}  // namespace frugal
