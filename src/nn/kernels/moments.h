// Mean and sum of squared deviations by channel, and their combination; never E[x^2] - E[x]^2.
// Chan, Golub, LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979.
#pragma once

#include <cstdint>

namespace frugal {

/// x: [rows, c] in fp32 or bf16 (uint16_t). Writes mean and m2, [c].
template <class T>
void channel_moments(const T* x, int64_t rows, int64_t c, float* mean, float* m2);

/// Combines (count_b, mean_b, m2_b) into (count_a, mean_a, m2_a), [c] each.
void combine_moments(int64_t c, int64_t count_a, float* mean_a, float* m2_a, int64_t count_b,
                     const float* mean_b, const float* m2_b);

/// Adds the rows of x, [rows, c], into sum, [c], which is overwritten.
template <class T>
void channel_sums(const T* x, int64_t rows, int64_t c, float* sum);

}  // namespace frugal
