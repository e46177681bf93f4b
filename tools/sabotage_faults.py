"""The faults of tools/sabotage: exact pieces of the source and what they become.

Each is a mistake that somebody could make and that would train, only not what was meant. `tests` are the folders of
tests/ that have to notice. New faults must compile without warnings.
"""

import dataclasses


@dataclasses.dataclass
class Fault:
    name: str
    what: str
    tests: list
    edits: list  # (file, old, new): old must be there exactly once


def fault(name, what, tests, file, *edits):
    pairs = zip(edits[::2], edits[1::2])
    return Fault(name, what, tests.split(), [(file, old, new) for old, new in pairs])


BASE = [
    fault("missing-fsync", "a file is renamed before it is on disk", "base", "src/base/file.cc",
          "  if (::fsync(file.get()) != 0) return errno;\n", ""),
    fault("directory-not-synced", "a rename is not made to last", "base", "src/base/file.cc",
          "if (const int unsynced = sync_directory(path.parent_path()))",
          "if (const int unsynced = path.empty() ? sync_directory(path.parent_path()) : 0)"),
    fault("temporary-left-behind", "a failed write leaves its temporary file", "base", "src/base/file.cc",
          "    ::unlink(temporary.c_str());\n", ""),
    fault("checksum-not-verified", "a damaged weights file loads", "base", "src/base/safetensors.cc",
          "stated->second != checksum(result.metadata, result.tensors)", "stated->second.empty()"),
    fault("checksum-without-data", "the checksum covers the header alone", "base", "src/base/safetensors.cc",
          "  for (const TensorRecord& tensor : tensors) hasher.update(tensor.data);\n", ""),
    fault("tensor-beyond-the-end", "offsets are not held against the file's size", "base", "src/base/safetensors.cc",
          "if (entry.begin > entry.end || entry.end > data_bytes) {", "if (entry.begin > entry.end) {"),
    fault("philox-nine-rounds", "the generator is not the published one", "base", "src/base/philox.h",
          "inline constexpr int philox_rounds = 10;", "inline constexpr int philox_rounds = 9;"),
    fault("bf16-truncated", "bf16 is cut off instead of rounded", "base", "src/base/tensor_view.h",
          "(bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16", "bits >> 16"),
]

DATA = [
    fault("crop-off-by-one", "crops lean to one side", "data", "src/data/placement.cc",
          "placement.y.shift(static_cast<int64_t>(uniform_below(words[0], places)) - padding);",
          "placement.y.shift(static_cast<int64_t>(uniform_below(words[0], places)) - padding + 1);"),
    fault("flip-always", "every image is flipped", "data", "src/data/placement.cc",
          "if (uniform_below(words[0], 2) == 1) placement.x.reverse();", "placement.x.reverse();"),
    fault("flip-upside-down", "images are flipped along the wrong axis", "data", "src/data/placement.cc",
          "placement.x.reverse();", "placement.y.reverse();"),
    fault("one-draw-a-batch", "all images of a shard are augmented alike", "data", "src/data/batch.cc",
          "first_draw + static_cast<uint32_t>(i), images.height, images.width);",
          "first_draw, images.height, images.width);"),
    fault("padding-not-normalised", "a crop's border is zero after normalisation, not before", "data", "src/data/batch.cc",
          "out[i * out_step + c] = table[c * values];", "out[i * out_step + c] = T{};"),
    fault("images-transposed", "height and width are swapped in reading", "data", "src/data/cifar.cc",
          "planes[c * plane + i];", "planes[c * plane + i % side * side + i / side];"),
    fault("red-and-blue-swapped", "colours are read in the wrong order", "data", "src/data/cifar.cc",
          "planes[c * plane + i];", "planes[(channels - 1 - c) * plane + i];"),
    fault("label-not-checked", "a label beyond the classes is accepted", "data", "src/data/cifar.cc",
          "if (label < classes) return label;", "if (label < classes || classes > 0) return label;"),
    fault("val-overlaps-train", "images that are held out are trained on", "data", "src/data/split.cc",
          ".train = {ids.begin() + held_out, ids.end()}", ".train = {ids.begin(), ids.end()}"),
    fault("same-order-every-epoch", "the epoch does not reach the shuffle", "data", "src/data/split.cc",
          "RandomStream(seed, Purpose::shuffle, 0, epoch)", "RandomStream(seed, Purpose::shuffle, 0, epoch * 0)"),
    fault("biased-shuffle", "no image can stay where it is", "data", "src/data/split.cc",
          "uniform_below(words[i % 4], i + 1)", "uniform_below(words[i % 4], i)"),
]

CHAIN, ENGINE = "src/nn/ops/chain.cc", "src/nn/shard_engine.cc"
GRAPH = [
    fault("shortcut-pads-behind", "shortcuts of type A add their zeros on one side", "graph",
          "src/graph/presets/cifar_resnet.cc",
          "net.pad_channels(x, grown / 2, grown - grown / 2, stride)", "net.pad_channels(x, 0, grown, stride)"),
    fault("projection-before-norm", "a wide ResNet's projections take what its first norm has not seen", "graph",
          "src/graph/presets/wide_resnet.cc", "  if (projected) x = y;\n", ""),
    fault("cifar-strides-everywhere", "MobileNetV2 for ImageNet leaves out a stride", "graph",
          "src/graph/presets/mobilenet.cc", "small && row == 1 ? 1 : published", "row == 1 ? 1 : published"),
    fault("resnet-starts-by-fan-in", "torchvision's ResNets start with another deviation", "graph",
          "src/graph/presets/residual.h", "Init::kaiming_normal_fan_out", "Init::kaiming_normal"),
    fault("width-rounds-far-down", "a scaled layer may lose more than a tenth", "graph", "src/graph/presets.cc",
          "  if (rounded < 0.9 * exact) rounded += step;\n", ""),
    fault("airbench-momentum-inverted", "airbench's running statistics hardly follow", "graph",
          "src/graph/presets/airbench.cc", "2, 0.4f}", "2, 0.6f}"),
    fault("written-without-init", "a written model file forgets how weights start", "graph", "src/graph/model/writer.cc",
          "    line.init(\"init\", weight.init, Init::uniform_fan_in);\n", ""),
    fault("repeat-counts-from-one", "the index of a repeat begins at 1", "graph", "src/graph/model/reader.cc",
          "inner.set(index, static_cast<double>(i));", "inner.set(index, static_cast<double>(i + 1));"),
    fault("block-sees-its-caller", "a block's input is the image, wherever it is used", "graph",
          "src/graph/model/reader.cc", "name + \".\", input, input};", "name + \".\", frame.input, input};"),
    fault("minus-binds-to-the-right", "20 - 6 - 4 is 18", "graph", "src/graph/model/settings.cc",
          "const double term = product();", "const double term = c == '-' ? sum() : product();"),
    fault("repeats-without-limit", "a small model file may take hours", "graph", "src/graph/model/reader.cc",
          "if (++steps_ > most_steps)", "if (++steps_ > most_steps && depth == 0)"),
    fault("line-through-a-box", "a drawing's shortcuts run through what they pass", "graph",
          "src/graph/drawing/layout.cc", "is_free(from.column, from.row, to.row)", "edge.from >= 0"),
]

NN = [
    fault("biased-running-variance", "running variance is that of the population", "nn", ENGINE,
          "std::max<int64_t>(rows - 1, 1)", "std::max<int64_t>(rows, 1)"),
    fault("unbiased-normalisation", "activations are normalised by the sample's variance", "nn", CHAIN,
          "static_cast<float>(rows(run)) + eps_)", "static_cast<float>(rows(run) - 1) + eps_)"),
    fault("wrong-eps", "batch-norm's eps is 1e-3", "nn", "src/graph/builder.h",
          "float eps = 1e-5f", "float eps = 1e-3f"),
    fault("wrong-norm-momentum", "running statistics move too slowly", "nn", "src/graph/builder.h",
          "float momentum = 0.1f", "float momentum = 0.01f"),
    fault("height-width-swapped", "convolutions take columns for rows", "nn", "src/nn/ops/conv.cc",
          "src({context.shard, node.in.c, node.in.h, node.in.w}", "src({context.shard, node.in.c, node.in.w, node.in.h}",
          "dst({context.shard, node.out.c, node.out.h, node.out.w}",
          "dst({context.shard, node.out.c, node.out.w, node.out.h}"),
    fault("flatten-nhwc", "features keep the order of memory, not PyTorch's", "nn", "src/nn/ops/flatten.cc",
          "out_.data, pixels_, channels_, false)", "out_.data, 1, pixels_ * channels_, false)",
          "in_.gradient, channels_, pixels_, in_.accumulate)", "in_.gradient, 1, pixels_ * channels_, in_.accumulate)"),
    fault("shard-skipped", "the tree leaves out the last shard", "nn", "src/nn/tree.h",
          "        combine(left, right, right + width < leaves_ ? right + width : leaves_);",
          "        if (right + 1 < leaves_) combine(left, right, right + width < leaves_ ? right + width : leaves_);"),
    fault("sums-in-completion-order", "shards are added as they finish", "nn", "src/nn/tree.h",
          "    int64_t node = leaf;\n",
          """    while (arrivals_[0].exchange(1) != 0) {
    }
    const auto arrived = [&](int64_t i) -> std::atomic<int>& { return arrivals_[static_cast<size_t>(i + 1)]; };
    arrived(leaf) = 1;
    int64_t added = 1;
    for (int64_t i = 1; i < leaves_ && arrived(0) == 1; ++i) {
      if (arrived(i) == 1) combine(int64_t{0}, i, i + 1), arrived(i) = 2;
      added += arrived(i) == 2;
    }
    for (int64_t i = 0; i < leaves_ && added == leaves_; ++i) arrived(i) = 0;
    arrivals_[0] = 0;
    if (leaves_ > 0) return;
    int64_t node = leaf;
"""),
    fault("one-shard-too-many", "a batch that divides evenly is cut once more", "nn", ENGINE,
          "const int64_t shards = (batch + shard_ - 1) / shard_;",
          "const int64_t shards = std::min(batch, batch / shard_ + 1);"),
    fault("mean-over-shards", "small shards weigh as much as large ones", "nn", "src/nn/ops/loss.cc",
          "1.0f / static_cast<float>(run.step.batch)",
          "1.0f / static_cast<float>(run.count * ((run.step.batch + run.count - 1) / run.count))"),
    fault("sync-without-sync", "sync batch-norm normalises with the shard's statistics", "nn", CHAIN,
          "return sync_ ? 0 : run.shard; }", "return sync_ && run.shard < 0 ? 0 : run.shard; }"),
    fault("moments-without-means", "combined variances forget that means differ", "nn", "src/nn/kernels/moments.cc",
          "m2_a[k] += m2_b[k] + delta * delta * m2_weight;", "m2_a[k] += m2_b[k] + 0 * delta * m2_weight;"),
    fault("norm-gradient-without-mean", "batch-norm's gradient keeps its mean", "nn", CHAIN,
          "offset[c] = -a[c] * sum_g[c] * per_row;", "offset[c] = 0 * sum_g[c] * per_row;"),
    fault("relu-lets-gradient-pass", "zeros do not stop the gradient", "nn", "src/nn/kernels/pointwise.cc",
          "hn::Gt(front(at), hn::Zero(d))", "hn::Ge(hn::Mul(front(at), front(at)), hn::Zero(d))"),
    fault("shortcut-not-added-backward", "a value's second user overwrites its gradient", "nn", "src/nn/value_planner.cc",
          "value.accumulate = value.accumulate || use.group > g ||", "value.accumulate = value.accumulate ||"),
    fault("buffers-share-too-much", "a buffer is taken to die a call early", "nn", "src/nn/lifetimes.cc",
          "if (other.last < request.first ||", "if (other.last <= request.first ||"),
    fault("depthwise-edge-wraps", "padding of depthwise gradients reads the neighbouring row", "nn",
          "src/nn/kernels/depthwise.cc",
          "column >= 0 && column < s.w;", "column >= -1 && column < s.w;"),
    fault("pool-takes-the-last", "among equals the last wins", "nn", "src/nn/kernels/max_pool.cc",
          "hn::Or(hn::Gt(v, best), hn::IsNaN(v))", "hn::Or(hn::Ge(v, best), hn::IsNaN(v))"),
    fault("overlapping-pool-forgets", "where windows overlap the last gradient stays", "nn",
          "src/nn/kernels/max_pool.cc", "sum = hn::Add(sum, hn::IfThenElseZero(here, LoadFloats(d, dy + out)));",
          "sum = hn::IfThenElse(here, LoadFloats(d, dy + out), sum);"),
    fault("padding-counts-behind", "an average over a window beyond the padding divides by the whole kernel", "nn",
          "src/nn/kernels/taps.cc", "return std::min(begin + kernel, in + padding) - begin;",
          "return std::min<int64_t>(begin + kernel, in + padding + kernel) - begin;"),
    fault("blur-mirrors-the-edge", "blurring repeats the image's edge", "nn", "src/nn/kernels/taps.cc",
          "from = 2 * (in - 1) - from;", "from = 2 * in - 1 - from;"),
    fault("adaptive-windows-apart", "adaptive windows do not overlap where they should", "nn",
          "src/nn/kernels/pool_axis.cc", "end = ((o + 1) * in + out - 1) / out;",
          "end = std::max((o + 1) * in / out, begin + 1);"),
    fault("group-means-forgotten", "a group's variance forgets that its channels' means differ", "nn",
          "src/nn/kernels/group_norm.cc", "m2 += channel_m2[k] + delta * delta * static_cast<double>(s.pixels);",
          "m2 += channel_m2[k] + 0 * delta * static_cast<double>(s.pixels);"),
    fault("layer-norm-gradient-without-mean", "layer norm's gradient keeps its mean", "nn",
          "src/nn/kernels/layer_norm.cc", "offset[r] = -inverse * sums.a * per_channel;",
          "offset[r] = 0 * sums.a * per_channel;"),
    fault("gate-overwrites", "the factors' gradient of another user is lost", "nn", "src/nn/kernels/gate.cc",
          "to.add_to_factors ? hn::Add(", "to.add_to_x && !to.x ? hn::Add("),
    fault("concat-overwrites", "concatenation overwrites gradients that it should add to", "nn",
          "src/nn/ops/concat.cc", "in.accumulate ? add_rows<T> : copy_rows<T>",
          "in.accumulate && in.data < 0 ? add_rows<T> : copy_rows<T>"),
    fault("padded-shortcut-smeared", "the strided shortcut's gradient leaves other pixels as they were", "nn",
          "src/nn/ops/pad_channels.cc", "if (!in_.accumulate && (stride_h_ > 1 || stride_w_ > 1)) {",
          "if (!in_.accumulate && stride_h_ > 2 && stride_w_ > 2) {"),
    fault("gelu-slope-without-density", "GELU's derivative forgets the density", "nn", "src/nn/kernels/activation.cc",
          "return hn::MulAdd(Cut(d, z, -15, 15), normal.slope, normal.value);", "return normal.value;"),
    fault("odd-edge-forgotten", "pixels that no window covers get no gradient", "nn", "src/nn/kernels/chain.cc",
          "? s.out_w() * pool : 0; w < s.w; ++w) {", "? s.out_w() * pool : 0; w < s.w && dx == nullptr; ++w) {"),
    fault("dropout-scale-missing", "what dropout keeps is not scaled up", "nn", "src/nn/kernels/dropout.cc",
          "keep_scale(65536.0f / static_cast<float>(65536 - threshold))", "keep_scale(1.0f)"),
    fault("dropout-by-shard", "masks depend on how the batch is cut", "nn", CHAIN,
          "key.first_draw + static_cast<uint32_t>(run.first + i)", "key.first_draw + static_cast<uint32_t>(i)"),
    fault("dropout-in-evaluation", "validation drops, too", "nn", CHAIN,
          "    if (!training_) return;\n", "    if (!training_ && nodes.dropout < 0) return;\n"),
    fault("dropout-same-every-epoch", "masks repeat from epoch to epoch", "nn", CHAIN,
          "static_cast<uint32_t>(node), run.step.key.epoch}", "static_cast<uint32_t>(node), 0}"),
    fault("linear-bias-forgotten", "the gradient of a dense layer's bias is not computed", "nn", "src/nn/batch_gradient.cc",
          "if (tile != 0 || plan_.bias < 0) return;", "if (tile >= 0 || plan_.bias < 0) return;"),
    fault("stale-weights", "copies of the weights are not renewed", "nn", ENGINE,
          "void weights_changed() override { packed_.mark_stale(); }",
          "void weights_changed() override { if (context_.batch == 0) packed_.mark_stale(); }"),
    fault("wrong-initialisation", "weights start twice as large as PyTorch's", "nn", "src/nn/initialise.cc",
          "fill_uniform(random, 1.0f / std::sqrt(", "fill_uniform(random, 2.0f / std::sqrt("),
    fault("fans-swapped", "Kaiming's fan-in is the fan-out", "nn", "src/nn/initialise.cc",
          "return normal(2 / fans_of(spec).in);", "return normal(2 / fans_of(spec).out);"),
    fault("xavier-without-outputs", "Xavier looks at the inputs alone", "nn", "src/nn/initialise.cc",
          "return uniform(2 / (fans_of(spec).in + fans_of(spec).out));", "return uniform(1 / fans_of(spec).in);"),
    fault("orthogonal-not-normalised", "orthogonal vectors keep their lengths", "nn", "src/nn/initialise.cc",
          "const double norm = std::sqrt(dot(vector, vector, length));", "const double norm = 1 + 0 * dot(vector, vector, length);"),
    fault("dirac-off-centre", "dirac moves the image", "nn", "src/nn/initialise.cc",
          "spec.shape[2] / 2 * spec.shape[3] + spec.shape[3] / 2", "spec.shape[2] / 2 * spec.shape[3]"),
    fault("frozen-among-the-trained", "optimizers run over what is not trained", "nn train", "src/nn/parameters.cc",
          "if (slot.trainable || !only_trainable)", "if (slot.trainable || !only_trainable || slot.size > 0)"),
]

PASSES, LOSS, TRAINER = "src/train/optimizer_passes.h", "src/train/loss.cc", "src/train/trainer.cc"
TRAIN = [
    fault("momentum-after-decay", "decay stays out of the velocity", "train", PASSES,
          "const float velocity = momentum * b[i] + gradient;", "const float velocity = momentum * b[i] + g[i];",
          ": velocity);", ": velocity + decay * w[i]);"),
    fault("nesterov-wrong", "Nesterov looks back instead of ahead", "train", PASSES,
          "gradient + momentum * velocity :", "velocity + momentum * gradient :"),
    fault("adam-without-correction", "Adam's first steps are not corrected", "train", "src/train/optimizer.cc",
          "static_cast<float>(lr / (1 - beta1_power_))", "static_cast<float>(lr)"),
    fault("adam-eps-inside", "Adam's eps is added under the root", "train", PASSES,
          "(std::sqrt(square) / k.root + k.eps)", "(std::sqrt(square + k.eps) / k.root)"),
    fault("adamw-decay-without-lr", "AdamW decays at full strength whatever the rate", "train", "src/train/optimizer.cc",
          "static_cast<float>(1 - lr * decay_)", "static_cast<float>(1 - decay_)"),
    fault("smoothing-among-others", "label smoothing is shared among the other classes", "train", LOSS,
          "const double uniform = smoothing_ / static_cast<double>(classes)",
          "const double uniform = smoothing_ / static_cast<double>(classes - 1)"),
    fault("top5-counts-six", "top-5 accuracy looks at six", "train", LOSS,
          "sums.top5 += rank < 5;", "sums.top5 += rank <= 5;"),
    fault("l2-doubled", "the penalty pulls twice as hard as weight decay", "train", LOSS,
          "const auto pull = static_cast<float>(coefficient);", "const auto pull = static_cast<float>(2 * coefficient);"),
    fault("whitening-by-variance", "whitening filters are divided by the variance, not the deviation", "train",
          "src/train/whitening.cc", "eigen.vectors[i] / std::sqrt(value + eps)", "eigen.vectors[i] / (value + eps)"),
    fault("whitening-of-validation-images", "whitening looks at images that are held out", "train", TRAINER,
          "data_.train, split_.train, normalization_);", "data_.train, split_.val.empty() ? split_.train : split_.val, normalization_);"),
    fault("frozen-not-saved", "the best weights come back without what is not trained", "train",
          "src/train/checkpoint_keeper.cc", "std::ranges::copy(from.all_weights(), to.all_weights().begin());",
          "std::ranges::copy(from.weights(), to.weights().begin());"),
    fault("model-file-forgotten", "a weights file does not hold its model file", "cli", "src/train/checkpoint_info.cc",
          "  if (!info.model_file.empty()) metadata[model_file_key] = info.model_file;\n", ""),
    fault("step-lr-off-by-one", "StepLR falls an epoch early", "train", "src/train/schedule.cc",
          "repeat_factor(gamma_, now.epoch / size_)", "repeat_factor(gamma_, (now.epoch + 1) / size_)"),
    fault("multistep-off-by-one", "MultiStepLR falls an epoch late", "train", "src/train/schedule.cc",
          "return epoch <= now.epoch;", "return epoch < now.epoch;"),
    fault("schedule-an-epoch-ahead", "the trainer asks the schedule for the next epoch", "train cli", TRAINER,
          "schedule_->factor({progress(), epoch_})", "schedule_->factor({progress(), epoch_ + 1})"),
    fault("last-batch-dropped", "the last partial batch is not trained on", "train cli", TRAINER,
          "steps_((static_cast<int64_t>(split_.train.size()) + config.batch - 1) / config.batch)",
          "steps_(static_cast<int64_t>(split_.train.size()) / config.batch)"),
    fault("best-is-the-later", "a tie goes to the later epoch", "train cli", TRAINER,
          "record.val.top1 > result_.best_val.top1;", "record.val.top1 >= result_.best_val.top1;"),
    fault("best-by-loss", "the best weights are those of the smallest loss", "train cli", TRAINER,
          "record.val.top1 > result_.best_val.top1;", "record.val.loss < result_.best_val.loss;"),
    fault("last-instead-of-best", "the test reads the last weights and calls them best", "train cli", TRAINER,
          'checkpoints_.restore_best() ? "best" : "last";', 'split_.val.empty() ? "last" : "best";'),
    fault("validates-on-training-images", "validation looks at what was trained on", "train cli", TRAINER,
          "evaluate(engine_, data_.train, split_.val,", "evaluate(engine_, data_.train, split_.train,"),
    fault("diverged-run-goes-on", "a loss that is not finite does not stop the run", "train cli", TRAINER,
          '  if (!std::isfinite(mean)) stop_diverged("the loss", mean);\n', ""),
    fault("newer-format-accepted", "a weights file of a later format is read as if it were ours", "train cli",
          "src/train/checkpoint.cc",
          "if (is_from_frugal(file.metadata)) check_format_version(file.metadata, file_name);",
          "if (file.metadata.empty()) check_format_version(file.metadata, file_name);"),
]

FAULTS = BASE + DATA + GRAPH + NN + TRAIN
