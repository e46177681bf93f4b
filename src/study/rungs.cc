#include "study/rungs.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "study/student.h"

namespace frugal {

Rungs::Rungs(const Study& study, std::filesystem::path out, bool limited, const Results& results)
    : study_(study),
      out_(std::move(out)),
      limited_(limited),
      results_(results),
      last_part_(study.variants.size(), 1) {
  survivors_.resize(study.variants.size());
  for (size_t i = 0; i < survivors_.size(); ++i) survivors_[i] = i;
  if (study.halving == 0) return;
  for (int64_t left = std::ssize(survivors_); left >= study.halving; left /= study.halving)
    part_ *= study.halving;
}

std::vector<PlannedRun> Rungs::now() const {
  std::vector<PlannedRun> runs;
  const auto most = std::ranges::max(survivors_, {}, [this](size_t i) { return seeds_of(i).size(); });
  for (size_t k = 0; k < seeds_of(most).size(); ++k) {
    for (const size_t i : survivors_) {
      if (k < seeds_of(i).size()) runs.push_back(plan(i, seeds_of(i)[k], part_));
    }
  }
  return runs;
}

double Rungs::later() const {
  double work = 0;
  auto left = static_cast<double>(survivors_.size());
  const double seeds = static_cast<double>(now().size()) / left;
  for (int64_t part = part_; part > 1; part /= study_.halving) {
    left = std::ceil(left / static_cast<double>(study_.halving));
    work += left * seeds * static_cast<double>(study_.halving) / static_cast<double>(part);
  }
  return work;
}

bool Rungs::complete() const {
  return std::ranges::all_of(now(), [this](const PlannedRun& run) { return is_recorded(run); });
}

bool Rungs::begun() const {
  return std::ranges::any_of(now(), [this](const PlannedRun& run) { return is_recorded(run); });
}

bool Rungs::earned() const {
  return std::ranges::all_of(survivors_, [this](size_t i) {
    const auto has_done = [this, i](int64_t part) {
      return [this, i, part](int64_t seed) { return is_recorded(plan(i, seed, part)); };
    };
    return std::ranges::none_of(seeds_of(i), has_done(part_)) ||
           std::ranges::all_of(seeds_of(i), has_done(part_ * study_.halving));
  });
}

std::vector<std::string> Rungs::climb() {
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

std::vector<std::vector<PlannedRun>> Rungs::judged() const {
  std::vector<std::vector<PlannedRun>> runs(study_.variants.size());
  for (size_t i = 0; i < runs.size(); ++i) {
    for (const int64_t seed : seeds_of(i)) runs[i].push_back(plan(i, seed, last_part_[i]));
  }
  return runs;
}

PlannedRun Rungs::plan(size_t i, int64_t seed, int64_t part) const {
  return plan_run(study_, study_.variants[i], seed, part, out_, limited_);
}

/// Mean validation accuracy after the present part; below all where it failed.
double Rungs::val_of(size_t i) const {
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

}  // namespace frugal
