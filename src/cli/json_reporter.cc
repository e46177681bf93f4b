// A run told as lines of JSON.
#include "cli/matching.h"
#include "cli/output.h"
#include "cli/reporter.h"
#include "train/history.h"

namespace frugal {
namespace {

class JsonReporter : public Reporter {
 public:
  explicit JsonReporter(bool quiet) : quiet_(quiet) {}

  void start(const TrainingRun& run) override {
    if (!quiet_) print_start(run);
    if (!quiet_ && run.from) print_json(matching_json(*run.from));
    for (const std::string& warning : run.warnings) on_message(warning);
  }

  void on_epoch(const EpochRecord& record, int64_t epochs, double seconds_left) override {
    if (quiet_) return;
    Json json = {{"event", "epoch"}, {"epochs", epochs}};
    json.update(Json::parse(log_line(record)));
    json["timing"]["seconds_left"] = seconds_left;
    print_json(json);
  }

  void on_resume(const std::vector<EpochRecord>& history, const std::string& where) override {
    if (!quiet_) print_json({{"event", "resume"}, {"where", where}, {"epochs", history.size()}});
  }

  void on_note(const std::string& text) override {
    if (!quiet_) on_message(text);
  }

  void on_message(const std::string& text) override { print_json({{"event", "message"}, {"text", text}}); }

  void finish(const TrainingRun& run, const TrainResult& result) override {
    Json json = {{"event", "result"}};
    json.update(Json::parse(result_text(result, {.params = run.graph.parameter_count(),
                                                 .trainable_params = run.graph.trainable_count(),
                                                 .precision = run.config.precision,
                                                 .isa = run.machine.instruction_set,
                                                 .processor = run.machine.processor,
                                                 .version = FRUGAL_VERSION,
                                                 .threads = run.engine->threads()})));
    json["out"] = run.out().string();
    json["curves"] = (run.out() / "curves.svg").string();
    print_json(json);
  }

 private:
  static void print_start(const TrainingRun& run) {
    print_json({{"event", "start"},
                {"version", FRUGAL_VERSION},
                {"processor", run.machine.processor},
                {"isa", run.machine.instruction_set},
                {"onednn", run.machine.onednn},
                {"threads", run.engine->threads()},
                {"data",
                 {{"name", run.data.name},
                  {"path", run.data.path.string()},
                  {"train", run.train_images},
                  {"val", run.val_images},
                  {"test", run.data.test.count},
                  {"image", {run.data.train.channels, run.data.train.height, run.data.train.width}},
                  {"classes", run.data.classes.size()},
                  {"fingerprint", run.data.fingerprint}}},
                {"params", run.graph.parameter_count()},
                {"trainable_params", run.graph.trainable_count()},
                {"macs", run.graph.macs()},
                {"out", run.out().string()},
                {"config", Json::parse(to_json(run.config))}});
  }

  bool quiet_;
};

}  // namespace

std::unique_ptr<Reporter> make_json_reporter(bool quiet) { return std::make_unique<JsonReporter>(quiet); }

}  // namespace frugal
