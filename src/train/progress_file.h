// progress.bin of a run directory: the lock that keeps two programs out of one run; once a second the time
// that the run has used; and, where a clock drives the run, everything that was decided by it: the progress
// of every step, which epochs were validated, how many images the last evaluations took. A replay needs no
// more. A header of 16 bytes, then records of 16 bytes each, little-endian, only ever appended.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace frugal {

inline constexpr char progress_magic[17] = "frugalprogress1\n";

struct ProgressRecord {
  enum class Kind : uint32_t {
    heartbeat = 1,  // value: seconds used since the run began
    step = 2,       // value: progress at which step `step` was taken
    validate = 3,   // value: 1 or 0, whether the weights after `step` steps were validated at an epoch's end
    trained = 4,    // training ended after `step` steps; value: 1 if an epoch's end did not know yet
    validated = 5,  // value: images of the last validation
    tested = 6,     // value: images of the test
    rewind = 7,     // a resumed run went back to `step` steps: what stands before of later ones is void
    averaged = 8,   // value: images of the last validation of the average of weights
  };
  Kind kind = Kind::heartbeat;
  uint32_t step = 0;  // steps that were done by then
  double value = 0;
};
static_assert(sizeof(ProgressRecord) == 16);

/// What a progress.bin tells.
struct ProgressLog {
  double seconds_used = 0;
  std::vector<double> steps;                           // progress of each step, in order
  std::map<int64_t, bool> validate;                    // by steps done
  bool trained_late = false;                           // which the epoch's end before did not know yet
  int64_t trained = -1;                                // steps after which training ended, or -1
  int64_t validated = -1, averaged = -1, tested = -1;  // images, or -1
  int64_t bytes = 0;                                   // of the file that hold this
};

/// An Error where there is no such file, or another program's, or one that is damaged in its middle. What a
/// power cut left of the last records is passed over.
ProgressLog read_progress(const std::filesystem::path& path);

class ProgressFile {
 public:
  enum class Open { anew, go_on };
  /// Makes the file or goes on with it (anew where there is none), and locks it. `used` gives the seconds
  /// that this process has spent on the run, and is called from several threads. An Error where another
  /// program holds the lock.
  ProgressFile(const std::filesystem::path& directory, Open how, std::function<double()> used);
  /// Writes the time used for the last time, if the run has begun, and unlocks.
  ~ProgressFile();
  ProgressFile(const ProgressFile&) = delete;
  ProgressFile& operator=(const ProgressFile&) = delete;

  /// Starts the heartbeat. A run that is refused before has taken no time.
  void begin();

  /// Of the run: of this process, and of those before that it goes on from, until their last heartbeat.
  double seconds_used() const { return log_.seconds_used + used_(); }
  /// What the file held when it was opened.
  const ProgressLog& log() const { return log_; }

  /// Appends; a failure is kept for sync() to tell.
  void append(ProgressRecord::Kind kind, int64_t step, double value);
  /// Puts on disk what was appended; an Error where any record could not be written.
  void sync();

 private:
  void open_file(Open how, const std::filesystem::path& directory);
  void beat();
  void write_heartbeat();
  bool write(const ProgressRecord& record);

  std::filesystem::path path_;
  std::function<double()> used_;
  ProgressLog log_;
  int file_ = -1;
  int64_t offset_ = 0;
  std::vector<ProgressRecord> unwritten_;  // of a disk that was full for a while
  std::mutex mutex_;
  std::condition_variable stop_signal_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace frugal
