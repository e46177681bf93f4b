// Whether two graphs are the same network: everything that computing and initialising depend on.
#pragma once

#include <gtest/gtest.h>

#include "graph/graph.h"

namespace frugal {

inline void expect_same_node(const Node& a, const Node& b) {
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.inputs, b.inputs);
  EXPECT_TRUE(a.in == b.in && a.out == b.out);
  EXPECT_TRUE(a.kernel == b.kernel && a.stride == b.stride && a.padding == b.padding &&
              a.dilation == b.dilation);
  EXPECT_EQ(a.groups, b.groups);
  EXPECT_EQ(a.bias, b.bias);
  EXPECT_EQ(a.ceil_mode, b.ceil_mode);
  EXPECT_EQ(a.count_include_pad, b.count_include_pad);
  EXPECT_EQ(a.activation, b.activation);
  EXPECT_EQ(a.alpha, b.alpha);
  EXPECT_EQ(a.rate, b.rate);
  EXPECT_EQ(a.eps, b.eps);
  EXPECT_EQ(a.momentum, b.momentum);
  EXPECT_EQ(a.factor, b.factor);
  EXPECT_EQ(a.channels_before, b.channels_before);
  EXPECT_EQ(a.parameters, b.parameters);
  EXPECT_EQ(a.buffers, b.buffers);
}

/// All but what they are called.
inline void expect_same_graph(const Graph& a, const Graph& b) {
  EXPECT_EQ(a.input, b.input);
  EXPECT_EQ(a.classes, b.classes);
  ASSERT_EQ(a.nodes.size(), b.nodes.size());
  for (size_t i = 0; i < a.nodes.size(); ++i) {
    SCOPED_TRACE("node " + std::to_string(i) + ", " + a.nodes[i].name);
    expect_same_node(a.nodes[i], b.nodes[i]);
  }
  ASSERT_EQ(a.parameters.size(), b.parameters.size());
  for (size_t i = 0; i < a.parameters.size(); ++i) {
    const ParameterSpec &p = a.parameters[i], &q = b.parameters[i];
    EXPECT_EQ(p.name, q.name);
    EXPECT_EQ(p.shape, q.shape) << p.name;
    EXPECT_EQ(p.init, q.init) << p.name;
    EXPECT_EQ(p.fan_in, q.fan_in) << p.name;
    EXPECT_EQ(p.value, q.value) << p.name;
    EXPECT_EQ(p.trainable, q.trainable) << p.name;
  }
  ASSERT_EQ(a.buffers.size(), b.buffers.size());
  for (size_t i = 0; i < a.buffers.size(); ++i) {
    EXPECT_EQ(a.buffers[i].name, b.buffers[i].name);
    EXPECT_EQ(a.buffers[i].shape, b.buffers[i].shape);
    EXPECT_EQ(a.buffers[i].initial, b.buffers[i].initial);
  }
}

}  // namespace frugal
