#include "nn/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/tensor_view.h"
#include "golden_tensor.h"

namespace frugal {
namespace {

/// Against sums in double, of operands that bf16 holds exactly.
void check(const ProductShape& s, bool bf16) {
  std::vector<float> a(static_cast<size_t>(s.m * s.k)), b(static_cast<size_t>(s.k * s.n));
  golden::fill_uniform(a, 1, 1, 0, 1);
  golden::fill_uniform(b, 1, 2, 0, 1);
  std::vector<uint16_t> a16, b16;
  for (float& v : a) a16.push_back(to_bf16(v)), v = from_bf16(a16.back());
  for (float& v : b) b16.push_back(to_bf16(v)), v = from_bf16(b16.back());
  std::vector<float> c(static_cast<size_t>(s.m * s.n), 7);
  const Product product(s, bf16);
  for (int run = 0; run < 2; ++run) {
    bf16 ? product.run(a16.data(), b16.data(), c.data()) : product.run(a.data(), b.data(), c.data());
  }
  for (int64_t i = 0; i < s.m; ++i) {
    for (int64_t j = 0; j < s.n; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < s.k; ++k) {
        sum += static_cast<double>(a[static_cast<size_t>(s.a_transposed ? k * s.m + i : i * s.k + k)]) *
               b[static_cast<size_t>(s.b_transposed ? j * s.k + k : k * s.n + j)];
      }
      ASSERT_NEAR(c[static_cast<size_t>(i * s.n + j)], sum, 1e-6 * static_cast<double>(s.k))
          << s.m << "x" << s.n << "x" << s.k << " " << s.a_transposed << s.b_transposed << bf16;
    }
  }
}

TEST(Product, IsTheSumOfProductsHoweverItsOperandsLie) {
  for (const bool bf16 : {false, true}) {
    for (const bool a : {false, true}) {
      for (const bool b : {false, true}) {
        check({5, 7, 3, a, b}, bf16);
        check({1, 1, 1, a, b}, bf16);
        check({33, 20, 100, a, b}, bf16);
      }
    }
  }
}

}  // namespace
}  // namespace frugal
