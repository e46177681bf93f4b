#include "study/runner.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <deque>
#include <memory>
#include <set>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "base/shell.h"
#include "base/units.h"
#include "study/process.h"
#include "study/student.h"
#include "train/config.h"
#include "train/history.h"
#include "train/trainer.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

constexpr auto pause_between_polls = std::chrono::milliseconds(20);
constexpr double least_share = 1;  // seconds: no run could do anything in less

/// What a program said last, which where it failed is why.
std::string last_line(const fs::path& log) {
  std::string text = read_text_file(log);
  while (text.ends_with('\n')) text.pop_back();
  const std::string line = text.substr(text.rfind('\n') + 1);
  return line.starts_with("frugal: ") ? line.substr(8) : line;
}

/// What repeats a run: its flags, and the limit that the study gave it.
std::string command_of(const PlannedRun& run, const fs::path& directory) {
  std::vector<std::string> words = {"frugal", "train"};
  words.insert(words.end(), run.flags.begin(), run.flags.end());
  TrainConfig config;
  apply_toml_file(config, directory / "config.toml");
  if (config.max_time != TrainConfig().max_time && std::ranges::find(words, "--max-time") == words.end()) {
    words.insert(words.end(), {"--max-time", config.max_time});
  }
  return shell_line(words);
}

/// A directory that is out of the way, where nothing is yet: "run.old", "run.old2", ...
fs::path name_aside(const fs::path& directory) {
  fs::path aside = directory.string() + ".old";
  for (int number = 2; fs::exists(aside); ++number)
    aside = directory.string() + ".old" + std::to_string(number);
  return aside;
}

/// Runs that are to be done now, in an order that has whole rows of the table early, on so many places.
class Batch {
 public:
  Batch(const StudyOptions& options, Results& results, StudyObserver& observer, double deadline)
      : options_(options), results_(results), observer_(observer), deadline_(deadline) {}

  /// Whether all could be tried; false after a signal, or when time is over. `later` is the work that is to
  /// come after these, in whole runs.
  bool run(const std::vector<PlannedRun>& planned, double later) {
    later_ = later;
    choose(planned);
    begun_ = 0;
    count_ = std::ssize(pending_);
    while (!pending_.empty() || !active_.empty()) {
      while (stop_requested == 0 && std::ssize(active_) < options_.jobs && start_next()) {
      }
      if (stop_requested != 0 && !told_to_stop_) {
        told_to_stop_ = true;
        for (const Active& one : active_) stop(one);
      }
      end_overdue();
      if (active_.empty() && (stop_requested != 0 || out_of_time_)) return false;
      for (auto one = active_.begin(); one != active_.end();) {
        const std::optional<int> code = one->process->poll();
        if (!code) {
          ++one;
          continue;
        }
        const Active ended = std::move(*one);
        one = active_.erase(one);
        finish(ended, *code);
      }
      std::this_thread::sleep_for(pause_between_polls);
    }
    return stop_requested == 0 && !out_of_time_;
  }
  int64_t failed() const { return std::ssize(failures_); }

 private:
  struct Active {
    PlannedRun run;
    std::shared_ptr<ChildProcess> process;
    bool goes_on, shared;
    double share, until;
    bool overdue = false;
  };

  /// What is not finished, and what those need the weights of.
  void choose(const std::vector<PlannedRun>& planned) {
    std::set<std::string> chosen, needed;
    size_t before = 0;
    do {
      before = chosen.size();
      for (const PlannedRun& run : planned) {
        const bool there = needed.count(run.name) == 0 || fs::exists(directory(run) / "result.json");
        if ((results_.find(run.name) && there) || failures_.count(run.name) != 0) continue;
        chosen.insert(run.name);
        needed.insert(run.needs.begin(), run.needs.end());
      }
    } while (chosen.size() != before);
    pending_.clear();
    for (const PlannedRun& run : planned) {
      if (chosen.count(run.name) != 0) pending_.push_back(run);
    }
  }

  fs::path directory(const PlannedRun& run) const { return run_directory(options_.out, run.name); }
  fs::path log(const PlannedRun& run) const { return directory(run).string() + ".log"; }

  bool is_waiting(const PlannedRun& run) const {
    const auto is_unfinished = [&](const std::string& name) {
      return std::ranges::any_of(pending_, [&](const PlannedRun& other) { return other.name == name; }) ||
             std::ranges::any_of(active_, [&](const Active& other) { return other.run.name == name; });
    };
    return std::ranges::any_of(run.needs, is_unfinished);
  }

  /// Begins one run, or finds out that it need not or cannot be begun; false where there is none to begin.
  bool start_next() {
    const auto next =
        std::ranges::find_if(pending_, [this](const PlannedRun& run) { return !is_waiting(run); });
    if (next == pending_.end() || out_of_time_) return false;
    const double share = share_of(*next);
    if (deadline_ > 0 && share < least_share) return out_of_time_ = true, false;
    const PlannedRun run = *next;
    pending_.erase(next);
    ++begun_;
    for (const std::string& name : run.needs) {
      if (failures_.count(name) != 0) return fail(run, "it needs the run " + name + ", which failed"), true;
    }
    if (const std::string result = finished_result(directory(run)); !result.empty()) {
      record(run, result, false);  // the study was killed before it could be told of
      return true;
    }
    start(run, share, fs::exists(directory(run) / "config.toml"));
    return true;
  }

  /// Its part of the time that is left on all places, by the work that is left; what runs that have begun
  /// were given is theirs.
  double share_of(const PlannedRun& run) const {
    if (deadline_ <= 0) return 0;
    const auto work = [](const PlannedRun& one) { return 1 / static_cast<double>(one.part); };
    double all = later_;
    for (const PlannedRun& one : pending_) all += work(one);
    const double now = boot_seconds(), left = deadline_ - now;
    double time = left * options_.jobs;
    for (const Active& one : active_) time -= std::clamp(one.until - now, 0.0, left);
    return std::min(left, time * work(run) / all);
  }

  /// A run that goes on has the time that it had, which may be more than this study has left: it is stopped
  /// then, and goes on the next time.
  void end_overdue() {
    if (deadline_ <= 0 || boot_seconds() < deadline_) return;
    for (Active& one : active_) {
      if (!one.goes_on || one.overdue) continue;
      one.overdue = true;
      stop(one);
    }
  }

  /// Not by SIGINT, which all that a script starts in the background ignores.
  static void stop(const Active& one) { one.process->send(SIGTERM); }

  void start(const PlannedRun& run, double share, bool goes_on) {
    const fs::path out = directory(run);
    fs::create_directories(out.parent_path());
    std::vector<std::string> words = {options_.program};
    if (goes_on) {
      words.insert(words.end(), {"resume", out.string()});
    } else {
      fs::remove_all(out);  // nothing had begun in it
      fs::remove(log(run));
      words.emplace_back("train");
      words.insert(words.end(), run.flags.begin(), run.flags.end());
      words.insert(words.end(), {"--out", out.string()});
      if (deadline_ > 0) words.insert(words.end(), {"--max-time", exact_text(share) + "s"});
    }
    words.insert(words.end(), {"--threads", std::to_string(std::max(1, options_.threads / options_.jobs))});
    observer_.on_begin(run, begun_, count_, goes_on);
    active_.push_back({run, std::make_shared<ChildProcess>(words, log(run)), goes_on, options_.jobs > 1,
                       share, boot_seconds() + share});
  }

  void finish(const Active& ended, int code) {
    if (const std::string result = finished_result(directory(ended.run)); code == 0 && !result.empty()) {
      return record(ended.run, result, ended.shared);
    }
    if (stop_requested != 0) return;  // it has saved what it had
    if (ended.overdue) {
      out_of_time_ = true;
      return;
    }
    if (ended.goes_on) return start_anew(ended);
    fail(ended.run, last_line(log(ended.run)));
  }

  /// Begun by another build of the program, or on other data, a run cannot go on. It is put aside, not thrown
  /// away. What fails for another reason (the disk is full, another process is at it) may yet go on.
  void start_anew(const Active& ended) {
    const std::string said = read_text_file(log(ended.run));
    if (said.find(" cannot go on") == std::string::npos) {
      return fail(ended.run, last_line(log(ended.run)) + "; it is kept, to go on the next time");
    }
    const fs::path out = directory(ended.run), aside = name_aside(out);
    fs::rename(out, aside);
    observer_.on_put_aside(ended.run, aside);
    start(ended.run, ended.share, false);
  }

  void record(const PlannedRun& run, const std::string& result, bool shared) {
    if (results_.find(run.name)) return;  // it was done again for its weights
    results_.add({run.name, run.variant, run.seed, run.part, command_of(run, directory(run)), shared,
                  nlohmann::ordered_json::parse(result)});
    observer_.on_end(results_.all().back());
  }

  void fail(const PlannedRun& run, const std::string& message) {
    failures_.insert(run.name);
    observer_.on_failure(run, message);
  }

  const StudyOptions& options_;
  Results& results_;
  StudyObserver& observer_;
  const double deadline_;
  double later_ = 0;
  std::deque<PlannedRun> pending_;
  std::vector<Active> active_;
  std::set<std::string> failures_;
  int64_t begun_ = 0, count_ = 0;
  bool told_to_stop_ = false, out_of_time_ = false;
};

/// Which variants get which part of their work. Without halving: all of them all.
class Rungs {
 public:
  Rungs(const Study& study, const fs::path& out, bool limited, const Results& results)
      : study_(study), out_(out), limited_(limited), results_(results), last_part_(study.variants.size(), 1) {
    survivors_.resize(study.variants.size());
    for (size_t i = 0; i < survivors_.size(); ++i) survivors_[i] = i;
    if (study.halving == 0) return;
    for (int64_t left = std::ssize(survivors_); left >= study.halving; left /= study.halving)
      part_ *= study.halving;
  }

  int64_t part() const { return part_; }

  /// The first seed of all, then the second, so that whole columns of the table are there early.
  std::vector<PlannedRun> now() const {
    std::vector<PlannedRun> runs;
    const auto most = std::ranges::max(survivors_, {}, [this](size_t i) { return seeds_of(i).size(); });
    for (size_t k = 0; k < seeds_of(most).size(); ++k) {
      for (const size_t i : survivors_) {
        if (k < seeds_of(i).size()) runs.push_back(plan(i, seeds_of(i)[k], part_));
      }
    }
    return runs;
  }

  /// The work of the rungs after this one, in whole runs, as far as it can be known.
  double later() const {
    double work = 0;
    auto left = static_cast<double>(survivors_.size());
    const double seeds = static_cast<double>(now().size()) / left;
    for (int64_t part = part_; part > 1; part /= study_.halving) {
      left = std::ceil(left / static_cast<double>(study_.halving));
      work += left * seeds * static_cast<double>(study_.halving) / static_cast<double>(part);
    }
    return work;
  }

  /// Goes on with the better ones; returns who is given up. Nothing more to do where part() is 1.
  std::vector<std::string> climb() {
    std::vector<std::pair<double, size_t>> ranked;
    for (const size_t i : survivors_) ranked.emplace_back(-val_of(i), i);
    std::ranges::sort(ranked);  // a tie is the earlier one's
    const size_t kept =
        (ranked.size() + static_cast<size_t>(study_.halving) - 1) / static_cast<size_t>(study_.halving);
    std::vector<std::string> gone;
    survivors_.clear();
    for (size_t rank = 0; rank < ranked.size(); ++rank) {
      const size_t i = ranked[rank].second;
      if (rank < kept || study_.variants[i].name == study_.base) {
        survivors_.push_back(i);
      } else {
        last_part_[i] = part_;
        gone.push_back(study_.variants[i].name);
      }
    }
    std::ranges::sort(survivors_);
    part_ /= study_.halving;
    return gone;
  }

  bool complete() const {
    return std::ranges::all_of(now(),
                               [this](const PlannedRun& run) { return results_.find(run.name) != nullptr; });
  }

  std::vector<std::vector<PlannedRun>> judged() const {
    std::vector<std::vector<PlannedRun>> runs(study_.variants.size());
    for (size_t i = 0; i < runs.size(); ++i) {
      for (const int64_t seed : seeds_of(i)) runs[i].push_back(plan(i, seed, last_part_[i]));
    }
    return runs;
  }

 private:
  const std::vector<int64_t>& seeds_of(size_t i) const { return study_.variants[i].seeds; }
  PlannedRun plan(size_t i, int64_t seed, int64_t part) const {
    return plan_run(study_, study_.variants[i], seed, part, out_, limited_);
  }

  /// Mean validation accuracy after the present part; below all where nothing was validated or it failed.
  double val_of(size_t i) const {
    std::vector<double> values;
    for (const int64_t seed : seeds_of(i)) {
      const RunRecord* record = results_.find(plan(i, seed, part_).name);
      if (!record) return -1;
      const double top1 = result_number(record->result, "val", "top1");
      if (std::isnan(top1)) return -1;
      values.push_back(top1);
    }
    return mean_of(values);
  }

  const Study& study_;
  const fs::path out_;
  const bool limited_;
  const Results& results_;
  std::vector<size_t> survivors_;
  std::vector<int64_t> last_part_;
  int64_t part_ = 1;
};

}  // namespace

StudyOutcome run_study(const Study& study, const StudyOptions& options, Results& results,
                       StudyObserver& observer) {
  const bool limited = options.max_seconds > 0;
  Batch batch(options, results, observer, limited ? boot_seconds() + options.max_seconds : 0);
  Rungs rungs(study, options.out, limited, results);
  StudyOutcome outcome;
  while (true) {
    outcome.stopped = !batch.run(rungs.now(), rungs.later());
    if (outcome.stopped || rungs.part() == 1) break;
    const int64_t part = rungs.part();
    observer.on_given_up(rungs.climb(), part);
  }
  outcome.failed = batch.failed();
  outcome.runs = rungs.judged();
  return outcome;
}

std::vector<std::vector<PlannedRun>> judged_runs(const Study& study, const fs::path& out, bool limited,
                                                 const Results& results) {
  Rungs rungs(study, out, limited, results);
  while (rungs.part() > 1 && rungs.complete()) rungs.climb();
  return rungs.judged();
}

}  // namespace frugal
