// Losses, optimizers and schedules against PyTorch's own numbers (tools/goldens/train.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "fake_engine.h"
#include "golden_input.h"
#include "graph/builder.h"
#include "train/loss.h"
#include "train/optimizer.h"
#include "train/schedule.h"

namespace frugal {
namespace {

TEST(Golden, CrossEntropyIsPyTorchs) {
  const auto golden = read_golden("losses.json");
  const size_t rows = golden["rows"], classes = golden["classes"];
  const std::vector<float> logits = golden_floats(1, rows * classes, 6);
  const std::vector<int32_t> labels = golden_labels(2, rows, static_cast<uint32_t>(classes));
  const std::vector<int32_t> others = golden_labels(3, rows, static_cast<uint32_t>(classes));
  const std::vector<uint32_t> mix = golden_words(4, rows);
  std::vector<float> soft(rows * classes);
  for (size_t n = 0; n < rows; ++n) {
    soft[n * classes + static_cast<size_t>(labels[n])] += uniform01(mix[n]);
    soft[n * classes + static_cast<size_t>(others[n])] += 1 - uniform01(mix[n]);
  }
  ASSERT_EQ(golden["cases"].size(), 8u);
  for (const auto& expected : golden["cases"]) {
    const auto weights = expected["weights"].get<std::vector<double>>();
    // What PyTorch divides by: the weights of hard labels, the rows of soft ones.
    double divisor = 0;
    for (size_t n = 0; n < rows; ++n) {
      const bool weighted = !weights.empty() && expected["targets"] == "hard";
      divisor += weighted ? weights[static_cast<size_t>(labels[n])] : 1;
    }
    Targets targets;
    (expected["targets"] == "hard") ? void(targets.labels = labels.data()) : void(targets.soft = soft.data());
    std::vector<float> gradient(logits.size());
    const LossSums sums =
        CrossEntropy(expected["smoothing"], weights)
            .compute(logits.data(), static_cast<int64_t>(rows), static_cast<int64_t>(classes), targets,
                     static_cast<float>(1 / divisor), gradient.data());
    const double loss = expected["loss"];
    EXPECT_EQ(sums.weight, divisor);
    EXPECT_NEAR(sums.loss / divisor, loss, 1e-13 * loss) << expected["targets"];
    EXPECT_LT(relative_error(gradient, expected["gradient"]), 1e-7) << expected["targets"];
  }
}

TEST(Golden, OptimizersArePyTorchs) {
  const auto golden = read_golden("optimizers.json");
  const int64_t count = golden["weights"];
  ASSERT_EQ(golden["cases"].size(), 7u);
  for (const auto& expected : golden["cases"]) {
    GraphBuilder net("test", {1, 1, 1});
    const Graph graph = net.finish(net.linear("fc", net.flatten(net.input()), count, false));
    FakeEngine engine(graph);
    Parameters& parameters = engine.parameters();
    const auto optimizer =
        make_optimizer(expected["spec"], {expected["momentum"], expected["weight_decay"]}, engine, graph);
    std::ranges::copy(golden_floats(10, static_cast<size_t>(count), 1), parameters.weight(0).begin());
    int64_t step = 0;
    for (const auto& after : expected["after"]) {
      while (step < after["step"].get<int64_t>()) {
        ++step;
        std::ranges::copy(golden_floats(20 + static_cast<uint32_t>(step), static_cast<size_t>(count), 1),
                          parameters.gradient(0).begin());
        optimizer->step(engine, expected["lr"]);
      }
      const double limit = std::max(1e-7, 3 * after["fp32_error"].get<double>());
      EXPECT_LE(relative_error(parameters.weight(0), after["weights"]), limit)
          << expected["name"] << " after step " << step;
    }
    EXPECT_EQ(optimizer->steps(), step);
    for (const float gap : parameters.weights().subspan(static_cast<size_t>(count))) EXPECT_EQ(gap, 0);
  }
}

TEST(Golden, SchedulesArePyTorchs) {
  const auto golden = read_golden("schedules.json");
  ASSERT_EQ(golden["cases"].size(), 4u);
  for (const auto& expected : golden["cases"]) {
    const auto schedule = parse_schedule(expected["spec"]);
    int64_t epoch = 0;
    for (const double rate : expected["rates"]) {
      EXPECT_NEAR(expected["lr"].get<double>() * schedule->factor({0.5, epoch}), rate, 1e-14 * rate)
          << expected["spec"] << " epoch " << epoch;
      ++epoch;
    }
  }
}

TEST(Golden, SchedulesOverProgressArePyTorchs) {
  const auto golden = read_golden("schedules.json");
  ASSERT_EQ(golden["by_progress"].size(), 2u);
  for (const auto& expected : golden["by_progress"]) {
    const auto schedule = parse_schedule(expected["spec"]);
    ASSERT_EQ(expected["rates"].size(), 20u);
    for (const auto& point : expected["rates"]) {
      // PyTorch's first phase ends a step early: 1e-5 of the run.
      EXPECT_NEAR(schedule->factor({point[0], 0}), point[1].get<double>(), 1e-4) << expected["spec"] << point;
    }
  }
}

}  // namespace
}  // namespace frugal
