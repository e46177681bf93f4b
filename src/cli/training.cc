#include "cli/training.h"

#include <string>
#include <utility>

#include "base/clock.h"
#include "cli/loading.h"
#include "cli/reporter.h"
#include "cli/signals.h"

namespace frugal {

ExitCode run_training(RunRequest request, const Telling& telling) {
  request.control.started = process_start();
  request.how = loading(!telling.json && !telling.quiet);
  TrainingRun run = prepare_run(std::move(request));
  const auto reporter = telling.json ? make_json_reporter(telling.quiet) : make_text_reporter(telling.quiet);
  reporter->start(run);
  const StopSignals signals;
  const TrainResult result = carry_out(run, *reporter);
  reporter->finish(run, result);
  const std::string overrun = overrun_text(result, run.control.started);
  if (!overrun.empty()) reporter->on_message(overrun);
  return result.interrupted ? static_cast<ExitCode>(128 + stop_requested.load()) : ExitCode::done;
}

}  // namespace frugal
