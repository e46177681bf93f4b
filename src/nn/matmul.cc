#include "nn/matmul.h"

#include <algorithm>
#include <optional>

#include "nn/engine.h"
#include "nn/kernels/convert.h"
#include "nn/parameters.h"
#include "nn/primitive.h"

namespace frugal {
namespace {

onednn::Desc matrix(int64_t rows, int64_t columns, bool transposed, onednn::Type type) {
  return {{rows, columns}, type, transposed ? onednn::Dims{1, rows} : onednn::Dims{columns, 1}};
}

}  // namespace

struct Product::Plan {
  ProductShape shape;
  Primitive primitive;
  mutable std::optional<AlignedFloats> scratch;
  mutable std::optional<AlignedFloats> a, b;  // widened operands
};

Product::Product(const ProductShape& shape, bool bf16) : plan_(std::make_unique<Plan>()) {
  const bool widen = bf16 && !machine_info().bf16;
  const auto type = bf16 && !widen ? onednn::Type::bf16 : onednn::Type::f32;
  const onednn::Desc a = matrix(shape.m, shape.k, shape.a_transposed, type);
  const onednn::Desc b = matrix(shape.k, shape.n, shape.b_transposed, type);
  const onednn::Desc c = matrix(shape.m, shape.n, false, onednn::Type::f32);
  const auto desc = onednn::matmul(a, b, c);
  plan_->shape = shape;
  plan_->primitive = Primitive(desc, dnnl::matmul(desc),
                               {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}}, /*workers=*/1);
  plan_->scratch.emplace((plan_->primitive.scratch_bytes() + 3) / 4);
  if (widen) {
    plan_->a.emplace(shape.m * shape.k);
    plan_->b.emplace(shape.k * shape.n);
  }
}

Product::Product(Product&&) noexcept = default;
Product& Product::operator=(Product&&) noexcept = default;
Product::~Product() = default;

void Product::run(const void* a, const void* b, float* c) const {
  const ProductShape& s = plan_->shape;
  if (plan_->a) {
    convert(static_cast<const uint16_t*>(a), s.m * s.k, plan_->a->span().data());
    convert(static_cast<const uint16_t*>(b), s.k * s.n, plan_->b->span().data());
    a = plan_->a->span().data(), b = plan_->b->span().data();
  }
  void* const pointers[] = {const_cast<void*>(a), const_cast<void*>(b), c};
  plan_->primitive.run(0, plan_->scratch->span().data(), pointers);
}

}  // namespace frugal
