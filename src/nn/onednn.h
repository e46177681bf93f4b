// The one place that knows that oneDNN's version 2 describes operations by `::desc` objects (Debian 12) and
// version 3 does not (Debian 13). Everything here makes primitive descriptors; `primitive.h` runs them.
#pragma once

#include <oneapi/dnnl/dnnl_version.h>
#include <oneapi/dnnl/dnnl.hpp>

namespace frugal::onednn {

using Desc = dnnl::memory::desc;
using Dims = dnnl::memory::dims;
using Type = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

inline const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

/// Scratch memory is ours to give, so that a step allocates none.
inline dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}
/// Likewise, and the result is added to what the destination holds.
inline dnnl::primitive_attr adding() {
  dnnl::primitive_attr attributes = user_scratchpad();
  dnnl::post_ops sum;
  sum.append_sum(1.0f);
  attributes.set_post_ops(sum);
  return attributes;
}

/// `dilation` as oneDNN counts it: 0 is none.
struct ConvShape {
  Dims strides, dilation, padding;
};

constexpr auto conv_algorithm = dnnl::algorithm::convolution_direct;

#if DNNL_VERSION_MAJOR >= 3
inline dnnl::convolution_forward::primitive_desc conv_forward(dnnl::prop_kind kind, const Desc& src,
                                                              const Desc& weights, const Desc& bias,
                                                              const Desc& dst, const ConvShape& s,
                                                              const dnnl::primitive_attr& attributes) {
  return {cpu(), kind,      conv_algorithm, src,       weights,   bias,
          dst,   s.strides, s.dilation,     s.padding, s.padding, attributes};
}
inline dnnl::convolution_backward_data::primitive_desc conv_backward_data(
    const Desc& diff_src, const Desc& weights, const Desc& diff_dst, const ConvShape& s,
    const dnnl::convolution_forward::primitive_desc& hint) {
  return {cpu(),      conv_algorithm, diff_src,  weights, diff_dst,         s.strides,
          s.dilation, s.padding,      s.padding, hint,    user_scratchpad()};
}
inline dnnl::convolution_backward_weights::primitive_desc conv_backward_weights(
    const Desc& src, const Desc& diff_weights, const Desc& diff_bias, const Desc& diff_dst,
    const ConvShape& s, const dnnl::convolution_forward::primitive_desc& hint) {
  return {cpu(),     conv_algorithm, src,       diff_weights, diff_bias, diff_dst,
          s.strides, s.dilation,     s.padding, s.padding,    hint,      user_scratchpad()};
}
inline dnnl::inner_product_forward::primitive_desc linear_forward(dnnl::prop_kind kind, const Desc& src,
                                                                  const Desc& weights, const Desc& bias,
                                                                  const Desc& dst) {
  return {cpu(), kind, src, weights, bias, dst, user_scratchpad()};
}
inline dnnl::inner_product_backward_data::primitive_desc linear_backward_data(
    const Desc& diff_src, const Desc& weights, const Desc& diff_dst,
    const dnnl::inner_product_forward::primitive_desc& hint) {
  return {cpu(), diff_src, weights, diff_dst, hint, user_scratchpad()};
}
inline dnnl::matmul::primitive_desc matmul(const Desc& a, const Desc& b, const Desc& c) {
  return {cpu(), a, b, c, user_scratchpad()};
}
#else
inline dnnl::convolution_forward::primitive_desc conv_forward(dnnl::prop_kind kind, const Desc& src,
                                                              const Desc& weights, const Desc& bias,
                                                              const Desc& dst, const ConvShape& s,
                                                              const dnnl::primitive_attr& attributes) {
  return {{kind, conv_algorithm, src, weights, bias, dst, s.strides, s.dilation, s.padding, s.padding},
          attributes,
          cpu()};
}
inline dnnl::convolution_backward_data::primitive_desc conv_backward_data(
    const Desc& diff_src, const Desc& weights, const Desc& diff_dst, const ConvShape& s,
    const dnnl::convolution_forward::primitive_desc& hint) {
  return {{conv_algorithm, diff_src, weights, diff_dst, s.strides, s.dilation, s.padding, s.padding},
          user_scratchpad(),
          cpu(),
          hint};
}
inline dnnl::convolution_backward_weights::primitive_desc conv_backward_weights(
    const Desc& src, const Desc& diff_weights, const Desc& diff_bias, const Desc& diff_dst,
    const ConvShape& s, const dnnl::convolution_forward::primitive_desc& hint) {
  return {
      {conv_algorithm, src, diff_weights, diff_bias, diff_dst, s.strides, s.dilation, s.padding, s.padding},
      user_scratchpad(),
      cpu(),
      hint};
}
inline dnnl::inner_product_forward::primitive_desc linear_forward(dnnl::prop_kind kind, const Desc& src,
                                                                  const Desc& weights, const Desc& bias,
                                                                  const Desc& dst) {
  return {{kind, src, weights, bias, dst}, user_scratchpad(), cpu()};
}
inline dnnl::inner_product_backward_data::primitive_desc linear_backward_data(
    const Desc& diff_src, const Desc& weights, const Desc& diff_dst,
    const dnnl::inner_product_forward::primitive_desc& hint) {
  return {{diff_src, weights, diff_dst}, user_scratchpad(), cpu(), hint};
}
inline dnnl::matmul::primitive_desc matmul(const Desc& a, const Desc& b, const Desc& c) {
  return {{a, b, c}, user_scratchpad(), cpu()};
}
#endif

}  // namespace frugal::onednn
