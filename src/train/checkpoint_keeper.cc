#include "train/checkpoint_keeper.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.h"

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

/// Renames are on disk only after this.
void sync_directory(const fs::path& directory) {
  const int file = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = file >= 0 && fsync(file) == 0;
  const int reason = errno;
  if (file >= 0) close(file);
  if (!synced) throw Error(directory.string() + ": cannot sync: " + std::system_category().message(reason));
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
  sync_directory(last.parent_path().empty() ? fs::path(".") : last.parent_path());
}

}  // namespace

CheckpointKeeper::CheckpointKeeper(fs::path directory, CheckpointInfo info, const Graph& graph,
                                   Parameters& parameters, Warn warn)
    : directory_(std::move(directory)),
      info_(std::move(info)),
      parameters_(parameters),
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

std::string CheckpointKeeper::last_good() const {
  return saved_.empty() ? "" : (directory_ / "last.safetensors").string() + " (" + saved_ + ")";
}

void CheckpointKeeper::save(const Position& position) {
  try {
    finish(position);
  } catch (const Error& error) {
    warn_(std::string(error.what()) + "; training goes on and will try to save again");
  }
}

void CheckpointKeeper::finish(const Position& position) {
  // The best first: what `last` says of it must be there.
  write_best();
  write_last(position);
}

void CheckpointKeeper::write_best() {
  if (!best_pending_) return;
  CheckpointInfo info = info_;
  info.extra = best_extra_;
  save_checkpoint(directory_ / "best.safetensors", info, best_, /*optimizer=*/false);
  best_pending_ = false;
}

void CheckpointKeeper::write_last(const Position& position) {
  CheckpointInfo info = info_;
  info.extra = to_extra(position);
  const fs::path next = directory_ / "last.next.safetensors", last = directory_ / "last.safetensors";
  save_checkpoint(next, info, parameters_, /*optimizer=*/true);
  rotate(next, last, directory_ / "last.prev.safetensors");
  saved_ = describe(position);
}

}  // namespace frugal
