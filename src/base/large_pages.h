// Memory for large blocks that are written once: in pages of two megabytes, where the system has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace frugal {

/// Reserves room for `size` bytes and asks for large pages there. A page that is touched first costs the same
/// whatever its size; of the small ones a data set takes tens of thousands, which in a virtual machine can
/// take longer than all the rest of reading it.
void reserve_in_large_pages(std::vector<uint8_t>& bytes, size_t size);

}  // namespace frugal
