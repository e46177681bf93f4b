// The two calls of OpenMP that we make, declared by hand: only oneDNN uses OpenMP, CMake links the runtime
// that oneDNN is linked to (FRUGAL_OPENMP_LIBRARY), and clang has no <omp.h> of that runtime.
#pragma once

extern "C" {
void omp_set_num_threads(int threads) noexcept;  // of the calling thread
int omp_get_max_threads() noexcept;
}
