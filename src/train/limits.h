// The texts of flags that say how long and how often: `--max-time`, `--validate-every`, `--checkpoint-every`.
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

}  // namespace frugal
