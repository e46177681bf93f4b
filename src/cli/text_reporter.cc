// A run told as text.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/shell.h"
#include "base/units.h"
#include "cli/matching.h"
#include "cli/output.h"
#include "cli/reporter.h"
#include "graph/table.h"

namespace frugal {
namespace {

using Clock = std::chrono::steady_clock;

bool wants_colour() {
  const char* no_colour = std::getenv("NO_COLOR");  // https://no-color.org
  return no_colour == nullptr || no_colour[0] == '\0';
}

std::string loss_text(double loss) { return std::isfinite(loss) ? format("%.4f", loss) : "-"; }

/// "cifar100 in /home/me/.cache/frugal/cifar100"; a path that was given says where it is itself.
std::string data_text(const Dataset& data) {
  const std::string path = data.path.string();
  return data.name == path ? path : data.name + " in " + path;
}

/// "3/30", or "3" where only a clock ends the run.
std::string epoch_text(int64_t epoch, int64_t epochs) {
  return std::to_string(epoch) + (epochs > 0 ? "/" + std::to_string(epochs) : "");
}

std::string length_text(const TrainConfig& c) {
  std::string epochs = std::to_string(c.epochs) + (c.epochs == 1 ? " epoch" : " epochs");
  if (c.max_time == "none") return epochs;
  return "for " + c.max_time + (c.epochs > 0 ? " or " + epochs : "");
}

class TextReporter : public Reporter {
 public:
  explicit TextReporter(bool quiet)
      : quiet_(quiet), bar_(!quiet && can_rewrite_lines(STDOUT_FILENO)), colour_(bar_ && wants_colour()) {}

  ~TextReporter() override { clear_bar(); }  // an error is told on a line of its own
  TextReporter(const TextReporter&) = delete;
  TextReporter& operator=(const TextReporter&) = delete;

  void start(const TrainingRun& run) override {
    epochs_ = run.config.epochs;
    if (!quiet_) print_start(run);
    if (!quiet_ && run.from) print("%s", matching_text(*run.from).c_str());
    for (const std::string& warning : run.warnings) warn(warning);
  }

  void on_step(int64_t epoch, int64_t step, int64_t steps, double loss) override {
    if (!bar_) return;
    const Clock::time_point now = Clock::now();
    if (now - drawn_ < std::chrono::milliseconds(100) && step != steps) return;
    drawn_ = now;
    const std::string before = "Epoch [" + epoch_text(epoch, epochs_) + "] ";
    const std::string after =
        format(" %lld/%lld train=%.4f", static_cast<long long>(step), static_cast<long long>(steps), loss);
    const size_t width = bar_width(before.size() + after.size(), STDOUT_FILENO);
    const size_t done = steps > 0 ? width * static_cast<size_t>(step) / static_cast<size_t>(steps) : 0;
    print("\r\x1b[K%s%s%s%s%s%s", before.c_str(), colour_ ? "\x1b[32m" : "", std::string(done, '#').c_str(),
          colour_ ? "\x1b[0m" : "", std::string(width - done, '.').c_str(), after.c_str());
    drawing_ = true;
  }

  void on_epoch(const EpochRecord& r, int64_t epochs, double seconds_left) override {
    clear_bar();
    if (quiet_) return;
    const bool trained =
        r.train.samples > 0;  // where time was over before its first step it was validated alone
    std::string line = format("Epoch [%s]:", epoch_text(r.epoch, epochs).c_str());
    if (trained) line += format(" train=%s", loss_text(r.train.loss).c_str());
    const bool validated = std::isfinite(r.val.loss);
    if (validated) line += format(" val=%s", loss_text(r.val.loss).c_str());
    if (trained) line += format(" train-acc=%.2f%%", 100 * r.train.top1);
    if (validated) line += format(" val-acc=%.2f%%", 100 * r.val.top1);
    if (trained) line += format(" lr=%g", r.lr);
    if (r.train_seconds > 0) {
      const double rate = static_cast<double>(r.train.samples) / r.train_seconds;
      line += format(" %s img/s", with_thousands(std::llround(rate)).c_str());
    }
    if (r.epoch != epochs && std::isfinite(seconds_left)) line += " left=" + human_duration(seconds_left);
    print("%s (%.1fs)\n", line.c_str(), r.seconds);
  }

  void on_message(const std::string& text) override {
    clear_bar();
    warn(text);
  }

  void on_note(const std::string& text) override {
    clear_bar();
    if (!quiet_) print("%s\n", text.c_str());
  }

  void on_resume(const std::vector<EpochRecord>&, const std::string& where) override {
    if (!quiet_) print("going on %s\n", where.c_str());
  }

  void finish(const TrainingRun& run, const TrainResult& result) override {
    clear_bar();
    if (result.interrupted) {
      print_interrupted(run, result);
      return;
    }
    print("\n%-12s %10s %10s %10s\n", "", "loss", "top-1", "top-5");
    const auto trained = std::ranges::find_if(result.history.rbegin(), result.history.rend(),
                                              [](const EpochRecord& r) { return r.train.samples > 0; });
    if (trained != result.history.rend()) {
      print_row("training", trained->train, "last epoch, while its weights changed");
    }
    if (result.best_epoch > 0 && std::isfinite(result.best_val.loss)) {
      print_row("validation", result.best_val, "best, epoch " + std::to_string(result.best_epoch));
    }
    std::string of = std::string("weights: ") + (result.tested == "ema" ? "best.safetensors, an average"
                                                                        : result.tested + ".safetensors");
    if (result.test.samples < result.test_images)
      of += ", of " + with_thousands(result.test.samples) + " images";
    print_row("test", result.test, of);
    print("\n%s, %s, %s images/s of training, %s for activations\n", parameters_text(run.graph).c_str(),
          human_duration(result.wall_seconds).c_str(), images_per_second(result).c_str(),
          human_bytes(result.activation_bytes).c_str());
    print("run     %s\n", run.out().string().c_str());
    print("curves  %s\n", (run.out() / "curves.svg").string().c_str());
  }

 private:
  static std::string images_per_second(const TrainResult& result) {
    if (!(result.train_step_seconds > 0)) return "-";
    return with_thousands(
        std::llround(static_cast<double>(result.images_trained) / result.train_step_seconds));
  }

  static void print_row(const char* name, const Metrics& m, const std::string& note) {
    print("%-12s %10s %10s %10s   %s\n", name, loss_text(m.loss).c_str(), percent(m.top1).c_str(),
          percent(m.top5).c_str(), note.c_str());
  }

  static void print_start(const TrainingRun& run) {
    const TrainConfig& c = run.config;
    print("device   %s, %d thread%s, %s, oneDNN %s\n", run.machine.processor.c_str(), run.engine->threads(),
          run.engine->threads() == 1 ? "" : "s", run.machine.instruction_set.c_str(),
          run.machine.onednn.c_str());
    print("compute  %s, batch-norm %s, shard %s\n", c.precision.c_str(), c.batch_norm.c_str(),
          c.shard == 0 ? "auto" : std::to_string(c.shard).c_str());
    print("data     %s: %s training, %s validation, %s test images, %s, %zu classes\n",
          data_text(run.data).c_str(), with_thousands(run.train_images).c_str(),
          with_thousands(run.val_images).c_str(), with_thousands(run.data.test.count).c_str(),
          image_shape(run.data.train).c_str(), run.data.classes.size());
    print("model    %s: %s, %s MACs an image\n", c.model.c_str(), parameters_text(run.graph).c_str(),
          short_count(run.graph.macs()).c_str());
    print(
        "recipe   %s: %s, batch %lld, %s lr=%g momentum=%g weight-decay=%g, %s,\n"
        "         loss %s, augment %s, normalize %s, seed %llu\n",
        c.recipe.c_str(), length_text(c).c_str(), static_cast<long long>(c.batch), c.optimizer.c_str(), c.lr,
        c.momentum, c.weight_decay, c.schedule.c_str(), c.loss.c_str(), c.augment.c_str(),
        c.normalize.c_str(), static_cast<unsigned long long>(c.seed));
    print("run      %s\n", run.out().string().c_str());
  }

  static void print_interrupted(const TrainingRun& run, const TrainResult& result) {
    const int64_t epochs = run.config.epochs;
    std::string reached = "interrupted after " + human_duration(result.wall_seconds) + " and " +
                          std::to_string(result.epochs) +
                          (epochs > 0 ? " of " + std::to_string(epochs) : "") + " epochs";
    if (result.best_epoch > 0 && std::isfinite(result.best_val.top1)) {
      reached += "; best validation top-1 " + percent(result.best_val.top1) + " in epoch " +
                 std::to_string(result.best_epoch);
    }
    const std::string saved = "saved in " + run.out().string() + "; " +
                              shell_line({"frugal", "resume", run.out().string()}) + " goes on";
    print("%s\n%s\n", reached.c_str(), saved.c_str());
    if (std::ferror(stdout) != 0) warn(saved);  // who reads stdout may be gone by the same Ctrl-C
  }

  void clear_bar() {
    if (drawing_) print("\r\x1b[K");
    drawing_ = false;
  }

  bool quiet_, bar_, colour_, drawing_ = false;
  int64_t epochs_ = 0;
  Clock::time_point drawn_{};
};

}  // namespace

std::unique_ptr<Reporter> make_text_reporter(bool quiet) { return std::make_unique<TextReporter>(quiet); }

}  // namespace frugal
