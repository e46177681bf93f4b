#include "train/progress_schedules.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/math.h"
#include "base/text.h"
#include "base/units.h"

namespace frugal {
namespace {

/// From 1 down to 0 as `part` goes from 0 to 1.
using Fall = double (*)(double part);

double straight(double part) { return 1 - part; }
double half_cosine(double part) { return (1 + sine_cosine_of_degrees(180 * part).cosine) / 2; }
double one_less_root(double part) { return 1 - std::sqrt(part); }
double reflected_exponential(double part) { return (1 - part) / (0.5 + 0.5 * (1 - part)); }

struct DecayShape {
  const char* name;
  Fall fall;
};
constexpr DecayShape decay_shapes[] = {
    {"linear", straight}, {"cosine", half_cosine}, {"1-sqrt", one_less_root}};

double between(double begin, double end, double fall) { return end + (begin - end) * fall; }

/// What may be a rounding error too large or small.
double within_run(double progress) { return std::clamp(progress, 0.0, 1.0); }

/// 1 until only `decay` of the run is left, then falling to `last`.
class Decay : public Schedule {
 public:
  Decay(Fall fall, double decay, double last) : fall_(fall), decay_(decay), last_(last) {}
  double factor(const RunMoment& now) const override {
    const double part = 1 - (1 - within_run(now.progress)) / decay_;
    return part <= 0 ? 1 : between(1, last_, fall_(part));
  }

 private:
  Fall fall_;
  double decay_, last_;
};

class Polynomial : public Schedule {
 public:
  Polynomial(double power, double last) : power_(power), last_(last) {}
  double factor(const RunMoment& now) const override {
    const double left = 1 - within_run(now.progress);
    // A logarithm of our own, so that any power has the same bits everywhere.
    return between(1, last_, exp_double(power_ * log_double(left)));
  }

 private:
  double power_, last_;
};

class CosineRestarts : public Schedule {
 public:
  CosineRestarts(int64_t restarts, double mult, double last) : restarts_(restarts), mult_(mult), last_(last) {
    double length = 1;
    for (int64_t i = 0; i <= restarts; ++i, length *= mult) total_ += length;
  }
  double factor(const RunMoment& now) const override {
    // In units of the first part. A progress is a rounded quotient of steps; the step on which a part begins
    // must not fall behind its end, where the rate is least.
    constexpr double rounding = 1e-9;
    double left = within_run(now.progress) * total_, length = 1;
    for (int64_t i = 0; i < restarts_ && left >= length * (1 - rounding); ++i) {
      left -= length;
      length *= mult_;
    }
    return between(1, last_, half_cosine(std::clamp(left / length, 0.0, 1.0)));
  }

 private:
  int64_t restarts_;
  double mult_, last_, total_ = 0;
};

class OneCycle : public Schedule {
 public:
  OneCycle(double warmup, double first, double last) : warmup_(warmup), first_(first), last_(last) {}
  double factor(const RunMoment& now) const override {
    const double progress = within_run(now.progress);
    if (progress < warmup_) return between(first_, 1, half_cosine(progress / warmup_));
    return between(1, last_, half_cosine((progress - warmup_) / (1 - warmup_)));
  }

 private:
  double warmup_, first_, last_;
};

/// An option that must lie in [least, most].
double number_within(const Spec& spec, const std::string& key, double otherwise, double least, double most) {
  const double value = spec.number(key, otherwise);
  if (value >= least && value <= most) return value;
  throw usage_error("--schedule: " + key + " of " + spec.name + " must be in " + exact_text(least) + " to " +
                    exact_text(most));
}

double final_of(const Spec& spec) { return number_within(spec, "final", 0, 0, 1); }

std::unique_ptr<Schedule> linear(const Spec& spec) {
  spec.expect({"final"});
  return std::make_unique<Decay>(straight, 1, final_of(spec));
}

std::unique_ptr<Schedule> cosine(const Spec& spec) {
  spec.expect({"restarts", "mult", "final"});
  const int64_t restarts = spec.integer("restarts", 0);
  if (restarts < 0 || restarts > 1000) {
    throw usage_error("--schedule: restarts of cosine must be in 0 to 1000");
  }
  const double mult = number_within(spec, "mult", 1, 1, 10);
  // Parts that outgrow one another so far would leave the first no step at all, and in the end no number.
  if (static_cast<double>(restarts) * log_double(mult) > log_double(1e6)) {
    throw usage_error(
        "--schedule: the last part of cosine would be a million times as long as the first; lower restarts "
        "or mult");
  }
  return std::make_unique<CosineRestarts>(restarts, mult, final_of(spec));
}

std::unique_ptr<Schedule> polynomial(const Spec& spec) {
  spec.expect({"power", "final"});
  const double power = number_within(spec, "power", 2, 0.01, 100);
  return std::make_unique<Polynomial>(power, final_of(spec));
}

std::unique_ptr<Schedule> rex(const Spec& spec) {
  spec.expect({"final"});
  return std::make_unique<Decay>(reflected_exponential, 1, final_of(spec));
}

std::unique_ptr<Schedule> wsd(const Spec& spec) {
  spec.expect({"decay", "shape", "final"});
  const double decay = spec.number("decay", 0.2);
  if (!(decay > 0 && decay <= 1)) throw usage_error("--schedule: decay of wsd must be in (0, 1]");
  const auto given = spec.options.find("shape");
  const std::string shape = given == spec.options.end() ? "linear" : given->second;
  for (const auto& [name, fall] : decay_shapes) {
    if (shape == name) return std::make_unique<Decay>(fall, decay, final_of(spec));
  }
  throw usage_error("--schedule: shape of wsd: " + in_quotes(shape) + " is none of linear, cosine, 1-sqrt");
}

std::unique_ptr<Schedule> one_cycle(const Spec& spec) {
  spec.expect({"warmup", "div", "final"});
  const double warmup = spec.number("warmup", 0.3);
  if (!(warmup >= 0 && warmup < 1)) throw usage_error("--schedule: warmup of onecycle must be in [0, 1)");
  const double div = number_within(spec, "div", 25, 1, 1e9);
  const double last = number_within(spec, "final", 1e4, 1, 1e9);
  return std::make_unique<OneCycle>(warmup, 1 / div, 1 / (div * last));
}

struct Named {
  const char* name;
  std::unique_ptr<Schedule> (*make)(const Spec& spec);
};
constexpr Named all[] = {{"linear", linear}, {"cosine", cosine}, {"polynomial", polynomial},
                         {"rex", rex},       {"wsd", wsd},       {"onecycle", one_cycle}};

}  // namespace

std::unique_ptr<Schedule> make_progress_schedule(const Spec& spec) {
  for (const auto& [name, make] : all) {
    if (spec.name == name) return make(spec);
  }
  return nullptr;
}

const std::vector<std::string>& progress_schedule_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Named& each : all) list.emplace_back(each.name);
    return list;
  }();
  return names;
}

}  // namespace frugal
