#include "train/schedule.h"

#include <algorithm>
#include <sstream>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/spec.h"
#include "base/text.h"
#include "base/units.h"
#include "train/progress_schedules.h"
#include "train/warmup.h"

namespace frugal {
namespace {

/// base^times by multiplying one after the other, as PyTorch's chained schedulers round, and without libm.
double repeat_factor(double base, int64_t times) {
  double product = 1;
  for (int64_t i = 0; i < times && product != 0 && base != 1; ++i) product *= base;
  return product;
}

class Constant : public Schedule {
 public:
  double factor(const RunMoment&) const override { return 1; }
};

class Step : public Schedule {
 public:
  Step(int64_t size, double gamma) : size_(size), gamma_(gamma) {}
  double factor(const RunMoment& now) const override { return repeat_factor(gamma_, now.epoch / size_); }

 private:
  int64_t size_;
  double gamma_;
};

class MultiStep : public Schedule {
 public:
  MultiStep(std::vector<int64_t> at, double gamma) : at_(std::move(at)), gamma_(gamma) {}
  double factor(const RunMoment& now) const override {
    return repeat_factor(gamma_,
                         std::ranges::count_if(at_, [&](int64_t epoch) { return epoch <= now.epoch; }));
  }

 private:
  std::vector<int64_t> at_;
  double gamma_;
};

class Exponential : public Schedule {
 public:
  explicit Exponential(double gamma) : gamma_(gamma) {}
  double factor(const RunMoment& now) const override { return repeat_factor(gamma_, now.epoch); }

 private:
  double gamma_;
};

class Warmed : public Schedule {
 public:
  Warmed(const Warmup& warmup, std::unique_ptr<Schedule> schedule)
      : warmup_(warmup), schedule_(std::move(schedule)) {}
  double factor(const RunMoment& now) const override { return warmup_.factor(now) * schedule_->factor(now); }

 private:
  Warmup warmup_;
  std::unique_ptr<Schedule> schedule_;
};

double gamma_of(const Spec& spec) {
  if (spec.name == "exponential" && !spec.has("gamma"))
    throw usage_error("--schedule: exponential needs gamma");
  const double gamma = spec.number("gamma", 0.1);
  if (!(gamma > 0 && gamma <= 1))
    throw usage_error("--schedule: gamma of " + spec.name + " must be in (0, 1]");
  return gamma;
}

/// "30|60" as epochs.
std::vector<int64_t> parse_epochs(const std::string& text) {
  std::vector<int64_t> epochs;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, '|');) {
    epochs.push_back(parse_integer(part, "--schedule: an epoch of multistep"));
    if (epochs.back() < 1) throw usage_error("--schedule: the epochs of multistep count from 1");
  }
  if (epochs.empty()) throw usage_error("--schedule: multistep needs epochs, as in multistep:at=30|60");
  return epochs;
}

std::unique_ptr<Schedule> without_warmup(const std::string& text) {
  const Spec spec = parse_spec(text, "--schedule");
  if (spec.name == "constant") {
    spec.expect({});
    return std::make_unique<Constant>();
  }
  if (spec.name == "step") {
    spec.expect({"size", "gamma"});
    const int64_t size = spec.integer("size", 0);
    if (size < 1) throw usage_error("--schedule: step needs a size in epochs, as in step:size=5,gamma=0.2");
    return std::make_unique<Step>(size, gamma_of(spec));
  }
  if (spec.name == "multistep") {
    spec.expect({"at", "gamma"});
    return std::make_unique<MultiStep>(parse_epochs(spec.has("at") ? spec.options.at("at") : ""),
                                       gamma_of(spec));
  }
  if (spec.name == "exponential") {
    spec.expect({"gamma"});
    return std::make_unique<Exponential>(gamma_of(spec));
  }
  if (auto schedule = make_progress_schedule(spec)) return schedule;
  throw usage_error("--schedule: no schedule is called " + in_quotes(spec.name) +
                    "; there are constant, step, multistep, exponential, " + join(progress_schedule_names()));
}

}  // namespace

RunMoment moment_at(double progress, int64_t step, int64_t steps_per_epoch) {
  const int64_t epoch = step / steps_per_epoch, in_epoch = step % steps_per_epoch;
  const double part = static_cast<double>(in_epoch) / static_cast<double>(steps_per_epoch);
  return {progress, epoch, step, static_cast<double>(epoch) + part};
}

std::unique_ptr<Schedule> parse_schedule(const std::string& text, const std::string& warmup) {
  const Warmup ramp = parse_warmup(warmup);
  auto schedule = without_warmup(text);
  if (ramp.length == 0) return schedule;
  return std::make_unique<Warmed>(ramp, std::move(schedule));
}

}  // namespace frugal
