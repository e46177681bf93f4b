#include "train/run_files.h"

#include <utility>

#include "base/error.h"
#include "train/history.h"

namespace frugal {

RunFiles::RunFiles(const std::filesystem::path& out, bool go_on, std::function<double()> used,
                   CheckpointKeeper& checkpoints, CheckpointRhythm rhythm, Warn warn)
    : out_(out),
      progress_(out, go_on ? ProgressFile::Open::go_on : ProgressFile::Open::anew, std::move(used)),
      checkpoints_(checkpoints),
      rhythm_(rhythm),
      warn_(std::move(warn)) {}

std::vector<EpochRecord> RunFiles::begin_at(const Position& position) {
  progress_.begin();
  if (progress_.log().bytes > 0) {
    progress_.append(ProgressRecord::Kind::rewind, position.steps, position.trained ? 1 : 0);
  }
  log_.emplace(out_ / "log.jsonl", position.log_lines);
  return read_log(log_->kept(), (out_ / "log.jsonl").string());
}

void RunFiles::log(const std::string& line, int64_t& lines) {
  ++lines;
  try {
    log_->append(line);
  } catch (const Error& error) {
    warn_(std::string(error.what()) + "; training goes on and will try again");
  }
}

bool RunFiles::checkpoint_due(int64_t steps) const {
  if (rhythm_.steps > 0) return steps % rhythm_.steps == 0;
  return rhythm_.seconds > 0 && seconds_used() - saved_at_ >= rhythm_.seconds;
}

void RunFiles::write(const Position& position) {
  log_->sync();
  progress_.sync();
  checkpoints_.write(position);
}

void RunFiles::save(const Position& position) {
  try {
    write(position);
  } catch (const Error& error) {
    warn_(std::string(error.what()) + "; training goes on and will try to save again");
  }
  saved_at_ = seconds_used();
}

void RunFiles::finish(const Position& position) {
  if (!checkpoints_.has_saved(position)) write(position);
}

}  // namespace frugal
