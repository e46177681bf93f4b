#include "train/size_schedule.h"

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"

namespace frugal {

std::vector<SizeStep> parse_resize(const std::string& text) {
  std::vector<SizeStep> steps;
  if (text == "none") return steps;
  const auto bad = [&](const std::string& why) {
    return usage_error("--resize: " + in_quotes(text) + ": " + why +
                       "; write SIZE@PROGRESS,... as in 24@0,32@0.5");
  };
  constexpr int64_t least = 4, most = 4096;
  for (const std::string_view piece : split(text, ',')) {
    const size_t at = piece.find('@');
    if (at == std::string_view::npos) throw bad("a progress is missing");
    const int64_t size = parse_integer(std::string(trim(piece.substr(0, at))), "--resize");
    const double progress = parse_number(std::string(trim(piece.substr(at + 1))), "--resize");
    if (size < least || size > most) throw bad("sizes are 4 to 4096 pixels");
    if (!(progress >= 0 && progress < 1)) throw bad("progress is in [0, 1)");
    if (steps.empty() ? progress != 0 : progress <= steps.back().progress)
      throw bad("progress must rise from 0");
    steps.push_back({size, progress});
  }
  return steps;
}

const SizeStep& step_at(const std::vector<SizeStep>& steps, double progress) {
  size_t i = 0;
  while (i + 1 < steps.size() && steps[i + 1].progress <= progress) ++i;
  return steps[i];
}

}  // namespace frugal
