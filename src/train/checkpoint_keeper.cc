#include "train/checkpoint_keeper.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "train/run_identity.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

void copy_weights(const Parameters& from, Parameters& to) {
  std::ranges::copy(from.all_weights(), to.all_weights().begin());
  std::ranges::copy(from.buffers(), to.buffers().begin());
  to.batches_tracked = from.batches_tracked;
}

void move_file(const fs::path& from, const fs::path& to) {
  std::error_code failure;
  fs::rename(from, to, failure);
  if (failure) throw Error(to.string() + ": cannot replace: " + failure.message());
}

/// `next` becomes `last`, and what was `last` becomes `previous`. A kill at any point leaves a whole `last`:
/// it is linked to its second name before the first one is given away.
void rotate(const fs::path& next, const fs::path& last, const fs::path& previous) {
  std::error_code failure;
  if (fs::exists(last, failure)) {
    fs::path second = previous;
    second += ".tmp";
    fs::remove(second, failure);
    fs::create_hard_link(last, second, failure);
    // File systems without links: for a moment there is only `previous`.
    move_file(failure ? last : second, previous);
  }
  move_file(next, last);
  sync_renames(last.parent_path());
}

}  // namespace

CheckpointKeeper::CheckpointKeeper(fs::path directory, CheckpointInfo info, const Graph& graph,
                                   Parameters& parameters, Ema* average, Warn warn)
    : directory_(std::move(directory)),
      info_(std::move(info)),
      parameters_(parameters),
      average_(average),
      warn_(std::move(warn)),
      best_(graph) {}

void CheckpointKeeper::set_best(std::map<std::string, std::string> extra) {
  copy_weights(parameters_, best_);
  best_extra_ = std::move(extra);
  has_best_ = best_pending_ = true;
}

bool CheckpointKeeper::restore_best() {
  if (has_best_) copy_weights(best_, parameters_);
  return has_best_;
}

bool CheckpointKeeper::has_saved(const Position& position) const {
  return saved_ && !best_pending_ && to_extra(*saved_) == to_extra(position);
}

std::string CheckpointKeeper::last_good() const {
  return saved_ ? file("last.safetensors").string() + " (" + describe(*saved_) + ")" : "";
}

std::optional<Position> CheckpointKeeper::load(const Accept& accept) {
  std::string damage;
  for (const char* name : {"last.safetensors", "last.prev.safetensors"}) {
    const fs::path path = file(name);
    std::error_code failure;
    if (!fs::exists(path, failure)) continue;
    try {
      const CheckpointInfo info = read_checkpoint_info(path);
      Position position = to_position(info.extra, path.string());
      accept(info, path.string());
      load_checkpoint(path, parameters_, /*optimizer=*/true, average_);
      if (!damage.empty()) {
        warn_(damage + "; going on from the checkpoint before it, " + path.string() + " (" +
              describe(position) + ")");
        // It must not become `last.prev` in the place of this one.
        fs::remove(file("last.safetensors"), failure);
      }
      load_best(position);
      saved_ = position;
      return position;
    } catch (const Error& error) {
      if (error.code() != ExitCode::failed || !damage.empty()) throw;
      damage = error.what();
    }
  }
  if (!damage.empty()) throw Error(damage + "; there is no checkpoint before it to go on from");
  return {};
}

/// The best weights were written under another name before `last` spoke of them, so that those which an older
/// `last` speaks of were still there; after a kill in between either name may hold the ones that count.
void CheckpointKeeper::load_best(Position& position) {
  const fs::path best = file("best.safetensors"), next = file("best.next.safetensors");
  const std::string wanted = std::to_string(position.best_step);
  for (const fs::path& path : {best, next}) {
    std::error_code failure;
    if (!fs::exists(path, failure)) continue;
    try {
      const CheckpointInfo info = read_checkpoint_info(path);
      const auto step = info.extra.find("step");
      if (position.best_step > 0 && step != info.extra.end() && step->second == wanted) {
        load_checkpoint(path, best_);
        best_extra_ = info.extra;
        has_best_ = true;
        best_pending_ = path == next;
        continue;
      }
    } catch (const Error& error) {
      warn_(std::string(error.what()) + "; it is passed over");
    }
    fs::remove(path, failure);  // of a future that is discarded, or damaged
  }
  if (has_best_) return;
  // From here on the best is what comes.
  position.best_epoch = position.best_step = position.stale = 0;
  position.best_val = no_metrics();
  position.best_is_ema = false;
}

void CheckpointKeeper::write(const Position& position) {
  write_best();
  write_last(position);
  if (!best_pending_) return;
  move_file(file("best.next.safetensors"), file("best.safetensors"));
  sync_renames(directory_);
  best_pending_ = false;
}

void CheckpointKeeper::write_best() {
  if (!best_pending_) return;
  CheckpointInfo info = info_;
  info.extra = best_extra_;
  note_trained_data(info, trained_data(info_));
  save_checkpoint(file("best.next.safetensors"), info, best_, /*optimizer=*/false);
}

void CheckpointKeeper::write_state(const fs::path& path, const Position& position) {
  CheckpointInfo info = info_;
  info.extra.merge(to_extra(position));
  save_checkpoint(path, info, parameters_, /*optimizer=*/true, average_);
}

void CheckpointKeeper::keep_boundary(const Position& position) {
  try {
    write_state(file("boundary.safetensors"), position);
  } catch (const Error& error) {
    warn_(std::string(error.what()) + "; should the run diverge it will go back further");
  }
}

Position CheckpointKeeper::load_boundary() {
  const fs::path path = file("boundary.safetensors");
  Position position = to_position(read_checkpoint_info(path).extra, path.string());
  load_checkpoint(path, parameters_, /*optimizer=*/true, average_);
  return position;
}

void CheckpointKeeper::write_last(const Position& position) {
  const fs::path next = file("last.next.safetensors");
  write_state(next, position);
  rotate(next, file("last.safetensors"), file("last.prev.safetensors"));
  saved_ = position;
}

}  // namespace frugal
