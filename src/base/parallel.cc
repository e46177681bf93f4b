#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace frugal {
namespace {

struct Loop {
  Loop(int64_t items, const std::function<void(int64_t)>& job) : count(items), work(job) {}

  int64_t count;
  const std::function<void(int64_t)>& work;
  std::atomic<int64_t> next{0}, done{0};
  std::mutex mutex;
  std::exception_ptr failure = nullptr;
  int64_t failed = count;  // the lowest so far

  /// False where there is nothing left to do.
  bool step() noexcept {
    // All lower numbers were claimed before this one, so the lowest that fails is always among those tried.
    const int64_t i = next.fetch_add(1);
    if (i >= count) return false;
    try {
      work(i);
      done.fetch_add(1);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (i < failed) {
        failed = i;
        failure = std::current_exception();
      }
      next.store(count);
    }
    return true;
  }
};

}  // namespace

void parallel_for(int64_t count, int threads, const std::function<void(int64_t)>& work,
                  const std::function<void(int64_t)>& progress) {
  if (threads <= 0) threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  threads = static_cast<int>(std::min<int64_t>(threads, count));
  Loop loop(count, work);
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) {
    try {
      others.emplace_back([&loop] {
        while (loop.step()) {
        }
      });
    } catch (const std::system_error&) {
      break;  // no more threads to be had: those that are there do it
    }
  }
  std::exception_ptr interrupted;
  try {
    while (loop.step()) {
      if (progress) progress(loop.done.load());
    }
  } catch (...) {  // progress may throw; the threads still end before what they work on does
    interrupted = std::current_exception();
    loop.next.store(count);
  }
  for (std::thread& other : others) other.join();
  if (loop.failure) std::rethrow_exception(loop.failure);
  if (interrupted) std::rethrow_exception(interrupted);
  if (progress) progress(count);
}

}  // namespace frugal
