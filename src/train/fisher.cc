#include "train/fisher.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/philox.h"
#include "base/safetensors.h"
#include "train/anchor.h"
#include "train/batch_source.h"
#include "train/logit_rows.h"
#include "train/loss.h"
#include "train/masked_loss.h"

namespace frugal {
namespace {

constexpr const char* images_key = "fisher.images";

/// A batch of one image, whose label is given.
class OneImage : public DatasetBatch {
 public:
  using DatasetBatch::DatasetBatch;
  void set_label(int32_t label) { label_ = label; }
  Targets targets(int64_t) const override { return {.labels = &label_}; }

 private:
  int32_t label_ = 0;
};

/// One of `classes`, drawn by their probabilities among themselves.
int32_t draw_class(const float* logits, std::span<const int32_t> classes, float uniform) {
  thread_local std::vector<float> own;
  thread_local std::vector<double> p, log_p;
  own.clear();
  for (const int32_t c : classes) own.push_back(logits[c]);
  softmax_row(own.data(), std::ssize(own), 1, p, log_p);
  double sum = 0;
  for (size_t i = 0; i + 1 < p.size(); ++i) {
    sum += p[i];
    if (uniform < sum) return classes[i];
  }
  return classes.back();
}

std::unique_ptr<LogitLoss> loss_among(const std::vector<int32_t>& classes) {
  auto loss = std::make_unique<CrossEntropy>();
  if (classes.empty()) return loss;
  return std::make_unique<MaskedLoss>(std::move(loss), classes);
}

}  // namespace

AlignedFloats fisher_diagonal(Engine& engine, const ImageSet& images, std::span<const int32_t> ids,
                              const Normalization& normalization, const FisherOptions& options) {
  const std::span<const float> gradients = engine.parameters().gradients();
  std::vector<double> sums(gradients.size());
  OneImage batch(images, {.normalization = normalization}, engine.classes());
  const RandomStream random(options.seed, Purpose::fisher, 0);
  const std::unique_ptr<LogitLoss> loss = loss_among(options.classes);
  std::vector<int32_t> classes = options.classes;
  if (classes.empty()) {
    classes.resize(static_cast<size_t>(engine.classes()));
    std::iota(classes.begin(), classes.end(), 0);
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    batch.set(ids.subspan(i, 1), 0);
    int32_t label = images.labels[static_cast<size_t>(ids[i])];
    if (options.labels == FisherLabels::sampled) {
      const float uniform = uniform01(random.word(static_cast<uint32_t>(i), 0));
      engine.evaluate(batch, [&](int64_t, int64_t, const float* logits) {
        label = draw_class(logits, classes, uniform);
      });
    }
    batch.set_label(label);
    engine.train_step(batch, *loss, {});
    for (size_t k = 0; k < sums.size(); ++k) sums[k] += static_cast<double>(gradients[k]) * gradients[k];
  }
  AlignedFloats fisher(static_cast<int64_t>(sums.size()));
  const double count = static_cast<double>(std::max<size_t>(ids.size(), 1));
  std::ranges::transform(sums, fisher.span().begin(),
                         [&](double sum) { return static_cast<float>(sum / count); });
  return fisher;
}

Graph fisher_graph(Graph graph) {
  for (Node& node : graph.nodes) {
    if (node.kind == OpKind::batch_norm) node.fixed_statistics = true;
    if (node.kind == OpKind::dropout || node.kind == OpKind::drop_path) node.rate = 0;
  }
  return graph;
}

void write_fisher(const std::filesystem::path& path, const Parameters& parameters,
                  const AlignedFloats& fisher, int64_t images, FisherLabels labels) {
  std::vector<TensorRecord> tensors;
  for (const Slot& slot : parameters.slots()) {
    if (!slot.trainable) continue;
    tensors.push_back(tensor_of(slot.name, slot, parameters.weights()));
    tensors.push_back(tensor_of("fisher." + slot.name, slot, fisher.span()));
  }
  write_safetensors(path,
                    {{images_key, std::to_string(images)},
                     {"fisher.labels", labels == FisherLabels::sampled ? "sampled" : "empirical"}},
                    tensors);
}

bool is_fisher_file(const std::filesystem::path& path) {
  try {
    return read_safetensors(path).metadata.count(images_key) != 0;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace frugal
