// Products of matrices for those who do not know oneDNN (optimizers that work on whole weight matrices).
#pragma once

#include <cstdint>
#include <memory>

namespace frugal {

/// c [m, n] = a [m, k] b [k, n], row by row; a transposed operand lies in memory as [k, m] or [n, k].
struct ProductShape {
  int64_t m = 1, n = 1, k = 1;
  bool a_transposed = false, b_transposed = false;
};

/// One product, planned once, run by one thread at a time; run() allocates nothing. To be made and run on an
/// engine's threads (Engine::parallel_for), where oneDNN keeps to one thread; then the result has the same
/// bits whichever thread it is.
class Product {
 public:
  /// `bf16`: operands are bf16 (uint16_t), sums fp32. Where the processor has no bf16, they are widened
  /// first: slow, and the same but for the order of sums.
  Product(const ProductShape& shape, bool bf16);
  Product(const Product&) = delete;
  Product& operator=(const Product&) = delete;
  Product(Product&&) noexcept;
  Product& operator=(Product&&) noexcept;
  ~Product();

  /// a, b: float, or uint16_t for bf16. c: m * n floats, overwritten.
  void run(const void* a, const void* b, float* c) const;

 private:
  struct Plan;
  std::unique_ptr<Plan> plan_;
};

}  // namespace frugal
