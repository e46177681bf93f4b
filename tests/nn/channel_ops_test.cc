// Ops that move channels about or weigh them, against their definitions.
#include <gtest/gtest.h>

#include "op_check.h"

namespace frugal {
namespace {

class ChannelOps : public testing::TestWithParam<int> {};

TEST_P(ChannelOps, Gate) {
  for (const Shape shape : {Shape{7, 9, GetParam()}, Shape{1, 1, GetParam()}}) {
    GraphBuilder net("gate", shape);
    const Value y = net.gate(net.input(), net.adaptive_avg_pool(net.input(), 1));
    check_op({net.finish(net.flatten(y)), y.node, [=](const std::vector<Numbers>& in, const auto&) {
                Numbers out = in[0];
                for (size_t i = 0; i < out.size(); ++i) out[i] *= in[1][i % in[1].size()];
                return out;
              }});
  }
}

TEST_P(ChannelOps, PadChannels) {
  const int64_t before = 3, behind = 2;
  for (const int stride : {1, 2, 3}) {
    SCOPED_TRACE(stride);
    const Shape in{5, 6, GetParam()};
    GraphBuilder net("pad", in);
    const Value y = net.pad_channels(net.input(), before, behind, stride);
    const Shape out = net.shape(y);
    check_op({net.finish(net.flatten(y)), y.node, [=](const std::vector<Numbers>& x, const auto&) {
                Numbers result(static_cast<size_t>(out.elements()));
                for (int64_t h = 0; h < in.h; h += stride) {
                  for (int64_t w = 0; w < in.w; w += stride) {
                    for (int64_t c = 0; c < in.c; ++c) {
                      result[index(out, h / stride, w / stride, before + c)] = x[0][index(in, h, w, c)];
                    }
                  }
                }
                return result;
              }});
  }
}

TEST_P(ChannelOps, Concat) {
  GraphBuilder net("concat", {3, 5, GetParam()});
  const Value wide = net.pad_channels(net.input(), 5, 8);
  const Value y = net.concat({net.input(), wide, net.relu(net.input())});
  const Shape out = net.shape(y);
  check_op({net.finish(net.flatten(y)), y.node, [=](const std::vector<Numbers>& x, const auto&) {
              Numbers result;
              for (size_t pixel = 0; pixel < static_cast<size_t>(out.h * out.w); ++pixel) {
                for (const Numbers& part : x) {
                  const size_t width = part.size() / static_cast<size_t>(out.h * out.w);
                  const auto first = part.begin() + static_cast<std::ptrdiff_t>(pixel * width);
                  result.insert(result.end(), first, first + static_cast<std::ptrdiff_t>(width));
                }
              }
              return result;
            }});
}

TEST_P(ChannelOps, Flatten) {
  const Shape in{5, 4, GetParam()};
  GraphBuilder net("flatten", in);
  const Value y = net.flatten(net.input());
  check_op({net.finish(y), y.node, [=](const std::vector<Numbers>& x, const auto&) {
              Numbers out;
              for (int64_t c = 0; c < in.c; ++c) {
                for (int64_t h = 0; h < in.h; ++h) {
                  for (int64_t w = 0; w < in.w; ++w) out.push_back(x[0][index(in, h, w, c)]);
                }
              }
              return out;
            }});
}

INSTANTIATE_TEST_SUITE_P(Channels, ChannelOps, testing::Values(1, 3, 17, 48));

}  // namespace
}  // namespace frugal
