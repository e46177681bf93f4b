// Held to scikit-learn and SciPy on real predictions (tools/goldens/metrics.py).
#include "eval/assessment.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "eval/proportion.h"

namespace frugal {
namespace {

using Json = nlohmann::json;

class MetricsGolden : public testing::Test {
 protected:
  MetricsGolden() {
    const std::string folder = FRUGAL_SOURCE_DIR "/tests/goldens/eval/";
    golden_ = Json::parse(read_text_file(folder + "metrics.json"));
    const std::vector<uint8_t> bytes = read_file(folder + "logits.bin");
    logits_.resize(bytes.size() / sizeof(float));
    std::memcpy(logits_.data(), bytes.data(), bytes.size());
    golden_.at("labels").get_to(labels_);
    golden_.at("superclass_of").get_to(superclass_of_);
    assessment_ = assess(logits_, labels_, classes_, superclass_of_);
  }
  Json golden_;
  std::vector<float> logits_;
  std::vector<int32_t> labels_, superclass_of_;
  const int64_t classes_ = 100;
  Assessment assessment_;
};

TEST_F(MetricsGolden, LossAndAccuraciesWithTheirIntervals) {
  ASSERT_EQ(assessment_.images, 500);
  EXPECT_NEAR(assessment_.loss, golden_["log_loss"].get<double>(), 1e-9);
  const std::pair<const char*, int64_t> counts[] = {
      {"1", assessment_.top1}, {"3", assessment_.top3}, {"5", assessment_.top5}};
  for (const auto& [k, right] : counts) {
    EXPECT_NEAR(static_cast<double>(right) / 500, golden_["top"][k].get<double>(), 1e-12) << k;
    const ShareRange range = wilson_interval(right, 500);
    EXPECT_NEAR(range.low, golden_["wilson"][k][0].get<double>(), 1e-9) << k;
    EXPECT_NEAR(range.high, golden_["wilson"][k][1].get<double>(), 1e-9) << k;
  }
}

TEST_F(MetricsGolden, ClassByClass) {
  EXPECT_EQ(assessment_.confusion, golden_["confusion"].get<std::vector<int64_t>>());
  for (size_t c = 0; c < 100; ++c) {
    EXPECT_NEAR(assessment_.classes[c].precision, golden_["precision"][c].get<double>(), 1e-12) << c;
    EXPECT_NEAR(assessment_.classes[c].recall, golden_["recall"][c].get<double>(), 1e-12) << c;
    EXPECT_NEAR(assessment_.classes[c].f1, golden_["f1"][c].get<double>(), 1e-12) << c;
    EXPECT_EQ(assessment_.classes[c].images, golden_["support"][c].get<int64_t>()) << c;
  }
  ASSERT_TRUE(assessment_.superclass);
  EXPECT_NEAR(assessment_.superclass->accuracy, golden_["superclass_accuracy"].get<double>(), 1e-12);
  EXPECT_NEAR(assessment_.superclass->errors_within, golden_["errors_within"].get<double>(), 1e-12);
}

TEST_F(MetricsGolden, CalibrationAndTemperature) {
  EXPECT_NEAR(assessment_.calibration.error, golden_["calibration_error"].get<double>(), 1e-9);
  EXPECT_NEAR(assessment_.calibration.confidence, golden_["confidence"].get<double>(), 1e-9);
  const double temperature = fit_temperature(logits_, labels_, classes_);
  EXPECT_NEAR(temperature, golden_["temperature"].get<double>(), 1e-5);
  EXPECT_NEAR(calibrate(logits_, labels_, classes_, temperature).error,
              golden_["tempered_error"].get<double>(), 1e-6);
}

TEST_F(MetricsGolden, McNemar) {
  for (const Json& one : golden_["mcnemar"]) {
    EXPECT_NEAR(mcnemar(one["first"], one["second"]), one["p"].get<double>(), 1e-9) << one;
  }
  EXPECT_EQ(mcnemar(0, 0), 1);
}

TEST(Assessment, ClassesOfOtherTasksCannotBeGuessed) {
  constexpr float never = -std::numeric_limits<float>::infinity();
  const std::vector<float> logits = {never, 1, 2, never, 3, 0};
  const std::vector<int32_t> labels = {1, 1};
  const Assessment assessment = assess(logits, labels, 3, {});
  EXPECT_EQ(assessment.top1, 1);
  EXPECT_EQ(assessment.classes[0].guessed, 0);
  EXPECT_NEAR(assessment.loss, 0.5 * (std::log1p(std::exp(1.0)) + std::log1p(std::exp(-3.0))), 1e-12);
  EXPECT_FALSE(assessment.superclass);
  EXPECT_TRUE(std::isfinite(assessment.calibration.error));
  EXPECT_TRUE(std::isfinite(fit_temperature(logits, labels, 3)));
}

TEST(Assessment, ALimitBelongsToTheBinBelowIt) {
  // Two classes at even odds: a confidence of exactly a half, which is no limit of fifteen bins; and a
  // certain one.
  const std::vector<float> logits = {0, 0, 900, 0};
  const std::vector<int32_t> labels = {0, 0};
  const Calibration calibration = calibrate(logits, labels, 2);
  EXPECT_EQ(calibration.bins.size(), 15u);
  EXPECT_EQ(calibration.bins[7].images, 1);
  EXPECT_EQ(calibration.bins[14].images, 1);
  EXPECT_TRUE(std::isnan(calibration.bins[0].accuracy));
}

TEST(Assessment, AGuessOfAnUnknownSuperclassLeavesThemOut) {
  const std::vector<float> logits = {3, 0, 0, 0, 3, 0};
  const std::vector<int32_t> labels = {0, 0}, known = {7, 7, -1}, unknown = {7, -1, 7};
  ASSERT_TRUE(assess(logits, labels, 3, known).superclass);
  EXPECT_EQ(assess(logits, labels, 3, known).superclass->errors_within, 1);
  EXPECT_FALSE(assess(logits, labels, 3, unknown).superclass);
}

TEST(Assessment, SuperclassesAreThoseOfTheImages) {
  const std::vector<int32_t> labels = {0, 1, 2, 1}, coarse = {5, 6, 5, 6}, mixed = {5, 6, 5, 7};
  EXPECT_EQ(superclasses(labels, coarse, 3), (std::vector<int32_t>{5, 6, 5}));
  EXPECT_TRUE(superclasses(labels, mixed, 3).empty());
  EXPECT_TRUE(superclasses(labels, {}, 3).empty());
}

TEST(Wilson, WithoutTrialsNothingIsKnown) {
  EXPECT_EQ(wilson_interval(0, 0).low, 0);
  EXPECT_EQ(wilson_interval(0, 0).high, 1);
  EXPECT_GE(wilson_interval(0, 10).low, 0);
  EXPECT_LE(wilson_interval(10, 10).high, 1);
}

}  // namespace
}  // namespace frugal
