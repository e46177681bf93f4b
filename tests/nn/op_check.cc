#include "op_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/philox.h"
#include "base/tensor_view.h"
#include "every_target.h"
#include "nn/ops/make.h"
#include "nn/ops/needs.h"

namespace frugal {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr int64_t first = 1, count = 2;  // the shard's samples, behind one of another shard

/// Uniform numbers as bf16 holds them, so that both precisions get the same; or all of them different.
std::vector<float> draw(int64_t n, uint32_t what, bool distinct) {
  const RandomStream random(1, Purpose::test, what);
  std::vector<float> values(static_cast<size_t>(n));
  for (size_t i = 0; i < values.size(); ++i) {
    const auto at = static_cast<uint32_t>(i);
    values[i] = distinct ? from_bf16(static_cast<uint16_t>((i % 2 ? 0xBD80 : 0x3D80) + i / 2))
                         : from_bf16(to_bf16(2 * uniform01(random.word(0, at)) - 1));
    if (distinct) std::swap(values[i], values[random.word(0, at) % (at + 1)]);
  }
  return values;
}

Numbers sample_of(const std::vector<float>& values, int64_t i, int64_t size) {
  return {values.begin() + i * size, values.begin() + (i + 1) * size};
}

/// What the definition says for the shard: outputs and, for L = sum of out * dy, gradients.
struct Truth {
  Numbers out;
  std::vector<Numbers> inputs, parameters;
};

/// Adds central differences of L by every element of `values` to `gradient`. `losses` yields L in `width`
/// parts; part c depends on elements c, c + width, ... alone, so that `width` elements can move at once.
template <class Losses>
void differentiate(Numbers& values, size_t width, double* gradient, Losses&& losses) {
  constexpr double h = 1e-5;
  const Numbers before = values;
  for (size_t k = 0; k < values.size(); k += width) {
    const auto move = [&](double by) {
      for (size_t c = 0; c < width; ++c) values[k + c] = before[k + c] + by;
    };
    move(h);
    const Numbers right = losses();
    move(-h);
    const Numbers left = losses();
    move(0);
    for (size_t c = 0; c < width; ++c) gradient[k + c] += (right[c] - left[c]) / (2 * h);
  }
}

/// The op in a program of its own: buffers one behind the other, canaries between them.
class Bench {
 public:
  explicit Bench(const OpCase& c) : case_(c), node_(c.graph.nodes[static_cast<size_t>(c.node)]) {
    for (size_t i = 0; i < node_.inputs.size(); ++i) {
      x_.push_back(draw(count * shape_of(i).elements(), static_cast<uint32_t>(i), c.distinct));
      old_.push_back(draw(count * shape_of(i).elements(), static_cast<uint32_t>(100 + i), false));
    }
    dy_ = draw(count * node_.out.elements(), 200, false);
    for (size_t i = 0; i < node_.parameters.size(); ++i) {
      const ParameterSpec& spec = case_.graph.parameters[static_cast<size_t>(node_.parameters[i])];
      w_.push_back(draw(spec.elements(), static_cast<uint32_t>(300 + i), false));
    }
    find_truth();
  }

  struct How {
    bool bf16 = false, accumulate = false, over_data = false;
    int without = -1;  // an input that wants no gradient
  };

  void check(const How& how) {
    SCOPED_TRACE(std::string(how.bf16 ? "bf16" : "fp32") + (how.accumulate ? ", accumulate" : "") +
                 (how.over_data ? ", gradients over data" : "") +
                 (how.without >= 0 ? ", no gradient of input " + std::to_string(how.without) : ""));
    Parameters parameters(case_.graph);
    for (size_t i = 0; i < w_.size(); ++i) {
      std::ranges::copy(w_[i], parameters.weight(node_.parameters[i]).begin());
    }
    PackedWeights packed(parameters);
    Partials partials(case_.graph, parameters, std::vector<bool>(case_.graph.parameters.size(), true));
    partials.prepare(std::array<int64_t, 3>{0, first, first + count});
    for (int p : node_.parameters) partials.gradient(1, p)[0] = nan;  // to be overwritten

    for (const bool training : {false, true}) {
      buffers_.assign(1, {});
      std::vector<BufferId> scratch;
      std::vector<int> packings;
      const OpContext context{case_.graph, parameters, packed,   buffers_, scratch, packings,
                              1,           count,      training, how.bf16, false};
      const int64_t size = how.bf16 ? 2 : 4;
      std::vector<ValueBuffers> in;
      for (size_t i = 0; i < x_.size(); ++i) {
        ValueBuffers value{shape_of(i), context.add_saved(shape_of(i).elements() * size)};
        if (training && static_cast<int>(i) != how.without) {
          value.gradient = how.over_data ? value.data : context.add_saved(shape_of(i).elements() * size);
          value.accumulate = how.accumulate;
        }
        in.push_back(value);
      }
      ValueBuffers out{node_.out, context.add_saved(node_.out.elements() * size)};
      if (training) out.gradient = context.add_saved(node_.out.elements() * size);
      Group group;
      group.node = group.last = case_.node;
      const std::unique_ptr<Op> op = make_op(context, group, in, out, false);

      std::vector<std::byte> memory = arrange();
      StepContext step;
      step.batch = first + count, step.partials = &partials;
      std::byte* aligned = memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64) % 64;
      const ShardRun run{step, buffers_, 1, first, count, 0, aligned};
      run_and_compare(*op, run, in, out, how, training);
      if (training) compare_parameters(partials);
      for (const auto& [begin, end] : canaries_) {
        for (int64_t b = begin; b < end; ++b) ASSERT_EQ(aligned[b], canary) << "written behind a buffer";
      }
    }
  }

  size_t inputs() const { return x_.size(); }
  bool may_write_over_data() const {
    const BackwardNeeds needs = backward_needs(node_);
    return needs.in_place || !needs.input;
  }

 private:
  static constexpr std::byte canary{0x5A};
  Shape shape_of(size_t input) const {
    return case_.graph.nodes[static_cast<size_t>(node_.inputs[input])].out;
  }

  void find_truth() {
    const int64_t outputs = node_.out.elements();
    std::vector<Numbers> parameters;
    for (const std::vector<float>& w : w_) {
      parameters.emplace_back(w.begin(), w.end());
      truth_.parameters.emplace_back(w.size(), 0.0);
    }
    for (const std::vector<float>& x : x_) truth_.inputs.emplace_back(x.size(), 0.0);
    for (int64_t n = 0; n < count; ++n) {
      std::vector<Numbers> inputs;
      for (size_t i = 0; i < x_.size(); ++i) inputs.push_back(sample_of(x_[i], n, shape_of(i).elements()));
      const Numbers out = case_.definition(inputs, parameters), dy = sample_of(dy_, n, outputs);
      ASSERT_EQ(static_cast<int64_t>(out.size()), outputs);
      truth_.out.insert(truth_.out.end(), out.begin(), out.end());
      const auto losses = [&](size_t parts) {
        const Numbers moved = case_.definition(inputs, parameters);
        Numbers sums(parts);
        for (size_t k = 0; k < moved.size(); ++k) sums[k % parts] += (moved[k] - out[k]) * dy[k];
        return sums;
      };
      for (size_t i = 0; i < inputs.size(); ++i) {
        const size_t width = case_.by_channel ? static_cast<size_t>(node_.in.c) : 1;
        differentiate(inputs[i], width, truth_.inputs[i].data() + n * shape_of(i).elements(),
                      [&] { return losses(width); });
      }
      for (size_t i = 0; i < parameters.size(); ++i) {
        differentiate(parameters[i], 1, truth_.parameters[i].data(), [&] { return losses(1); });
      }
    }
  }

  std::vector<std::byte> arrange() {
    canaries_.clear();
    int64_t end = 0;
    for (BufferPlan& plan : buffers_) {
      plan.offset = end;
      const int64_t bytes = plan.sample_bytes * count + plan.fixed_bytes;
      end = (plan.offset + bytes + 63) / 64 * 64 + 64;
      canaries_.emplace_back(plan.offset + bytes, end);
    }
    return std::vector<std::byte>(static_cast<size_t>(end) + 64, canary);
  }

  static void put(const ShardRun& run, BufferId id, bool bf16, const std::vector<float>& values) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (bf16) {
        run.at<uint16_t>(id)[i] = to_bf16(values[i]);
      } else {
        run.at<float>(id)[i] = values[i];
      }
    }
  }

  /// A result is rounded once; before that it is off by fp32's roundings, of numbers as large as the largest.
  void compare(const ShardRun& run, BufferId id, bool bf16, const Numbers& expected, const char* what) const {
    double largest = case_.cancels;
    for (double e : expected) largest = std::max(largest, std::abs(e));
    for (size_t i = 0; i < expected.size(); ++i) {
      const double found = bf16 ? from_bf16(run.at<uint16_t>(id)[i]) : run.at<float>(id)[i];
      ASSERT_NEAR(found, expected[i], (bf16 ? 0x1.02p-8 : 0) * std::abs(expected[i]) + 4e-6 * largest + 1e-8)
          << what << ' ' << i;
    }
  }

  void run_and_compare(const Op& op, const ShardRun& run, const std::vector<ValueBuffers>& in,
                       const ValueBuffers& out, const How& how, bool training) {
    const std::vector<float> no_output(dy_.size(), nan);
    for (size_t i = 0; i < in.size(); ++i) put(run, in[i].data, how.bf16, x_[i]);
    put(run, out.data, how.bf16, no_output);
    op.forward(run);
    compare(run, out.data, how.bf16, truth_.out, "output");
    if (!training) return;

    const BackwardNeeds needs = backward_needs(node_);
    if (!needs.output) put(run, out.data, how.bf16, no_output);
    put(run, out.gradient, how.bf16, dy_);
    for (size_t i = 0; i < in.size(); ++i) {
      const std::vector<float> nothing(x_[i].size(), nan);
      if (!needs.input) put(run, in[i].data, how.bf16, nothing);
      if (in[i].gradient < 0 || how.over_data) continue;
      put(run, in[i].gradient, how.bf16, how.accumulate ? old_[i] : nothing);
    }
    op.backward(run);
    for (size_t i = 0; i < in.size(); ++i) {
      if (in[i].gradient < 0) continue;
      Numbers expected = truth_.inputs[i];
      for (size_t k = 0; how.accumulate && k < expected.size(); ++k) expected[k] += old_[i][k];
      compare(run, in[i].gradient, how.bf16, expected, "gradient of an input");
    }
  }

  void compare_parameters(Partials& partials) const {
    for (size_t i = 0; i < truth_.parameters.size(); ++i) {
      double largest = 0;
      for (double e : truth_.parameters[i]) largest = std::max(largest, std::abs(e));
      for (size_t k = 0; k < truth_.parameters[i].size(); ++k) {
        ASSERT_NEAR(partials.gradient(1, node_.parameters[i])[k], truth_.parameters[i][k],
                    4e-6 * largest + 1e-8)
            << "gradient of parameter " << i << ' ' << k;
      }
    }
  }

  const OpCase& case_;
  const Node& node_;
  std::vector<std::vector<float>> x_, old_, w_;
  std::vector<float> dy_;
  Truth truth_;
  std::vector<BufferPlan> buffers_;
  std::vector<std::pair<int64_t, int64_t>> canaries_;
};

}  // namespace

void check_op(const OpCase& c) {
  Bench bench(c);
  for_every_target([&] {
    for (const bool bf16 : {false, true}) {
      bench.check({.bf16 = bf16});
      bench.check({.bf16 = bf16, .accumulate = true});
      if (bench.may_write_over_data()) bench.check({.bf16 = bf16, .over_data = true});
      for (size_t i = 0; i < bench.inputs(); ++i) {
        bench.check({.bf16 = bf16, .without = static_cast<int>(i)});
      }
    }
  });
}

}  // namespace frugal
