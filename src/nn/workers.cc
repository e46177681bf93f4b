#include "nn/workers.h"

#include <immintrin.h>

#include <algorithm>
#include <string>

#include "base/error.h"
#include "nn/openmp.h"

namespace frugal {
namespace {

/// A worker that waits spins this often before it sleeps: longer than the pause between two segments of a
/// step, far shorter than a time slice that a stranger might want.
constexpr int spins = 4000;

template <class Ready>
void spin(Ready ready) {
  for (int i = 0; i < spins && !ready(); ++i) _mm_pause();
}

/// Denormals are zero in every worker alike, so that results do not depend on who ran a shard.
constexpr unsigned flush_to_zero = 0x8000, denormals_are_zero = 0x0040;

class NumericMode {
 public:
  NumericMode() : csr_(_mm_getcsr()), omp_threads_(omp_get_max_threads()) {
    _mm_setcsr(csr_ | flush_to_zero | denormals_are_zero);
    omp_set_num_threads(1);
  }
  ~NumericMode() {
    _mm_setcsr(csr_);
    omp_set_num_threads(omp_threads_);
  }
  NumericMode(const NumericMode&) = delete;
  NumericMode& operator=(const NumericMode&) = delete;

 private:
  unsigned csr_;
  int omp_threads_;
};

}  // namespace

Workers::Workers(int threads) : parts_(static_cast<size_t>(std::max(threads, 1))) {
  try {
    for (int worker = 1; worker < threads; ++worker) threads_.emplace_back([this, worker] { serve(worker); });
  } catch (const std::exception& failure) {
    end();
    throw Error("cannot start " + std::to_string(threads) + " threads: " + failure.what() +
                "; use fewer (--threads)");
  }
}

Workers::~Workers() { end(); }

void Workers::end() {
  stop_.store(true);
  generation_.fetch_add(1);
  generation_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Workers::run(int64_t tasks, Task task) {
  const NumericMode mode;
  const int64_t workers = count();
  for (int64_t w = 0; w < workers; ++w) {
    Part& part = parts_[static_cast<size_t>(w)];
    part.next.store(tasks * w / workers, std::memory_order_relaxed);
    part.end = tasks * (w + 1) / workers;
  }
  task_ = &task;
  error_ = nullptr;
  failed_.store(false, std::memory_order_relaxed);
  unfinished_.store(count() - 1, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  work(0);
  spin([this] { return unfinished_.load(std::memory_order_acquire) == 0; });
  for (int left = unfinished_.load(std::memory_order_acquire); left != 0;
       left = unfinished_.load(std::memory_order_acquire)) {
    unfinished_.wait(left, std::memory_order_acquire);
  }
  if (error_) std::rethrow_exception(error_);
}

void Workers::serve(int worker) {
  const NumericMode mode;
  uint32_t seen = 0;
  while (true) {
    spin([&] { return generation_.load(std::memory_order_acquire) != seen; });
    generation_.wait(seen, std::memory_order_acquire);
    seen = generation_.load(std::memory_order_acquire);
    if (stop_.load()) return;
    work(worker);
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
  }
}

void Workers::work(int worker) {
  const size_t parts = parts_.size();
  for (size_t i = 0; i < parts; ++i) {
    Part& part = parts_[(static_cast<size_t>(worker) + i) % parts];
    while (!failed_.load(std::memory_order_relaxed)) {
      const int64_t claimed = part.next.fetch_add(1, std::memory_order_relaxed);
      if (claimed >= part.end) break;
      try {
        (*task_)(worker, claimed);
      } catch (...) {
        const std::lock_guard lock(error_mutex_);
        if (!error_) error_ = std::current_exception();
        failed_.store(true, std::memory_order_relaxed);
      }
    }
  }
}

}  // namespace frugal
