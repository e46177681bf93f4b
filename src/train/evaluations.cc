#include "train/evaluations.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "base/clock.h"

namespace frugal {

Evaluations::Evaluations(Engine& engine, const Dataset& data, const TrainValSplit& split,
                         const Normalization& normalization, const LogitLoss& loss, int64_t batch, Pace& pace)
    : engine_(engine),
      data_(data),
      split_(split),
      normalization_(normalization),
      loss_(loss),
      batch_(batch),
      pace_(pace) {}

void Evaluations::prepare(double most_seconds) {
  const Stopwatch clock;
  of_images(data_.train, probed_images(), {});
  constexpr int times = 5;  // of which the fastest counts: the machine may be busy
  for (int i = 0; i < times && (i == 0 || clock.seconds() < most_seconds); ++i) probe();
}

void Evaluations::probe() {
  const std::vector<int32_t> some = probed_images();
  const Stopwatch clock;
  of_images(data_.train, some, {});
  pace_.took_evaluation(std::ssize(some), clock.seconds());
}

/// Others every time: those of last time would be in the cache.
std::vector<int32_t> Evaluations::probed_images() {
  const int64_t all = std::ssize(split_.train), count = std::min(all, engine_.shard() * engine_.threads());
  const auto first = split_.train.begin() + (probes_++ * count) % (all - count + 1);
  return {first, first + count};
}

void Evaluations::take_from(const Features& features, const CutGraph& cut, const Graph& whole) {
  features_ = &features;
  cut_ = &cut;
  whole_ = &whole;
  engine_.evaluate_at(whole);
}

Metrics Evaluations::validate() {
  const Stopwatch clock;
  const Metrics metrics = of_validation_split({});
  pace_.took_validation(metrics.samples, clock.seconds());
  return metrics;
}

Metrics Evaluations::validate_last(FinalPass pass) { return of_validation_split(granted(pass)); }

Metrics Evaluations::test() {
  std::vector<int32_t> ids(static_cast<size_t>(data_.test.count));
  std::iota(ids.begin(), ids.end(), 0);
  return of_images(data_.test, ids, granted(FinalPass::test));
}

Metrics Evaluations::of_validation_split(const GrantImages& grant) const {
  if (features_ == nullptr) return of_images(data_.train, split_.val, grant);
  engine_.evaluate_at(cut_->above);
  const Metrics metrics = evaluate(engine_, data_.train, split_.val, normalization_, loss_, batch_,
                                   {.grant = grant, .features = features_});
  engine_.evaluate_at(*whole_);
  return metrics;
}

Metrics Evaluations::of_images(const ImageSet& images, const std::vector<int32_t>& ids,
                               const GrantImages& grant) const {
  return evaluate(engine_, images, ids, normalization_, loss_, batch_, {.grant = grant});
}

/// Only a clock cuts anything short; without one, larger pieces are faster.
GrantImages Evaluations::granted(FinalPass pass) const {
  if (!pace_.decides_by_clock()) return {};
  return [this, pass](int64_t done, int64_t wanted) { return pace_.grant(pass, done, wanted); };
}

}  // namespace frugal
