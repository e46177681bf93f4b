// Copies and sums of matrices whose rows lie apart: slices of channels, every other pixel.
#pragma once

#include <cstdint>

namespace frugal {

/// Rows of `columns` numbers; strides, in numbers, from one row to the next. T is float or uint16_t (bf16).
template <class T>
void copy_rows(int64_t rows, int64_t columns, const T* from, int64_t from_stride, T* to, int64_t to_stride);

/// to += from.
template <class T>
void add_rows(int64_t rows, int64_t columns, const T* from, int64_t from_stride, T* to, int64_t to_stride);

}  // namespace frugal
