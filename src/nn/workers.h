// The engine's threads. They run numbered tasks, claimed one by one; whoever calls takes part as worker 0.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/function_ref.h"

namespace frugal {

/// Every worker, and the caller while it is in run(), keeps oneDNN's OpenMP to one thread and treats denormal
/// numbers as zero.
class Workers {
 public:
  /// An Error where the system does not give so many.
  explicit Workers(int threads);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  int count() const { return static_cast<int>(threads_.size()) + 1; }

  using Task = FunctionRef<void(int worker, int64_t task)>;

  /// Runs every task in [0, tasks) once and returns when all are done. Each worker begins in its own part of
  /// the range, so that successive calls tend to find their data in the same core's cache, then helps the
  /// others. After an exception no further task is begun, and the first one is rethrown. One caller at a
  /// time.
  void run(int64_t tasks, Task task);

 private:
  void end();
  void serve(int worker);
  void work(int worker);

  /// A part of the range, with a cache line of its own: claims are the only thing that workers share.
  struct alignas(64) Part {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };

  std::vector<std::thread> threads_;
  std::vector<Part> parts_;
  const Task* task_ = nullptr;
  std::atomic<uint32_t> generation_{0};
  std::atomic<int> unfinished_{0};
  std::atomic<bool> stop_{false}, failed_{false};
  std::mutex error_mutex_;
  std::exception_ptr error_;
};

}  // namespace frugal
