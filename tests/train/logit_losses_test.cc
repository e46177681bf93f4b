// The focal loss and distillation against the papers' formulas in PyTorch (tools/goldens/transfer.py).
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "golden_input.h"
#include "train/distillation.h"
#include "train/loss.h"

namespace frugal {
namespace {

std::vector<float> softmax(const std::vector<float>& logits, size_t classes) {
  std::vector<float> soft(logits.size());
  for (size_t first = 0; first < logits.size(); first += classes) {
    double sum = 0;
    for (size_t c = 0; c < classes; ++c) sum += std::exp(static_cast<double>(logits[first + c]));
    for (size_t c = 0; c < classes; ++c) {
      soft[first + c] = static_cast<float>(std::exp(static_cast<double>(logits[first + c])) / sum);
    }
  }
  return soft;
}

TEST(LogitLosses, AreTheFormulas) {
  const auto golden = read_golden("logit_losses.json");
  const size_t rows = golden["rows"], classes = golden["classes"];
  const std::vector<float> logits = golden_floats(1, rows * classes, 6),
                           teacher = golden_floats(5, rows * classes, 6);
  const std::vector<int32_t> labels = golden_labels(2, rows, static_cast<uint32_t>(classes));
  const std::vector<float> soft = softmax(teacher, classes);
  ASSERT_EQ(golden["cases"].size(), 9u);
  for (const auto& expected : golden["cases"]) {
    const std::string spec = expected["spec"];
    const Loss loss = parse_loss(spec, std::vector<int64_t>(classes, 1));
    Targets targets{.teacher = teacher.data()};
    expected["soft"].get<bool>() ? void(targets.soft = soft.data()) : void(targets.labels = labels.data());
    std::vector<float> gradient(logits.size());
    const auto compute = [&](float* to) {
      return loss.logits().compute(logits.data(), static_cast<int64_t>(rows), static_cast<int64_t>(classes),
                                   targets, 1, to);
    };
    const LossSums sums = compute(gradient.data());
    const double true_loss = expected["loss"];
    EXPECT_NEAR(sums.loss, true_loss, (targets.soft ? 1e-6 : 1e-12) * true_loss) << spec;
    EXPECT_LT(relative_error(gradient, expected["gradient"]), targets.soft ? 1e-6 : 1e-7) << spec;
    EXPECT_EQ(compute(nullptr).loss, sums.loss) << spec;
    EXPECT_EQ(sums.samples, 6);
  }
}

TEST(LogitLosses, FocalWithoutGammaIsCrossEntropy) {
  const std::vector<float> logits = golden_floats(1, 66, 6);
  const std::vector<int32_t> labels = golden_labels(2, 6, 11);
  std::vector<float> a(66), b(66);
  const Targets targets{.labels = labels.data()};
  const LossSums focal =
      parse_loss("focal:gamma=0").logits().compute(logits.data(), 6, 11, targets, 1, a.data());
  const LossSums ce = parse_loss("ce").logits().compute(logits.data(), 6, 11, targets, 1, b.data());
  EXPECT_NEAR(focal.loss, ce.loss, 1e-12);
  EXPECT_EQ(focal.top1, ce.top1);
  EXPECT_EQ(focal.top5, ce.top5);
  for (size_t i = 0; i < 66; ++i) EXPECT_NEAR(a[i], b[i], 1e-7);
}

TEST(LogitLosses, NoTeacherIsNoPull) {
  const std::vector<float> logits = golden_floats(1, 66, 6);
  const std::vector<int32_t> labels = golden_labels(2, 6, 11);
  for (const char* spec : {"kd", "dkd"}) {
    std::vector<float> gradient(66, 1.0f);
    const LossSums sums = parse_loss(spec).logits().compute(logits.data(), 6, 11, {.labels = labels.data()},
                                                            1, gradient.data());
    EXPECT_EQ(sums.loss, 0);
    EXPECT_EQ(sums.samples, 6);
    for (const float g : gradient) EXPECT_EQ(g, 0);
  }
}

TEST(LogitLosses, AStudentThatAgreesIsLeftAlone) {
  const std::vector<float> logits = golden_floats(1, 66, 6);
  const std::vector<int32_t> labels = golden_labels(2, 6, 11);
  for (const char* spec : {"kd:T=3", "dkd:T=3"}) {
    std::vector<float> gradient(66, 1.0f);
    const LossSums sums = parse_loss(spec).logits().compute(
        logits.data(), 6, 11, {.labels = labels.data(), .teacher = logits.data()}, 1, gradient.data());
    EXPECT_NEAR(sums.loss, 0, 1e-12);
    for (const float g : gradient) EXPECT_NEAR(g, 0, 1e-12);
  }
}

TEST(LogitLosses, SumsAddUp) {
  const std::vector<float> logits = golden_floats(1, 66, 6), teacher = golden_floats(5, 66, 6);
  const std::vector<int32_t> labels = golden_labels(2, 6, 11);
  const Targets targets{.labels = labels.data(), .teacher = teacher.data()};
  const auto of = [&](const char* spec, std::vector<float>& gradient) {
    gradient.assign(66, 0);
    return parse_loss(spec).logits().compute(logits.data(), 6, 11, targets, 1, gradient.data()).loss;
  };
  std::vector<float> sum, ce, kd;
  EXPECT_NEAR(of("0.1*ce + 0.9*kd:T=4", sum), 0.1 * of("ce", ce) + 0.9 * of("kd:T=4", kd), 1e-9);
  for (size_t i = 0; i < 66; ++i) EXPECT_NEAR(sum[i], 0.1f * ce[i] + 0.9f * kd[i], 1e-6);
  EXPECT_TRUE(parse_loss("ce + kd").needs_teacher());
  EXPECT_FALSE(parse_loss("ce + l2").needs_teacher());
}

TEST(LogitLosses, RefusesWhatItCannotDo) {
  for (const char* spec : {"kd:T=0", "kd:T=x", "kd:alpha=1", "dkd:beta=-1", "focal:gamma=-1",
                           "focal:smoothing=0.1", "l2", "ewc", "0.9*kd:T=inf", "ce:weights=1|2 + kd:T=4"}) {
    EXPECT_THROW(parse_loss(spec, {1, 1}), Error) << spec;
  }
}

}  // namespace
}  // namespace frugal
