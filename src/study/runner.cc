#include "study/runner.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <set>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "base/shell.h"
#include "base/units.h"
#include "study/process.h"
#include "study/rungs.h"
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

/// Why a run ended that could not say so.
std::string killed_by(int signal) {
  const std::string name = strsignal(signal);
  return "it was ended by signal " + std::to_string(signal) + " (" + name + ")" +
         (signal == SIGKILL ? ", which is what the system does where memory runs out" : "");
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
    try {
      return work(planned, later);
    } catch (...) {  // the record cannot be written: what is at work saves what it has
      for (const Active& one : active_) stop(one);
      for (const Active& one : active_) {
        while (!one.process->poll()) std::this_thread::sleep_for(pause_between_polls);
      }
      throw;
    }
  }
  int64_t failed() const { return std::ssize(failures_); }

 private:
  struct Active {
    PlannedRun run;
    std::shared_ptr<ChildProcess> process;
    bool goes_on;
    double share, until;
    bool overdue = false;
  };

  bool work(const std::vector<PlannedRun>& planned, double later) {
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

  /// What is not finished, and what those need the weights of.
  void choose(const std::vector<PlannedRun>& planned) {
    std::set<std::string> chosen, needed;
    size_t before = 0;
    do {
      before = chosen.size();
      for (const PlannedRun& run : planned) {
        const bool there = needed.count(run.name) == 0 || !finished_result(directory(run)).empty();
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
  /// Is there once a run had others beside it, whatever the start that it ended in.
  fs::path shared_mark(const PlannedRun& run) const { return directory(run).string() + ".shared"; }

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
      record(run, result);  // the study was killed before it could be told of
      return true;
    }
    start(run, share, fs::exists(directory(run) / "config.toml"));
    return true;
  }

  /// Of the time that is left as much as all can have that wait, on places that are free or will be; what
  /// runs that have begun were given is theirs.
  double share_of(const PlannedRun& run) const {
    if (deadline_ <= 0) return 0;
    const double now = boot_seconds(), left = deadline_ - now;
    if (left <= 0) return 0;
    const double later = later_ * static_cast<double>(run.part) / options_.jobs;  // in runs like this one
    const auto fits = [&](double share) {
      double runs = 0;
      for (int place = 0; place < options_.jobs; ++place) {
        const bool taken = place < std::ssize(active_);
        const double until =
            taken ? std::clamp(active_[static_cast<size_t>(place)].until - now, 0.0, left) : 0;
        runs += std::floor(std::max(0.0, left - until - later * share) / share + 1e-9);
      }
      return runs >= static_cast<double>(pending_.size());
    };
    double least = 0, most = left;
    for (int i = 0; i < 50; ++i) {
      const double middle = (least + most) / 2;
      (fits(middle) ? least : most) = middle;
    }
    return least;
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
    try {
      begin(run, share, goes_on);
    } catch (const std::exception& error) {
      fail(run, error.what());
    }
  }

  void begin(const PlannedRun& run, double share, bool goes_on) {
    const fs::path out = directory(run);
    fs::create_directories(out.parent_path());
    std::vector<std::string> words = {"frugal"};
    if (goes_on) {
      words.insert(words.end(), {"resume", out.string()});
    } else {
      fs::remove_all(out);  // nothing had begun in it
      fs::remove(log(run));
      fs::remove(shared_mark(run));
      words.emplace_back("train");
      words.insert(words.end(), run.flags.begin(), run.flags.end());
      words.insert(words.end(), {"--out", out.string()});
      if (deadline_ > 0) words.insert(words.end(), {"--max-time", exact_text(share) + "s"});
    }
    words.insert(words.end(), {"--threads", std::to_string(std::max(1, options_.threads / options_.jobs))});
    if (options_.jobs > 1) write_file_atomic(shared_mark(run), "");
    observer_.on_begin(run, begun_, count_, goes_on);
    active_.push_back({run, std::make_shared<ChildProcess>(options_.program, words, log(run)), goes_on, share,
                       boot_seconds() + share});
  }

  void finish(const Active& ended, int code) {
    if (const std::string result = finished_result(directory(ended.run)); code == 0 && !result.empty()) {
      return record(ended.run, result);
    }
    if (stop_requested != 0) return;  // it has saved what it had
    if (ended.overdue) {
      out_of_time_ = true;
      return;
    }
    if (code > 128)
      return fail(ended.run, killed_by(code - 128) + "; the next time it goes on from what it had saved");
    if (ended.goes_on) return start_anew(ended);
    const std::string said = last_line(log(ended.run));
    fail(ended.run, said.empty() ? "it ended with " + std::to_string(code) + " and said nothing" : said);
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

  void record(const PlannedRun& run, const std::string& result) {
    if (results_.find(run.name)) return;  // it was done again for its weights
    results_.add({run.name, run.variant, run.seed, run.part, command_of(run, directory(run)),
                  fs::exists(shared_mark(run)), nlohmann::ordered_json::parse(result)});
    observer_.on_end(*results_.find(run.name));
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

/// Where one failed, a rung is never complete; that those who earned it are on the next tells that it was
/// left.
std::vector<std::vector<PlannedRun>> judge(const Rungs& rungs) {
  if (rungs.part() == 1) return rungs.judged();
  Rungs next = rungs;
  next.climb();
  return rungs.complete() || (next.begun() && next.earned()) ? judge(next) : rungs.judged();
}

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
  return judge(Rungs(study, out, limited, results));
}

}  // namespace frugal
