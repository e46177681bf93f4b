// PReLU (He et al. 2015): x where positive, else slope * x, with learned slopes.
#pragma once

#include <cstdint>

namespace frugal {

/// x, y: [rows, c] in fp32 or bf16 (`T` is float or uint16_t). slope: [c].
template <class T>
void prelu_forward(const T* x, int64_t rows, int64_t c, const float* slope, T* y);

/// dx, unless null, may be x; `add`: to what dx holds. Adds the sums of dy * min(x, 0) to dslope, [c].
template <class T>
void prelu_backward(const T* x, const T* dy, int64_t rows, int64_t c, const float* slope, bool add, T* dx,
                    float* dslope);

}  // namespace frugal
