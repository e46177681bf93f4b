// A trainer on a toy: noise with a bright row for each of three classes, a linear network, an engine of ours.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "../temp_dir.h"
#include "base/error.h"
#include "base/file.h"
#include "base/philox.h"
#include "fake_engine.h"
#include "graph/builder.h"
#include "train/checkpoint.h"
#include "train/trainer.h"

namespace frugal {

using Json = nlohmann::json;

inline constexpr int64_t classes = 3, side = 4;

/// Noise, with a bright row for the class; learnable, but not at once.
inline ImageSet make_images(int64_t count, uint32_t layer) {
  ImageSet set;
  set.count = count;
  set.height = set.width = side;
  set.channels = 1;
  const RandomStream random(1, Purpose::test, layer);
  for (int64_t n = 0; n < count; ++n) {
    set.labels.push_back(static_cast<int32_t>(n % classes));
    for (int64_t p = 0; p < side * side; ++p) {
      const uint32_t noise =
          uniform_below(random.word(static_cast<uint32_t>(n), static_cast<uint32_t>(p)), 200);
      set.pixels.push_back(static_cast<uint8_t>(noise + (p / side == n % classes ? 55 : 0)));
    }
  }
  return set;
}

inline Dataset make_data() {
  Dataset data;
  data.name = "toy";
  data.classes = {"a", "b", "c"};
  data.train = make_images(100, 1);
  data.test = make_images(30, 2);
  data.fingerprint = "toy";
  return data;
}

inline Graph make_graph() {
  GraphBuilder net("toy", {side, side, 1});
  return net.finish(net.linear("fc", net.flatten(net.input()), classes));
}

struct Recorder : TrainObserver {
  void on_start(const TrainConfig& resolved, const Graph&, const Engine&, int64_t train,
                int64_t val) override {
    config = resolved, train_images = train, val_images = val;
  }
  void on_step(int64_t epoch, int64_t step, int64_t steps, double loss) override {
    if (step_hook) step_hook(epoch, step);
    ++step_calls, last_steps = steps, last_loss = loss;
  }
  void on_epoch(const EpochRecord& record, int64_t, double seconds_left) override {
    if (epoch_hook) epoch_hook(record.epoch);
    left = seconds_left;
  }
  void on_message(const std::string& text) override { messages.push_back(text); }

  TrainConfig config;
  int64_t train_images = 0, val_images = 0, step_calls = 0, last_steps = 0;
  double last_loss = 0, left = -1;
  std::vector<std::string> messages;
  std::function<void(int64_t, int64_t)> step_hook;
  std::function<void(int64_t)> epoch_hook;
};

class TrainerTest : public ::testing::Test {
 protected:
  TrainerTest() {
    stop_requested = 0;
    config_.epochs = 6;
    config_.batch = 16;
    config_.val = 0.2;
    config_.lr = 0.1;
    config_.schedule = "step:size=3,gamma=0.5";
    config_.validate_every = "1";
  }
  ~TrainerTest() override { stop_requested = 0; }

  TrainResult run() { return train(engine_, graph_, config_, data_, out_.path(), observer_); }
  std::string run_error() {
    try {
      run();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::failed);
      return error.what();
    }
    return "";
  }
  std::vector<Json> log() const {
    std::ifstream file(out_ / "log.jsonl");
    std::vector<Json> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(Json::parse(line));
    return lines;
  }
  Json result() const { return Json::parse(read_text_file(out_ / "result.json")); }
  std::map<std::string, std::string> extra(const char* name) const {
    return read_checkpoint_info(out_ / name).extra;
  }

  const Dataset data_ = make_data();
  const Graph graph_ = make_graph();
  FakeEngine engine_{graph_};
  TrainConfig config_;
  Recorder observer_;
  TempDir out_{fast_root()};
};

}  // namespace frugal
