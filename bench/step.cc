// Times training steps on request, for bench/versus_pytorch, which lets us and PyTorch take turns. Reads
// numbers of steps from stdin, one a line; answers each with a line of JSON: {"seconds": [...], "losses":
// [...], "step_bytes": N, "activation_bytes": N}, one entry a step, by how much memory has grown at most
// since the engine was made, less what weights, gradients and momentum take, and what of that is for
// activations. With --export it instead writes what PyTorch needs to do the same: the layer table, images,
// labels and initial weights.
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/safetensors.h"
#include "data/dataset.h"
#include "data/sampler.h"
#include "graph/presets.h"
#include "graph/table.h"
#include "nn/engine.h"
#include "train/batch_source.h"
#include "train/loss.h"
#include "train/optimizer.h"
#include "train/whitening.h"

namespace frugal {
namespace {

struct Options {
  std::string data = "cifar100", model = "smallnet", precision = "fp32", batch_norm = "ghost",
              augment = "none", export_to;
  int64_t batch = 128, batches = 64, shard = 0;
  int threads = 0;
  bool no_dropout = false;
  uint64_t seed = 1;
  double lr = 0.1, momentum = 0.9, weight_decay = 5e-4;
};

Options parse(int argc, char** argv) {
  Options o;
  CLI::App app("Times training steps; see bench/versus_pytorch.");
  app.add_option("--data", o.data);
  app.add_option("--model", o.model);
  app.add_flag("--no-dropout", o.no_dropout, "as if every rate were zero");
  app.add_option("--precision", o.precision)->check(CLI::IsMember({"fp32", "bf16"}));
  app.add_option("--batch-norm", o.batch_norm)->check(CLI::IsMember({"ghost", "sync"}));
  app.add_option("--augment", o.augment);
  app.add_option("--batch", o.batch)->check(CLI::PositiveNumber);
  app.add_option("--batches", o.batches, "distinct batches, visited in turn")->check(CLI::PositiveNumber);
  app.add_option("--shard", o.shard);
  app.add_option("--threads", o.threads);
  app.add_option("--seed", o.seed);
  app.add_option("--lr", o.lr);
  app.add_option("--momentum", o.momentum);
  app.add_option("--weight-decay", o.weight_decay);
  app.add_option("--export", o.export_to,
                 "write model.json, images.u8, labels.i32 and weights.safetensors here, and leave");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  return o;
}

/// Every image once, shuffled, then again, until there are enough.
std::vector<int32_t> visiting_order(const ImageSet& images, const Options& o) {
  std::vector<int32_t> all(static_cast<size_t>(images.count)), order;
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int32_t>(i);
  for (uint32_t epoch = 0; std::ssize(order) < o.batch * o.batches; ++epoch) {
    const std::vector<int32_t> next = epoch_order(all, o.seed, epoch);
    order.insert(order.end(), next.begin(), next.end());
  }
  order.resize(static_cast<size_t>(o.batch * o.batches));
  return order;
}

template <class T>
std::span<const uint8_t> bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()};
}

/// "VmRSS" (resident memory) or "VmHWM" (its peak) of this process in bytes.
int64_t resident(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int64_t kilobytes = 0;
    if (word == field + ":" && status >> kilobytes) return kilobytes * 1024;
  }
  throw Error("/proc/self/status has no " + field);
}

/// Gives back what the allocator holds in reserve and lets the peak of resident memory start anew.
int64_t resident_before() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
  return resident("VmRSS");
}

void export_inputs(const std::filesystem::path& folder, const Graph& graph, const ImageSet& images,
                   std::span<const int32_t> order, const Parameters& parameters) {
  std::filesystem::create_directories(folder);
  const std::string table = layer_table_json(graph);
  write_file_atomic(folder / "model.json", std::vector{bytes_of(std::span<const char>(table))});
  std::vector<std::span<const uint8_t>> pixels;
  std::vector<int32_t> labels;
  for (int32_t id : order) {
    pixels.emplace_back(images.image(id), static_cast<size_t>(images.image_bytes()));
    labels.push_back(images.labels[static_cast<size_t>(id)]);
  }
  write_file_atomic(folder / "images.u8", pixels);
  write_file_atomic(folder / "labels.i32", std::vector{bytes_of(std::span<const int32_t>(labels))});
  std::vector<TensorRecord> tensors;
  for (const Slot& slot : parameters.slots()) {
    const auto values =
        parameters.all_weights().subspan(static_cast<size_t>(slot.offset), static_cast<size_t>(slot.size));
    tensors.push_back({slot.name, "F32", slot.shape, bytes_of(values)});
  }
  write_safetensors(folder / "weights.safetensors", {}, tensors);
}

/// The weights that every variant starts from.
void initialise(Engine& engine, const Graph& graph, const ImageSet& images, std::span<const int32_t> order,
                uint64_t seed) {
  engine.parameters().initialise(seed);
  engine.weights_changed();
  whiten(engine, graph, images, order, no_normalization(images.channels));
}

void run(const Options& o) {
  const Dataset data = load_dataset(o.data);
  const std::vector<int32_t> order = visiting_order(data.train, o);
  const ImageSet& images = data.train;
  Graph graph = make_model(o.model, {images.height, images.width, images.channels}, std::ssize(data.classes));
  if (o.no_dropout) {
    for (Node& node : graph.nodes) node.rate = 0;
  }
  if (!o.export_to.empty()) {
    const auto engine = make_shard_engine(graph, {.threads = o.threads, .batch = o.batch});
    initialise(*engine, graph, images, order, o.seed);
    export_inputs(o.export_to, graph, images, order, engine->parameters());
    return;
  }

  const int64_t before = resident_before();
  const auto engine =
      make_shard_engine(graph, {.threads = o.threads,
                                .batch = o.batch,
                                .shard = o.shard,
                                .precision = o.precision == "bf16" ? Precision::bf16 : Precision::fp32,
                                .batch_norm = choose_batch_norm(o.batch_norm)});
  initialise(*engine, graph, images, order, o.seed);
  const auto optimizer = make_optimizer("sgd", {o.momentum, o.weight_decay}, *engine, graph);
  const CrossEntropy loss;
  DatasetBatch batch(images,
                     {.normalization = no_normalization(images.channels),
                      .augment = parse_augment(o.augment),
                      .seed = o.seed},
                     graph.classes);

  int64_t step = 0;
  for (int64_t steps = 0; std::cin >> steps;) {
    nlohmann::json seconds = nlohmann::json::array(), losses = nlohmann::json::array();
    for (int64_t i = 0; i < steps; ++i, ++step) {
      const auto begin = std::chrono::steady_clock::now();
      const int64_t first = step % o.batches * o.batch;
      const auto epoch = static_cast<uint32_t>(step / o.batches);
      batch.set_epoch(epoch, order);
      batch.set(std::span(order).subspan(static_cast<size_t>(first), static_cast<size_t>(o.batch)),
                static_cast<uint32_t>(first));
      const LossSums sums = engine->train_step(batch, loss, {o.seed, epoch, static_cast<uint32_t>(first)});
      optimizer->step(*engine, o.lr);
      engine->weights_changed();
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
      losses.push_back(sums.loss / static_cast<double>(o.batch));
    }
    const int64_t kept = 3 * graph.parameter_count() * static_cast<int64_t>(sizeof(float));
    std::cout << nlohmann::json{{"seconds", seconds},
                                {"losses", losses},
                                {"step_bytes", resident("VmHWM") - before - kept},
                                {"activation_bytes", engine->activation_bytes()}}
              << std::endl;
  }
}

}  // namespace
}  // namespace frugal

int main(int argc, char** argv) {
  try {
    frugal::run(frugal::parse(argc, argv));
  } catch (const frugal::Error& error) {
    std::fprintf(stderr, "bench_step: %s\n", error.what());
    return static_cast<int>(error.code());
  }
}
