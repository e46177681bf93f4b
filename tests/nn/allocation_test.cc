// A step in steady state allocates nothing of ours. Counted by standing in for the allocation functions of
// the C library and of C++; what oneDNN's execute() allocates for itself is left out, by who called.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <string_view>

#include "golden_batch.h"
#include "golden_tensor.h"
#include "graph/presets.h"

// Sanitizers stand there themselves.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FRUGAL_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FRUGAL_SANITIZED
#endif
#endif

#if defined(__GLIBC__) && !defined(FRUGAL_SANITIZED)

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

namespace frugal {
namespace {

class Allocation : public testing::TestWithParam<std::tuple<Precision, BatchNormMode>> {};

TEST_P(Allocation, StepsAllocateNothingOnceWarm) {
  const auto& [precision, batch_norm] = GetParam();
  if (precision == Precision::bf16 && !machine_info().bf16) GTEST_SKIP() << "this processor has no bf16";
  const Graph graph = smallnet({16, 16, 3}, 10);
  const auto engine = make_shard_engine(
      graph, {.threads = 2, .batch = 32, .shard = 8, .precision = precision, .batch_norm = batch_norm});
  engine->parameters().initialise(1);
  golden::MemoryBatch full;
  full.shape = graph.input;
  full.images.resize(static_cast<size_t>(32 * graph.input.elements()));
  full.labels = golden::draw_labels(32, 1, 0, 10);
  golden::fill_uniform(full.images, 1, golden::layer_images, 0.5f, 0.5f);
  golden::MemoryBatch last = full;
  last.images.resize(static_cast<size_t>(13 * graph.input.elements()));
  last.labels.resize(13);
  golden::Sgd sgd{0.05f, 0.9f, 0, {}};
  const LogitSink sink = [](int64_t, int64_t, const float*) {};

  const auto epoch = [&] {
    for (golden::MemoryBatch* batch : {&full, &full, &last}) {
      engine->train_step(*batch, golden::TestLoss(*batch), {});
      sgd.step(*engine);
    }
    engine->evaluate(full, sink);
    engine->evaluate(last, sink);
  };
  counting = true;
  epoch();
  EXPECT_GT(allocations.exchange(0), 0) << "nothing is counted";
  epoch();
  allocations = 0;
  epoch();
  counting = false;
  EXPECT_EQ(allocations, 0);
}

INSTANTIATE_TEST_SUITE_P(Nn, Allocation,
                         testing::Combine(testing::Values(Precision::fp32, Precision::bf16),
                                          testing::Values(BatchNormMode::ghost, BatchNormMode::sync)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param) == Precision::bf16 ? "bf16" : "fp32") +
                                  (std::get<1>(info.param) == BatchNormMode::ghost ? "_ghost" : "_sync");
                         });

}  // namespace
}  // namespace frugal

#endif
