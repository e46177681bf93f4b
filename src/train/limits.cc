#include "train/limits.h"

#include "base/error.h"
#include "base/spec.h"
#include "base/units.h"

namespace frugal {

double parse_max_time(const std::string& text) {
  if (text == "none") return 0;
  const double seconds = parse_duration(text, "--max-time");
  if (!(seconds > 0)) throw usage_error("--max-time must be longer than nothing, as in 1h or 90s");
  return seconds;
}

int64_t parse_validate_every(const std::string& text) {
  if (text == "auto") return 0;
  const int64_t epochs = parse_integer(text, "--validate-every");
  if (epochs < 1) throw usage_error("--validate-every must be auto or a number of epochs from 1 on");
  return epochs;
}

CheckpointRhythm parse_checkpoint_every(const std::string& text) {
  const std::string flag = "--checkpoint-every";
  if (text == "none") return {};
  CheckpointRhythm rhythm;
  if (const std::string unit = "steps"; text.ends_with(unit)) {
    rhythm.steps = parse_integer(text.substr(0, text.size() - unit.size()), flag);
  } else {
    rhythm.seconds = parse_duration(text, flag);
  }
  if (!(rhythm.steps > 0 || rhythm.seconds > 0)) {
    throw usage_error(flag + " must be a duration, a number of steps or none, as in 30s or 200steps");
  }
  return rhythm;
}

DivergencePolicy parse_on_divergence(const std::string& text) {
  const std::string flag = "--on-divergence";
  const Spec spec = parse_spec(text, flag);
  if (spec.name == "stop") return spec.expect({}), DivergencePolicy();
  if (spec.name != "rollback") throw usage_error(flag + ": '" + text + "' is none of stop, rollback");
  spec.expect({"factor", "times"});
  DivergencePolicy policy{.rollback = true};
  policy.factor = spec.number("factor", policy.factor);
  policy.times = spec.integer("times", policy.times);
  if (!(policy.factor > 0 && policy.factor < 1)) throw usage_error(flag + ": factor must be in (0, 1)");
  if (policy.times < 1) throw usage_error(flag + ": times must be 1 or more");
  return policy;
}

}  // namespace frugal
