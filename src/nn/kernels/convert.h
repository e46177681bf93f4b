// Changes of type and of order: fp32 to bf16 and back, and PyTorch's feature order of a flattened image.
#pragma once

#include <cstdint>

namespace frugal {

/// Converts n numbers; a plain copy where the types agree.
template <class From, class To>
void convert(const From* from, int64_t n, To* to);

/// One image [pixels, c] to [c, pixels]; the inverse swaps the two numbers. T is float or uint16_t (bf16).
/// `add`: to what is there.
template <class T>
void transpose(const T* from, int64_t rows, int64_t columns, T* to, bool add = false);

}  // namespace frugal
