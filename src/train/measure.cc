#include "train/measure.h"

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "train/clock_pace.h"
#include "train/free_training.h"
#include "train/limits.h"
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
                    double seconds, const OutsideInputs& outside) {
  FreeTraining training(engine, graph, config, data, outside);
  // At a small rate: numbers that are none would be slower than others.
  const auto step = [&] { training.step(config.lr * 1e-3); };
  for (int i = 0; i < 3; ++i) step();
  Speed speed;
  speed.step = seconds_each(seconds, step);

  const auto evaluate_some = [&] { return training.evaluate_some(8 * engine.shard() * engine.threads()); };
  const int64_t images = evaluate_some();
  speed.evaluation = seconds_each(0.1 * seconds, evaluate_some) / static_cast<double>(images);
  return speed;
}

double predict_epochs(const Speed& speed, const TrainConfig& config, const Dataset& data, double limit,
                      double used) {
  const TrainValSplit split = choose_split(config, data);
  const auto train = static_cast<double>(split.train.size()), val = static_cast<double>(split.val.size());
  const double steps = std::ceil(train / static_cast<double>(config.batch));
  const double evaluations = config.ema > 0 ? 2 : 1;
  const double reserve =
      reserve_seconds((val * evaluations + static_cast<double>(data.test.count)) * speed.evaluation,
                      std::max(0.0, limit - used));
  // Validation takes what it takes, or its share of all that passes, whichever is less.
  const double epoch = steps * speed.step, validation = val * evaluations * speed.evaluation;
  const int64_t every = parse_validate_every(config.validate_every);
  const double with_validation = every > 0 ? epoch + validation / static_cast<double>(every)
                                           : std::min(epoch + validation, epoch / (1 - validation_share));
  const double epochs = std::max(0.0, limit - used - reserve) / with_validation;
  return config.epochs > 0 ? std::min(epochs, static_cast<double>(config.epochs)) : epochs;
}

}  // namespace frugal
