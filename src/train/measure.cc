#include "train/measure.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "train/clock_pace.h"
#include "train/limits.h"
#include "train/loss.h"
#include "train/optimizer.h"
#include "train/run_batches.h"
#include "train/trainer.h"

namespace frugal {
namespace {

/// Calls `work` for `seconds`, at least twice; what one call takes on average.
template <class Work>
double seconds_each(double seconds, Work&& work) {
  const double begin = boot_seconds();
  int64_t calls = 0;
  double now = begin;
  do {
    work();
    ++calls;
    now = boot_seconds();
  } while (calls < 2 || now - begin < seconds);
  return (now - begin) / static_cast<double>(calls);
}

}  // namespace

Speed measure_speed(Engine& engine, const Graph& graph, const TrainConfig& config, const Dataset& data,
                    double seconds) {
  Loss loss = parse_loss(config.loss, class_counts(data.train, data.classes.size()));
  const Normalization normalization = choose_normalization(config.normalize, data.train);
  const auto optimizer = make_optimizer(config.optimizer, optimizer_options(config), engine, graph);
  RunBatches batches(config, data, normalization, loss.class_weights());
  engine.parameters().initialise(config.seed);
  engine.weights_changed();
  const auto step = [&] {
    engine.train_step(batches.next(), loss.logits(), batches.key());
    loss.add_penalties(engine);
    optimizer->step(engine, config.lr * 1e-3);  // small: numbers that are none would be slower than others
    engine.weights_changed();
  };
  for (int i = 0; i < 3; ++i) step();
  Speed speed;
  speed.step = seconds_each(seconds, step);

  std::vector<int32_t> some = batches.ids();
  some.resize(std::min(some.size(), static_cast<size_t>(8 * engine.shard() * engine.threads())));
  const auto evaluate_some = [&] {
    evaluate(engine, data.train, some, normalization, loss.logits(), config.batch);
  };
  evaluate_some();
  speed.evaluation = seconds_each(0.1 * seconds, evaluate_some) / static_cast<double>(some.size());
  return speed;
}

double predict_epochs(const Speed& speed, const TrainConfig& config, const Dataset& data, double limit,
                      double used) {
  const TrainValSplit split = choose_split(config, data);
  const auto train = static_cast<double>(split.train.size()), val = static_cast<double>(split.val.size());
  const double steps = std::ceil(train / static_cast<double>(config.batch));
  const double evaluations = config.ema > 0 ? 2 : 1;
  const double reserve =
      reserve_seconds((val * evaluations + static_cast<double>(data.test.count)) * speed.evaluation);
  // Validation takes what it takes, or its share of all that passes, whichever is less.
  const double epoch = steps * speed.step, validation = val * evaluations * speed.evaluation;
  const int64_t every = parse_validate_every(config.validate_every);
  const double with_validation = every > 0 ? epoch + validation / static_cast<double>(every)
                                           : std::min(epoch + validation, epoch / (1 - validation_share));
  const double epochs = std::max(0.0, limit - used - reserve) / with_validation;
  return config.epochs > 0 ? std::min(epochs, static_cast<double>(config.epochs)) : epochs;
}

}  // namespace frugal
