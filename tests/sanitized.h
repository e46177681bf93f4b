// FRUGAL_SANITIZED where a sanitizer stands in for the allocation functions and takes all of the address
// space.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FRUGAL_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FRUGAL_SANITIZED
#endif
#endif
