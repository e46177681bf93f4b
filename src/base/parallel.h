// A loop over independent items on several threads, for what is not the training step: decoding, hashing,
// copying.
#pragma once

#include <cstdint>
#include <functional>

namespace frugal {

/// Calls work(i) for every i in [0, count), on `threads` threads (0: as many as this process may run on), of
/// which the calling one is one. Numbers are claimed in order. When some throw, no further ones are begun and
/// the exception of the lowest number is passed on: the same one at any number of threads. `progress(done)`
/// is called now and then, on the calling thread, and at the end.
void parallel_for(int64_t count, int threads, const std::function<void(int64_t)>& work,
                  const std::function<void(int64_t)>& progress = nullptr);

}  // namespace frugal
