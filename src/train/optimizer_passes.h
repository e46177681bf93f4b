// The loops of the optimizers over a stretch of the flat blocks: no calls, no branches, no aliases, so that
// they vectorise. Every number is rounded as written, whatever the width of a vector.
#pragma once

#include <cmath>
#include <cstdint>

namespace frugal {

/// torch.optim.SGD with dampening 0: g += decay * w; b = momentum * b + g; w -= lr * (nesterov ? g + momentum
/// * b : b). PyTorch starts with b = g, which is what b = 0 gives here.
template <bool nesterov>
void sgd_momentum_pass(float* __restrict w, const float* __restrict g, float* __restrict b, int64_t count,
                       float lr, float momentum, float decay) {
  for (int64_t i = 0; i < count; ++i) {
    const float gradient = g[i] + decay * w[i];
    const float velocity = momentum * b[i] + gradient;
    b[i] = velocity;
    w[i] -= lr * (nesterov ? gradient + momentum * velocity : velocity);
  }
}

inline void sgd_pass(float* __restrict w, const float* __restrict g, int64_t count, float lr, float decay) {
  for (int64_t i = 0; i < count; ++i) w[i] -= lr * (g[i] + decay * w[i]);
}

/// `b` null: without momentum.
inline void sgd_any_pass(float* w, const float* g, float* b, int64_t count, float lr, float momentum,
                         float decay, bool nesterov) {
  if (b == nullptr || momentum == 0) {
    sgd_pass(w, g, count, lr, decay);
  } else if (nesterov) {
    sgd_momentum_pass<true>(w, g, b, count, lr, momentum, decay);
  } else {
    sgd_momentum_pass<false>(w, g, b, count, lr, momentum, decay);
  }
}

/// What a step of Adam multiplies by, in the order of torch.optim.Adam's single-tensor form.
struct AdamFactors {
  float beta1, one_minus_beta1, beta2, one_minus_beta2;
  float step_size;  // lr / (1 - beta1^t)
  float root;       // sqrt(1 - beta2^t)
  float eps;
  float coupled;  // decay added to the gradient (Adam)
  float shrink;   // factor of the weights before the step, 1 - lr * decay (AdamW)
};

/// Kingma and Ba, "Adam", 2015; Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.
inline void adam_pass(float* __restrict w, const float* __restrict g, float* __restrict m,
                      float* __restrict v, int64_t count, const AdamFactors& f) {
  const AdamFactors k = f;  // its own copy: w might alias f as far as the compiler knows
  for (int64_t i = 0; i < count; ++i) {
    const float weight = w[i] * k.shrink;
    const float gradient = g[i] + k.coupled * weight;
    const float mean = m[i] * k.beta1 + gradient * k.one_minus_beta1;
    const float square = v[i] * k.beta2 + gradient * gradient * k.one_minus_beta2;
    m[i] = mean;
    v[i] = square;
    w[i] = weight - k.step_size * (mean / (std::sqrt(square) / k.root + k.eps));
  }
}

}  // namespace frugal
