#include "base/large_pages.h"

#include <sys/mman.h>

#include <memory>

namespace frugal {

void reserve_in_large_pages(std::vector<uint8_t>& bytes, size_t size) {
  constexpr size_t small_page = 4096, large_page = size_t{2} << 20;
  bytes.reserve(size);
  void* first = bytes.data();
  size_t room = bytes.capacity();
  if (std::align(small_page, 2 * large_page, first, room) == nullptr) return;  // too little for it to matter
  // Where it is refused, pages are small ones.
  ::madvise(first, room / small_page * small_page, MADV_HUGEPAGE);
}

}  // namespace frugal
