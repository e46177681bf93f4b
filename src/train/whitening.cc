#include "train/whitening.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "data/batch.h"
#include "train/eigen.h"

namespace frugal {
namespace {

constexpr size_t most_images = 5000;
constexpr int64_t groups = 16;  // of images that are summed apart: whatever the threads, the same sums
constexpr double eps = 5e-4;

/// Sums of products over the patches of one image after the other.
class Moments {
 public:
  explicit Moments(const Node& conv) : node_(conv) {
    for (int64_t c = 0; c < conv.in.c; ++c) {  // in the order of the weight
      for (int64_t y = 0; y < conv.kernel.h; ++y) {
        for (int64_t x = 0; x < conv.kernel.w; ++x) {
          offsets_.push_back((y * conv.dilation.h * conv.in.w + x * conv.dilation.w) * conv.in.c + c);
        }
      }
    }
    patch_.resize(offsets_.size());
    sums_.resize(offsets_.size() * offsets_.size());
  }

  /// `image` is [h, w, c].
  void add(const float* image) {
    const Shape& in = node_.in;
    const int64_t rows = in.h - int64_t{node_.dilation.h} * (node_.kernel.h - 1);
    const int64_t columns = in.w - int64_t{node_.dilation.w} * (node_.kernel.w - 1);
    for (int64_t y = 0; y < rows; ++y) {
      for (int64_t x = 0; x < columns; ++x) add_patch(image + (y * in.w + x) * in.c);
    }
    patches_ += rows * columns;
  }

  const std::vector<double>& sums() const { return sums_; }  // upper triangle
  int64_t patches() const { return patches_; }

 private:
  void add_patch(const float* corner) {
    const size_t n = offsets_.size();
    for (size_t i = 0; i < n; ++i) patch_[i] = corner[offsets_[i]];
    for (size_t i = 0; i < n; ++i) {
      double* row = sums_.data() + i * n;
      for (size_t j = i; j < n; ++j) row[j] += patch_[i] * patch_[j];
    }
  }

  const Node& node_;
  std::vector<int64_t> offsets_;  // of a patch's numbers from its corner
  std::vector<double> patch_, sums_;
  int64_t patches_ = 0;
};

/// E[x x^T] over the patches.
std::vector<double> second_moments(Engine& engine, const Node& conv, const ImageSet& images,
                                   std::span<const int32_t> ids, const Normalization& normalization) {
  std::vector<Moments> parts(static_cast<size_t>(groups), Moments(conv));
  const BatchRecipe recipe{.normalization = normalization};
  engine.parallel_for(groups, [&](int64_t group) {
    const auto n = static_cast<int64_t>(ids.size());
    std::vector<float> image(static_cast<size_t>(conv.in.elements()));
    for (int64_t i = n * group / groups; i < n * (group + 1) / groups; ++i) {
      fill_batch(images, ids.subspan(static_cast<size_t>(i), 1), 0, recipe,
                 TensorView::dense(image.data(), DType::f32, {1, conv.in.h, conv.in.w, conv.in.c}));
      parts[static_cast<size_t>(group)].add(image.data());
    }
  });
  std::vector<double> sums(parts[0].sums().size());
  int64_t patches = 0;
  for (const Moments& part : parts) {
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += part.sums()[i];
    patches += part.patches();
  }
  for (double& sum : sums) sum /= static_cast<double>(patches);
  return sums;
}

}  // namespace

void whiten(Engine& engine, const Graph& graph, const ImageSet& images, std::span<const int32_t> ids,
            const Normalization& normalization) {
  bool changed = false;
  for (const Node& node : graph.nodes) {
    if (node.parameters.empty()) continue;
    const int weight = node.parameters[0];
    if (graph.parameters[static_cast<size_t>(weight)].init != Init::whitening) continue;
    const int64_t inputs = node.in.c * node.kernel.h * node.kernel.w;
    const Eigen eigen = symmetric_eigen(
        second_moments(engine, node, images, ids.first(std::min(ids.size(), most_images)), normalization),
        inputs);
    const std::span<float> values = engine.parameters().weight(weight);
    const size_t half = values.size() / 2, length = static_cast<size_t>(inputs);
    for (size_t i = 0; i < half; ++i) {
      const double value = std::max(eigen.values[i / length], 0.0);  // rounding may leave less than nothing
      values[i] = static_cast<float>(eigen.vectors[i] / std::sqrt(value + eps));
      values[half + i] = -values[i];
    }
    changed = true;
  }
  if (changed) engine.weights_changed();
}

}  // namespace frugal
