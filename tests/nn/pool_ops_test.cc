// Pools and blurring against PyTorch's definitions.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "op_check.h"

namespace frugal {
namespace {

struct Window {
  int64_t begin, end;  // perhaps beyond the image
  bool holds(int64_t i) const { return begin <= i && i < end; }
};

/// Calls f(output, h, w, c, window of rows, window of columns) for every output.
template <class Rows, class Columns, class F>
void for_windows(const Shape& out, Rows&& rows, Columns&& columns, F&& f) {
  for (int64_t h = 0; h < out.h; ++h) {
    for (int64_t w = 0; w < out.w; ++w) {
      for (int64_t c = 0; c < out.c; ++c) f(index(out, h, w, c), c, rows(h), columns(w));
    }
  }
}

template <class F>
Numbers pool(const Node& node, const Numbers& x, F&& reduce) {
  Numbers y(static_cast<size_t>(node.out.elements()));
  const bool adaptive = node.kind == OpKind::adaptive_avg_pool || node.kind == OpKind::adaptive_max_pool;
  const auto window = [&](int64_t o, int64_t in, int64_t out, int kernel, int stride, int padding) -> Window {
    if (adaptive) {
      const double size = static_cast<double>(in) / static_cast<double>(out);
      return {static_cast<int64_t>(std::floor(static_cast<double>(o) * size)),
              static_cast<int64_t>(std::ceil(static_cast<double>(o + 1) * size - 1e-9))};
    }
    return {o * stride - padding, o * stride - padding + kernel};
  };
  for_windows(
      node.out,
      [&](int64_t o) {
        return window(o, node.in.h, node.out.h, node.kernel.h, node.stride.h, node.padding.h);
      },
      [&](int64_t o) {
        return window(o, node.in.w, node.out.w, node.kernel.w, node.stride.w, node.padding.w);
      },
      [&](size_t out, int64_t c, Window rows, Window columns) {
        Numbers inside;
        for (int64_t h = 0; h < node.in.h; ++h) {
          for (int64_t w = 0; w < node.in.w; ++w) {
            if (rows.holds(h) && columns.holds(w)) inside.push_back(x[index(node.in, h, w, c)]);
          }
        }
        y[out] = reduce(inside, rows, columns);
      });
  return y;
}

OpCase max_case(const GraphBuilder& builder, Value y) {
  GraphBuilder net = builder;
  const Graph graph = net.finish(net.flatten(y));
  const Node node = graph.nodes[static_cast<size_t>(y.node)];
  return {graph, y.node,
          [node](const std::vector<Numbers>& in, const std::vector<Numbers>&) {
            return pool(node, in[0], [](const Numbers& inside, Window, Window) {
              return *std::max_element(inside.begin(), inside.end());
            });
          },
          true, true};
}

OpCase average_case(const GraphBuilder& builder, Value y) {
  GraphBuilder net = builder;
  const Graph graph = net.finish(net.flatten(y));
  const Node node = graph.nodes[static_cast<size_t>(y.node)];
  return {graph, y.node,
          [node](const std::vector<Numbers>& in, const std::vector<Numbers>&) {
            return pool(node, in[0], [&](const Numbers& inside, Window rows, Window columns) {
              double sum = 0;
              for (double v : inside) sum += v;
              auto divisor = static_cast<double>(inside.size());
              if (node.kind == OpKind::avg_pool && node.count_include_pad) {
                const int64_t bottom = std::min(rows.end, node.in.h + node.padding.h);
                const int64_t right = std::min(columns.end, node.in.w + node.padding.w);
                divisor = static_cast<double>((bottom - rows.begin) * (right - columns.begin));
              }
              return sum / divisor;
            });
          },
          false, true};
}

/// Channels that are vectors, ends of vectors, and both.
class PoolOps : public testing::TestWithParam<int> {
 protected:
  GraphBuilder image(int64_t h, int64_t w) const { return {"pool", {h, w, GetParam()}}; }
};

const PoolOptions windows[] = {
    {.kernel = 2},
    {.kernel = 3, .stride = 2, .padding = 1},
    {.kernel = 3, .stride = 1, .padding = 1},
    {.kernel = 2, .stride = 2, .ceil_mode = true},                     // reaches behind the image
    {.kernel = {4, 3}, .stride = 3, .padding = 1, .ceil_mode = true},  // and behind the padding
    {.kernel = {3, 2}, .stride = {2, 3}, .padding = {1, 0}, .ceil_mode = true},
    {.kernel = {1, 4}, .stride = {3, 1}, .padding = {0, 2}, .count_include_pad = false},
    {.kernel = {4, 3}, .stride = {3, 2}, .padding = {2, 1}, .ceil_mode = true, .count_include_pad = false},
    {.kernel = 2, .stride = 3},
};

TEST_P(PoolOps, Maximum) {
  for (const PoolOptions& options : windows) {
    SCOPED_TRACE(&options - windows);
    GraphBuilder net = image(7, 5);
    const Value y = net.max_pool(net.input(), options);
    check_op(max_case(net, y));
  }
}

TEST_P(PoolOps, Average) {
  for (const PoolOptions& options : windows) {
    SCOPED_TRACE(&options - windows);
    GraphBuilder net = image(7, 5);
    const Value y = net.avg_pool(net.input(), options);
    check_op(average_case(net, y));
  }
}

TEST_P(PoolOps, Adaptive) {
  for (const Extent out : {Extent(1), Extent(3, 2), Extent(6, 5), Extent(9, 7)}) {
    SCOPED_TRACE(out.h);
    GraphBuilder net = image(6, 5), same = net;
    check_op(max_case(net, net.adaptive_max_pool(net.input(), out)));
    check_op(average_case(same, same.adaptive_avg_pool(same.input(), out)));
  }
}

TEST_P(PoolOps, Blur) {
  const double rows[7][7] = {
      {1}, {1, 1}, {1, 2, 1}, {1, 3, 3, 1}, {1, 4, 6, 4, 1}, {1, 5, 10, 10, 5, 1}, {1, 6, 15, 20, 15, 6, 1}};
  for (int size = 1; size <= 7; ++size) {
    for (const int stride : {1, 2, 3}) {
      SCOPED_TRACE(size * 10 + stride);
      GraphBuilder net = image(6, 5);
      const Value y = net.blur_pool(net.input(), size, stride);
      const Graph graph = net.finish(net.flatten(y));
      const Node node = graph.nodes[static_cast<size_t>(y.node)];
      const double* taps = rows[size - 1];
      check_op({graph, y.node,
                [=](const std::vector<Numbers>& in, const std::vector<Numbers>&) {
                  // PyTorch's ReflectionPad2d
                  const auto mirror = [](int64_t i, int64_t n) {
                    return i < 0 ? -i : i >= n ? 2 * n - 2 - i : i;
                  };
                  Numbers out(static_cast<size_t>(node.out.elements()));
                  for (int64_t o = 0; o < node.out.elements(); ++o) {
                    const int64_t c = o % node.out.c, w = o / node.out.c % node.out.w;
                    const int64_t h = o / node.out.c / node.out.w;
                    for (int i = 0; i < size; ++i) {
                      for (int j = 0; j < size; ++j) {
                        const int64_t row = mirror(h * stride - (size - 1) / 2 + i, node.in.h);
                        const int64_t column = mirror(w * stride - (size - 1) / 2 + j, node.in.w);
                        out[static_cast<size_t>(o)] +=
                            taps[i] * taps[j] / std::pow(4, size - 1) * in[0][index(node.in, row, column, c)];
                      }
                    }
                  }
                  return out;
                },
                false, true});
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Channels, PoolOps, testing::Values(1, 3, 17, 48));

TEST(MaxPoolOp, WindowsOfAnySizeKnowTheirWinner) {
  GraphBuilder net("pool", {19, 18, 5});
  check_op(max_case(net, net.adaptive_max_pool(net.input(), 1)));
  GraphBuilder wide("pool", {18, 21, 5});
  check_op(max_case(wide, wide.max_pool(wide.input(), {.kernel = {17, 20}, .stride = 1, .padding = {1, 2}})));
}

}  // namespace
}  // namespace frugal
