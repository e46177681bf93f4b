#include "train/warmup.h"

#include "base/error.h"
#include "base/spec.h"
#include "base/text.h"
#include "base/units.h"
#include "train/schedule.h"

namespace frugal {
namespace {

constexpr double longest = 1e12;

Error bad(const std::string& text, const std::string& why) {
  return usage_error("--warmup: " + in_quotes(text) + ": " + why +
                     "; write none, a part of the run such as 0.05, or 5epochs, or 500steps");
}

/// Takes "epochs" or "epoch" off the end of `number`, if it is there.
bool take_unit(std::string& number, const std::string& singular) {
  for (const std::string& unit : {singular + "s", singular}) {
    if (number.size() <= unit.size() || !number.ends_with(unit)) continue;
    number.resize(number.size() - unit.size());
    return true;
  }
  return false;
}

}  // namespace

double Warmup::factor(const RunMoment& now) const {
  const double done = unit == Unit::steps    ? static_cast<double>(now.step)
                      : unit == Unit::epochs ? now.epochs
                                             : now.progress;
  if (done >= length) return 1;
  return start + (1 - start) * (done / length);
}

Warmup parse_warmup(const std::string& text) {
  const Spec spec = parse_spec(text, "--warmup");
  Warmup warmup;
  if (spec.name == "none") {
    spec.expect({});
    return warmup;
  }
  spec.expect({"start"});
  std::string number = spec.name;
  if (take_unit(number, "step")) {
    warmup.unit = Warmup::Unit::steps;
    warmup.length = static_cast<double>(parse_integer(number, "--warmup"));
  } else {
    if (take_unit(number, "epoch")) warmup.unit = Warmup::Unit::epochs;
    warmup.length = parse_number(number, "--warmup");
  }
  if (!(warmup.length >= 0 && warmup.length <= longest)) throw bad(text, "the length is out of range");
  if (warmup.unit == Warmup::Unit::fraction && warmup.length > 1) {
    throw bad(text, "a bare number is a part of the run, at most 1");
  }
  warmup.start = spec.number("start", warmup.start);
  if (!(warmup.start >= 0 && warmup.start <= 1)) throw bad(text, "start must be in [0, 1]");
  return warmup;
}

}  // namespace frugal
