// Penalties that pull weights back to what they were: towards where a run began (L2-SP), or towards what an
// earlier task left, each weight as strongly as that task needs it (elastic weight consolidation).
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/safetensors.h"
#include "nn/parameters.h"
#include "train/loss.h"

namespace frugal {

/// Where weights are pulled to, and how strongly: blocks with the layout of Parameters::weights(). Strength 0
/// leaves a weight alone.
struct Anchor {
  explicit Anchor(const Parameters& parameters);
  AlignedFloats weights, strengths;
};

/// coefficient * 1/2 sum_i strength_i (w_i - anchor_i)^2. With strength 1: L2-SP (Li et al., "Explicit
/// inductive bias for transfer learning with convolutional networks", 2018, without its term for new layers,
/// which `l2` is). With the diagonal of the Fisher information: EWC, where the coefficient is lambda
/// (Kirkpatrick et al., "Overcoming catastrophic forgetting in neural networks", 2017, equation 3).
class AnchorPenalty : public Penalty {
 public:
  explicit AnchorPenalty(Anchor anchor) : anchor_(std::move(anchor)) {}
  double apply(double coefficient, const float* weights, float* gradients, int64_t first,
               int64_t last) const override;

 private:
  Anchor anchor_;
};

/// The present weights of parameters `which`, with strength 1; of the others nothing.
Anchor anchor_at(const Parameters& parameters, std::span<const int> which);

/// A safetensors file: the weights by their names, and strengths as "fisher.NAME"; a weight without one has
/// strength 1 in a file without any, else 0. Parameters that the file does not have, or in another shape, are
/// left alone; a file that has none is an Error.
Anchor read_anchor(const std::filesystem::path& path, const Parameters& parameters);

// What a run pulls to lies in its directory, for when it goes on: the files themselves may change, or their
// paths lead nowhere from there.

/// Of what `l2sp` pulls to.
std::filesystem::path initial_anchor_file(const std::filesystem::path& run);
/// Copies of the files that `ewc` reads, and where `count` of them lie.
void keep_fisher_files(const std::filesystem::path& run, std::span<const std::filesystem::path> files);
std::vector<std::filesystem::path> kept_fisher_files(const std::filesystem::path& run, size_t count);

/// The slot's part of a block with that layout, for a file; it stays where it is.
TensorRecord tensor_of(const std::string& name, const Slot& slot, std::span<const float> block);

/// What anchor_at makes, for read_anchor.
void write_anchor(const std::filesystem::path& path, const Parameters& parameters,
                  std::span<const int> which);

}  // namespace frugal
