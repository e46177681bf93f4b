// Counts allocations by standing in for the allocation functions of the C library and of C++; what oneDNN's
// execute() allocates for itself is left out, by who called. To be included by one source of a test program;
// FRUGAL_COUNTS_ALLOCATIONS is defined where counting is possible.
#pragma once

#include <dlfcn.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string_view>

#include "sanitized.h"  // sanitizers stand there themselves

#if defined(__GLIBC__) && !defined(FRUGAL_SANITIZED)
#define FRUGAL_COUNTS_ALLOCATIONS

// One source includes it, and the names are the C library's.
// NOLINTBEGIN(misc-definitions-in-headers, bugprone-reserved-identifier)
namespace {

std::atomic<bool> counting{false};
std::atomic<int64_t> allocations{0};

void count(const void* caller) {
  if (!counting) return;
  Dl_info info;
  const bool known = dladdr(caller, &info) != 0 && info.dli_fname != nullptr;
  if (known && std::string_view(info.dli_fname).find("libdnnl") != std::string_view::npos) return;
  allocations.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

void* malloc(size_t size) {
  count(__builtin_return_address(0));
  return __libc_malloc(size);
}
void* calloc(size_t number, size_t size) {
  count(__builtin_return_address(0));
  return __libc_calloc(number, size);
}
void* realloc(void* p, size_t size) {
  count(__builtin_return_address(0));
  return __libc_realloc(p, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  count(__builtin_return_address(0));
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** p, size_t alignment, size_t size) {
  count(__builtin_return_address(0));
  *p = __libc_memalign(alignment, size);
  return *p ? 0 : ENOMEM;
}
}

[[gnu::noinline]] void* operator new(size_t size) {
  count(__builtin_return_address(0));
  if (void* p = __libc_malloc(size)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, size_t) noexcept { std::free(p); }
// NOLINTEND(misc-definitions-in-headers, bugprone-reserved-identifier)

#endif
