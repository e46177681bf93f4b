// The texts of flags that say how long and how often: `--max-time`, `--validate-every`, `--checkpoint-every`,
// `--on-divergence`.
#pragma once

#include <cstdint>
#include <string>

namespace frugal {

/// "none" (0) or a duration ("1h", "90s") in seconds; anything else is a usage error.
double parse_max_time(const std::string& text);

/// "auto" (0) or a number of epochs.
int64_t parse_validate_every(const std::string& text);

/// When checkpoints are written beside those at the ends of epochs: every so many seconds or steps, or not.
struct CheckpointRhythm {
  double seconds = 0;
  int64_t steps = 0;
};

/// "30s" (any duration), "200steps" or "none".
CheckpointRhythm parse_checkpoint_every(const std::string& text);

/// What happens when loss or weights are no numbers any more.
struct DivergencePolicy {
  bool rollback = false;  // or the run ends
  double factor = 0.5;    // by which the learning rate is multiplied each time
  int64_t times = 3;      // at most
};

/// "stop", or "rollback:factor=0.5,times=3".
DivergencePolicy parse_on_divergence(const std::string& text);

}  // namespace frugal
