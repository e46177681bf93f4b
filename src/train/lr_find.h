// The learning-rate range test (Smith, "Cyclical Learning Rates for Training Neural Networks", 2017, section
// 3.3): one short training run over which the rate rises from too small to too large. As fastai and PyTorch
// Lightning do it, it rises exponentially, and the loss that is judged is a running mean.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data/dataset.h"
#include "graph/graph.h"
#include "nn/engine.h"
#include "train/config.h"
#include "train/outside.h"

namespace frugal {

struct LrSweep {
  double from = 1e-5, to = 10;
  int64_t steps = 100;  // each multiplies the rate by the same factor
};

/// The rate of step `step`, from 0.
double sweep_rate(const LrSweep& sweep, int64_t step);

/// One step: its rate, the batch's mean loss before the step was taken, and the running mean of that: with
/// weight 0.98 for what was, freed of its start as Adam frees its moments.
struct LrPoint {
  double lr = 0, loss = 0, smoothed = 0;
};

struct LrCurve {
  std::vector<LrPoint> points;  // finite numbers only
  bool diverged = false;  // it ended early: a loss was not finite, or the mean four times the least before
};

/// Trains `engine`'s network, made for `graph`, on the training part of `data` as `config` says (model,
/// optimizer, loss, augmentation, seed; not its rate, schedule and epochs), and leaves it as broken as the
/// last rate made it. The same seed gives the same bits at any number of threads.
LrCurve sweep_lr(Engine& engine, const Graph& graph, const TrainConfig& config, const Dataset& data,
                 const LrSweep& sweep, const OutsideInputs& outside = {});

/// A rate in the middle of the longest valley: of the longest strictly falling subsequence of the smoothed
/// losses, ending at index e with n members, the point at n/3 + n/6 of the stretch from e - n. The rule of
/// fastai's lr_find ("valley"), without the first tenth of the sweep's steps and its last five points. An
/// index into `points`; none where too few points are left, or no loss is below an earlier one.
std::optional<size_t> valley(std::span<const LrPoint> points, int64_t steps);

/// Where the smoothed loss falls fastest by the logarithm of the rate: an index into `points`. The rule of
/// PyTorch Lightning's lr_find: numpy's gradient, without the first ten points, whose mean is of little, and
/// the last. None where too few points are left, or the loss falls nowhere.
std::optional<size_t> steepest_fall(std::span<const LrPoint> points);

}  // namespace frugal
