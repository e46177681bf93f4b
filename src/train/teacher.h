// A trained network whose logits another one learns from (`--teacher`).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/batch.h"
#include "data/dataset.h"
#include "nn/engine.h"
#include "train/batch_source.h"

namespace frugal {

struct TeacherModel {
  std::unique_ptr<Engine> engine;
  Normalization normalization;  // that it was trained with
};

/// XXH3-128 of what its logits depend on, its network apart: weights, buffers, normalisation. Hexadecimal.
std::string fingerprint(const TeacherModel& model);

/// The teacher's logits for the batches of a run, of the very images that the network sees: with the same
/// random changes, in the teacher's normalisation and at the data set's size.
class Teacher {
 public:
  /// `recipe` is the run's.
  Teacher(TeacherModel& model, const ImageSet& images, const BatchRecipe& recipe);
  /// Where the recipe changes no image, the logits of `ids`, of which all batches then are, are computed now,
  /// once; where `go_on` ends that, they are computed batch by batch as they are elsewhere, to the same bits.
  void compute_all(std::span<const int32_t> ids, const GoOn& go_on);
  void set_epoch(uint32_t epoch, std::span<const int32_t> order);
  /// [ids.size(), classes], for the batch that DatasetBatch::set describes; valid until the next call.
  const float* logits(std::span<const int32_t> ids, uint32_t first_draw);

 private:
  LogitSink copy_to(float* all) const;

  TeacherModel& model_;
  size_t classes_;
  bool same_images_;  // in every epoch
  DatasetBatch batch_;
  std::vector<float> all_;   // by image; empty: not computed
  std::vector<float> some_;  // of the batch
};

}  // namespace frugal
