#include "train/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <thread>

#include "train/loss.h"
#include "train/progress_file.h"
#include "trainer_fixture.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST_F(TrainerTest, LearnsAndWritesWhatItHasLearned) {
  const TrainResult found = run();
  ASSERT_EQ(found.history.size(), 6u);
  EXPECT_LT(found.history.back().train.loss, 0.8 * found.history.front().train.loss);
  EXPECT_GT(found.test.top1, 0.6);
  EXPECT_EQ(found.test.samples, 30);
  EXPECT_EQ(found.tested, "best");
  EXPECT_FALSE(found.interrupted);
  EXPECT_EQ(found.images_trained, 6 * 80);
  EXPECT_EQ(observer_.train_images, 80);
  EXPECT_EQ(observer_.val_images, 20);
  EXPECT_EQ(observer_.last_steps, 5);
  EXPECT_EQ(observer_.step_calls, 30);
  EXPECT_EQ(observer_.left, 0);
  EXPECT_TRUE(observer_.messages.empty());

  const std::vector<Json> lines = log();
  ASSERT_EQ(lines.size(), 6u);
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(lines[i]["epoch"], i + 1);
    EXPECT_EQ(lines[i]["train"]["loss"], found.history[i].train.loss);
    EXPECT_EQ(lines[i]["train"]["samples"], 80);
    EXPECT_EQ(lines[i]["val"]["top1"], found.history[i].val.top1);
    EXPECT_EQ(lines[i]["val"]["loss_batch_mean"], found.history[i].val.loss_batch_mean);
    EXPECT_EQ(lines[i]["lr"], i < 3 ? 0.1 : 0.05);
    EXPECT_TRUE(lines[i]["timing"].contains("seconds"));
  }
  const Json json = result();
  EXPECT_EQ(json["params"], classes * side * side + classes);
  EXPECT_EQ(json["trainable_params"], json["params"]);
  EXPECT_EQ(json["epochs"], 6);
  EXPECT_EQ(json["best_epoch"], found.best_epoch);
  EXPECT_EQ(json["test"]["top1"], found.test.top1);
  EXPECT_EQ(json["tested"], "best");
  EXPECT_EQ(json["precision"], "fp32");
  EXPECT_EQ(json["timing"]["threads"], 1);

  TrainConfig written;
  apply_toml_file(written, out_ / "config.toml");
  EXPECT_EQ(written.shard, 4) << "as resolved";
  EXPECT_EQ(written.precision, "fp32");
}

TEST_F(TrainerTest, WarmsUpStepByStep) {
  config_.epochs = 3;  // of five steps
  config_.warmup = "2epochs:start=0";
  const TrainResult by_epochs = run();
  EXPECT_DOUBLE_EQ(by_epochs.history[0].lr, 0.1 * 4 / 10) << "of the epoch's last step";
  EXPECT_DOUBLE_EQ(by_epochs.history[1].lr, 0.1 * 9 / 10);
  EXPECT_EQ(by_epochs.history[2].lr, 0.1);
  EXPECT_THAT(read_text_file(out_ / "config.toml"), ::testing::HasSubstr("warmup = \"2epochs:start=0\""));
}

TEST_F(TrainerTest, KeepsTheLastPartialBatchAndKeysEveryStep) {
  config_.batch = 32;
  config_.epochs = 2;
  run();
  EXPECT_EQ(engine_.batches, (std::vector<int64_t>{32, 32, 16, 32, 32, 16}));
  EXPECT_EQ(engine_.keys[2].first_draw, 64u);
  EXPECT_EQ(engine_.keys[3].first_draw, 0u);
  EXPECT_EQ(engine_.keys[3].epoch, 1u);
  EXPECT_EQ(engine_.keys[0].seed, config_.seed);
}

TEST_F(TrainerTest, GivesBothMeansOfTheLoss) {
  engine_.on_train_step = [](LossSums& sums) {
    sums.loss = sums.samples == 16 ? 16.0 : 64.0;
  };  // means 1 and 2
  config_.batch = 32;
  config_.epochs = 1;
  const EpochRecord record = run().history[0];
  EXPECT_DOUBLE_EQ(record.train.loss, (16 + 64 + 64) / 80.0);
  EXPECT_DOUBLE_EQ(record.train.loss_batch_mean, 5.0 / 3);
}

TEST_F(TrainerTest, SameSeedSameBitsOtherSeedOtherBits) {
  run();
  const std::vector<float> first(engine_.parameters().weights().begin(),
                                 engine_.parameters().weights().end());
  const std::vector<Json> first_log = log();
  const auto again = [&] {
    FakeEngine engine(graph_);
    train(engine, graph_, config_, data_, out_.path(), observer_);
    const std::span<float> weights = engine.parameters().weights();
    return std::memcmp(weights.data(), first.data(), weights.size_bytes()) == 0;
  };
  EXPECT_TRUE(again());
  std::vector<Json> second_log = log();
  ASSERT_EQ(second_log.size(), first_log.size());
  for (size_t i = 0; i < first_log.size(); ++i) {
    Json a = first_log[i], b = second_log[i];
    a.erase("timing"), b.erase("timing");
    EXPECT_EQ(a, b);
  }
  config_.seed = 2;
  EXPECT_FALSE(again());
}

TEST_F(TrainerTest, BestIsByValidationAccuracyAndTheEarlierOnATie) {
  config_.lr = 0;  // every epoch validates alike
  EXPECT_EQ(run().best_epoch, 1);
  EXPECT_EQ(extra("best.safetensors")["epoch"], "1");
  EXPECT_EQ(extra("last.safetensors")["epoch"], "6");
  EXPECT_EQ(extra("last.prev.safetensors")["epoch"], "5");
}

TEST_F(TrainerTest, BestIsByAccuracyEvenWhereTheLossGrows) {
  // Zeros know nothing and are not sure of it; in the second epoch the weights know the bright rows, and
  // are so sure that each mistake costs much.
  config_.lr = 0;
  config_.epochs = 2;
  observer_.step_hook = [&](int64_t epoch, int64_t) {
    const std::span<float> weights = engine_.parameters().weight(0);
    for (size_t i = 0; i < weights.size(); ++i) {
      const size_t label = i / (side * side), row = i % (side * side) / side;
      weights[i] = epoch == 2 && row == label ? 100.0f : 0.0f;
    }
  };
  const TrainResult found = run();
  ASSERT_GT(found.history[1].val.top1, found.history[0].val.top1);
  ASSERT_GT(found.history[1].val.loss, found.history[0].val.loss);
  EXPECT_EQ(found.best_epoch, 2);
  EXPECT_EQ(extra("best.safetensors")["epoch"], "2");
}

TEST_F(TrainerTest, AnAverageOfWeightsCompetesForBest) {
  // The last step's weights are spoiled, which the average hardly notices.
  config_.ema = 0.9;
  config_.epochs = 2;
  observer_.step_hook = [&](int64_t, int64_t step) {
    if (step == 5) std::ranges::fill(engine_.parameters().weight(0), 0.0f);
  };
  const TrainResult found = run();
  EXPECT_EQ(found.tested, "ema");
  EXPECT_GT(found.history[0].ema.top1, found.history[0].val.top1);
  EXPECT_EQ(log()[0]["ema"]["top1"], found.history[0].ema.top1);
  EXPECT_EQ(found.best_val.top1, found.history[static_cast<size_t>(found.best_epoch - 1)].ema.top1);
  EXPECT_EQ(extra("best.safetensors")["weights"], "ema");
  Parameters best(graph_), last(graph_);
  load_checkpoint(out_ / "best.safetensors", best);
  load_checkpoint(out_ / "last.safetensors", last);
  EXPECT_TRUE(std::ranges::equal(best.weights(), engine_.parameters().weights()));
  EXPECT_EQ(last.weight(0)[0], 0) << "the average has left the last step's weights alone";
  EXPECT_NE(best.weight(0)[0], 0);
}

TEST_F(TrainerTest, WithoutValidationAnAverageIsHandedOver) {
  config_.ema = 0.9;
  config_.val = 0;
  EXPECT_EQ(run().tested, "ema");
  EXPECT_TRUE(fs::exists(out_ / "best.safetensors"));
}

TEST_F(TrainerTest, AnAverageOfNothingIsNotHandedOver) {
  // A run under a clock that ended before the optimizer's first step, repeated.
  config_.ema = 0.9;
  config_.accumulate = 3;
  config_.epochs = 0;
  config_.max_time = "1m";
  ProgressLog log;
  log.steps = {0, 0.5};
  log.trained = 2, log.validated = 20, log.averaged = 20, log.tested = 30;
  for (const double val : {0.0, 0.2}) {
    config_.val = val;
    FakeEngine engine(graph_);
    const TrainResult found = train(engine, graph_, config_, data_, out_.path(), observer_, {.replay = log});
    EXPECT_EQ(found.tested, val > 0 ? "best" : "last");
    EXPECT_NE(engine.parameters().weight(0)[0], 0);
  }
}

TEST_F(TrainerTest, FeaturesThatAreGivenUpLeaveTheWholeNetworkToBeEvaluated) {
  GraphBuilder net("toy", {side, side, 1});
  const Value x =
      net.conv2d("stem", net.input(), 1, {.kernel = 3, .padding = 1, .bias = false, .trainable = false});
  const Graph graph = net.finish(net.linear("fc", net.flatten(x), classes));
  FakeEngine engine(graph);
  config_.freeze = "stem.*";
  stop_requested = 2;  // as after Ctrl-C while they were computed
  EXPECT_TRUE(train(engine, graph, config_, data_, out_.path(), observer_).interrupted);
  ASSERT_EQ(engine.evaluated.size(), 2u) << "the frozen part, then all";
  EXPECT_LT(engine.evaluated[0], graph.nodes.size());
  EXPECT_EQ(engine.evaluated[1], graph.nodes.size());
}

TEST_F(TrainerTest, ANormOverASingleValueIsRefused) {
  GraphBuilder net("toy", {side, side, 1});
  const Value x = net.batch_norm("bn", net.linear("a", net.flatten(net.input()), 8));
  const Graph graph = net.finish(net.linear("fc", x, classes));
  FakeEngine engine(graph);
  config_.batch = 2;
  EXPECT_NO_THROW(check_run(engine, graph, config_, data_));
  config_.batch = 1;
  EXPECT_THROW(check_run(engine, graph, config_, data_), Error);
  // Shards differ by one image.
  engine.largest_shard = 2;
  config_.batch = 3;
  try {
    check_run(engine, graph, config_, data_);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    EXPECT_THAT(error.what(), HasSubstr("bn: batch-norm over a single value"));
  }
  config_.batch = 4;
  EXPECT_NO_THROW(check_run(engine, graph, config_, data_));
}

TEST_F(TrainerTest, ALimitThatLeavesNoStepIsSaidSo) {
  config_.epochs = 0;
  config_.max_time = "0.05s";
  engine_.on_evaluate = [](int64_t) { std::this_thread::sleep_for(std::chrono::milliseconds(20)); };
  try {
    run();
    ADD_FAILURE() << "it ended as if there were a model";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::limit);
    EXPECT_THAT(error.what(), HasSubstr("--max-time 0.05s leaves no time for a step"));
  }
  EXPECT_FALSE(fs::exists(out_ / "result.json"));
}

TEST_F(TrainerTest, TestsTheBestWeightsAndNotTheLast) {
  // Weights are spoiled after the third epoch, so that the best must come from before.
  observer_.step_hook = [&](int64_t epoch, int64_t) {
    if (epoch > 3) std::ranges::fill(engine_.parameters().weight(0), 0.0f);
  };
  const TrainResult found = run();
  ASSERT_LE(found.best_epoch, 3);
  Parameters best(graph_);
  load_checkpoint(out_ / "best.safetensors", best);
  EXPECT_TRUE(std::ranges::equal(best.weights(), engine_.parameters().weights()));
  EXPECT_GT(found.test.top1, 0.5);
  double highest = 0;
  for (const EpochRecord& record : found.history) highest = std::max(highest, record.val.top1);
  EXPECT_EQ(found.best_val.top1, highest);
}

TEST_F(TrainerTest, WithoutValidationTheLastIsTested) {
  config_.val = 0;
  const TrainResult found = run();
  EXPECT_EQ(found.tested, "last");
  EXPECT_EQ(found.best_epoch, 0);
  EXPECT_FALSE(fs::exists(out_ / "best.safetensors"));
  EXPECT_TRUE(std::isnan(found.history[0].val.loss));
  EXPECT_TRUE(log()[0]["val"].is_null());
  EXPECT_TRUE(result()["best_epoch"].is_null());
}

TEST_F(TrainerTest, ReadsTheTestSplitOnce) {
  int64_t evaluated = 0;
  engine_.on_evaluate = [&](int64_t images) { evaluated += images; };
  run();
  EXPECT_EQ(evaluated, 6 * 20 + 30);
}

TEST_F(TrainerTest, StopsBetweenStepsAndSaves) {
  observer_.step_hook = [](int64_t epoch, int64_t step) {
    if (epoch == 3 && step == 2) stop_requested = 2;
  };
  const TrainResult found = run();
  EXPECT_TRUE(found.interrupted);
  EXPECT_EQ(found.history.size(), 2u);
  EXPECT_EQ(found.images_trained, 2 * 80 + 2 * 16);
  const auto last = extra("last.safetensors");
  EXPECT_EQ(last.at("epoch"), "2");
  EXPECT_EQ(last.at("step"), "2");
  EXPECT_EQ(last.at("optimizer_steps"), "12");
  EXPECT_EQ(last.at("sum_samples"), "32");
  EXPECT_EQ(extra("last.prev.safetensors")["step"], "0");
  Parameters saved(graph_);
  saved.add_state();
  load_checkpoint(out_ / "last.safetensors", saved, true);
  EXPECT_TRUE(std::ranges::equal(saved.weights(), engine_.parameters().weights()));
  EXPECT_TRUE(std::ranges::equal(saved.state(0), engine_.parameters().state(0)));
  EXPECT_EQ(result()["interrupted"], true);
  EXPECT_EQ(result()["epochs"], 2);
  EXPECT_TRUE(result()["test"].is_null());
}

TEST_F(TrainerTest, ALossThatIsNotFiniteStopsBeforeTheWeightsChange) {
  std::vector<float> before;
  engine_.on_train_step = [&](LossSums& sums) {
    if (engine_.batches.size() != 13) return;  // epoch 3, step 3
    const std::span<float> weights = engine_.parameters().weights();
    before.assign(weights.begin(), weights.end());
    sums.loss = std::numeric_limits<double>::quiet_NaN();
  };
  EXPECT_THAT(run_error(), AllOf(HasSubstr("NaN in epoch 3, step 3 of 5"), HasSubstr("learning rate 0.1"),
                                 HasSubstr("last.safetensors (after epoch 2)")));
  EXPECT_TRUE(std::ranges::equal(before, engine_.parameters().weights()));
  EXPECT_EQ(extra("last.safetensors")["epoch"], "2");
}

TEST_F(TrainerTest, BrokenWeightsDoNotReplaceGoodOnes) {
  int64_t steps = 5;
  observer_.step_hook = [&](int64_t epoch, int64_t step) {
    if (epoch == 2 && step == steps)
      engine_.parameters().weight(1)[0] = std::numeric_limits<float>::infinity();
  };
  EXPECT_THAT(run_error(),
              AllOf(HasSubstr("the validation loss became NaN in epoch 2"), HasSubstr("after epoch 1")));
  EXPECT_EQ(extra("last.safetensors")["epoch"], "1");
  config_.val = 0;
  steps = 7;
  EXPECT_THAT(run_error(), HasSubstr("a weight became infinite in epoch 2"));
  // Within an epoch, too, before a loss tells of it.
  config_.checkpoint_every = "1steps";
  engine_.on_train_step = [&](LossSums&) {
    if (engine_.keys.back().epoch == 1) {
      engine_.parameters().gradient(0)[0] = std::numeric_limits<float>::infinity();
    }
  };
  EXPECT_THAT(run_error(),
              AllOf(HasSubstr("a weight became infinite in epoch 2, step 1"), HasSubstr("(after epoch 1)")));
}

/// A frozen layer in front: FakeEngine trains the last layer on the pixels and passes over the others.
TEST_F(TrainerTest, AFrozenParameterIsCountedCheckedAndKept) {
  GraphBuilder net("toy", {side, side, 1});
  const Value x = net.conv2d("stem", net.input(), 1, {.kernel = 1, .bias = false, .trainable = false});
  const Graph graph = net.finish(net.linear("fc", net.flatten(x), classes));
  FakeEngine engine(graph);
  Parameters start(graph);
  start.initialise(config_.seed);
  train(engine, graph, config_, data_, out_.path(), observer_);
  const int64_t trainable = classes * side * side + classes;
  EXPECT_EQ(result()["params"], trainable + 1);
  EXPECT_EQ(result()["trainable_params"], trainable);
  for (const char* file : {"best.safetensors", "last.safetensors"}) {
    Parameters saved(graph);
    load_checkpoint(out_ / file, saved);
    EXPECT_NE(saved.weight(0)[0], 0);
    EXPECT_EQ(saved.weight(0)[0], start.weight(0)[0]) << file;
    EXPECT_NE(saved.weight(1)[0], start.weight(1)[0]) << file;
  }
  observer_.step_hook = [&](int64_t, int64_t) {
    engine.parameters().weight(0)[0] = std::numeric_limits<float>::quiet_NaN();
  };
  EXPECT_THROW(train(engine, graph, config_, data_, out_.path(), observer_), Error);
}

TEST_F(TrainerTest, NothingSavedYetIsSaidSo) {
  engine_.on_train_step = [](LossSums& sums) { sums.loss = std::numeric_limits<double>::infinity(); };
  EXPECT_THAT(run_error(),
              AllOf(HasSubstr("infinite in epoch 1, step 1"), HasSubstr("nothing had been saved yet")));
}

TEST_F(TrainerTest, AFailedSaveWarnsKeepsTheOldFileAndTriesAgain) {
  const fs::path obstacle = out_ / "last.next.safetensors";
  observer_.epoch_hook = [&](int64_t epoch) {
    if (epoch == 2) fs::create_directory(obstacle);
    if (epoch == 4) {
      EXPECT_EQ(extra("last.safetensors")["epoch"], "1");
      fs::remove(obstacle);
    }
  };
  run();
  ASSERT_EQ(observer_.messages.size(), 2u);
  EXPECT_THAT(observer_.messages[0],
              AllOf(HasSubstr("last.next.safetensors"), HasSubstr("try to save again")));
  EXPECT_EQ(extra("last.safetensors")["epoch"], "6");
}

TEST_F(TrainerTest, ABestThatCouldNotBeSavedIsSavedLater) {
  config_.lr = 0;  // the first epoch is the best
  const fs::path obstacle = out_ / "best.safetensors";
  observer_.epoch_hook = [&](int64_t epoch) {
    if (epoch == 1) fs::create_directory(obstacle);
    if (epoch == 3) fs::remove(obstacle);
  };
  run();
  EXPECT_EQ(observer_.messages.size(), 2u);
  EXPECT_EQ(extra("best.safetensors")["epoch"], "1");
}

TEST_F(TrainerTest, AFailedSaveAtTheEndIsAnError) {
  observer_.epoch_hook = [&](int64_t epoch) {
    if (epoch == 6) fs::create_directory(out_ / "last.next.safetensors");
  };
  EXPECT_THAT(run_error(), HasSubstr("last.next.safetensors"));
  EXPECT_EQ(extra("last.safetensors")["epoch"], "5");
}

TEST_F(TrainerTest, AFullDiskIsSurvivedUntilTheEnd) {
  if (geteuid() != 0) GTEST_SKIP() << "mounting needs root";
  const fs::path mount_point = out_ / "full";
  fs::create_directory(mount_point);
  if (mount("tmpfs", mount_point.c_str(), "tmpfs", 0, "size=256k") != 0)
    GTEST_SKIP() << "mounting is not allowed";
  const auto run_there = [&](int64_t free_again) {
    observer_.messages.clear();
    observer_.epoch_hook = [&, free_again](int64_t epoch) {
      if (epoch == 2) {
        std::ofstream ballast(mount_point / "ballast");
        ballast << std::string(1 << 20, 'x');
      }
      if (epoch == free_again) fs::remove(mount_point / "ballast");
    };
    FakeEngine engine(graph_);
    train(engine, graph_, config_, data_, mount_point, observer_);
  };
  EXPECT_NO_THROW(run_there(4));
  EXPECT_THAT(observer_.messages, testing::Contains(HasSubstr("No space left on device")));
  EXPECT_EQ(read_checkpoint_info(mount_point / "last.safetensors").extra["epoch"], "6");
  std::ifstream log_file(mount_point / "log.jsonl");
  EXPECT_EQ(std::count(std::istreambuf_iterator<char>(log_file), {}, '\n'), 6) << "no hole in the log";
  log_file.close();
  try {
    run_there(0);
    ADD_FAILURE() << "a disk that is full at the end is an error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("No space left on device"));
  }
  EXPECT_EQ(umount2(mount_point.c_str(), MNT_DETACH), 0);
}

TEST_F(TrainerTest, ARunDirectoryIsLockedWhileInUse) {
  observer_.epoch_hook = [&](int64_t epoch) {
    if (epoch != 1) return;
    FakeEngine engine(graph_);
    Recorder quiet;
    try {
      train(engine, graph_, config_, data_, out_.path(), quiet);
      ADD_FAILURE() << "two runs in one directory";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("in use"));
    }
  };
  run();
  EXPECT_EQ(log().size(), 6u) << "the intruder has not touched the log";
}

TEST_F(TrainerTest, ADirectoryThatIsNotThereIsNamed) {
  fs::remove(out_.path());
  EXPECT_THAT(run_error(), AllOf(HasSubstr(out_.path().string()), HasSubstr("No such file")));
}

TEST_F(TrainerTest, HeartbeatTellsTheTimeUsed) {
  run();
  const std::vector<uint8_t> bytes = read_file(out_ / "progress.bin");
  ASSERT_GE(bytes.size(), 32u);  // one for every second, and the last one
  ASSERT_EQ(bytes.size() % 16, 0u);
  EXPECT_EQ(std::memcmp(bytes.data(), progress_magic, 16), 0);
  ProgressRecord record;
  std::memcpy(&record, bytes.data() + bytes.size() - sizeof record, sizeof record);
  EXPECT_EQ(record.kind, ProgressRecord::Kind::heartbeat);
  EXPECT_GT(record.value, 0);
  EXPECT_LT(record.value, 60);
}

TEST_F(TrainerTest, PenaltiesPullAndAreTold) {
  config_.loss = "ce + 0.5*l2";
  config_.epochs = 1;
  const TrainResult found = run();
  EXPECT_GT(found.history[0].penalty, 0);
  EXPECT_EQ(log()[0]["penalty"], found.history[0].penalty);
}

/// Three biases for most of the run, forty-eight weights as well at its end.
TEST_F(TrainerTest, PenaltiesAreOfWhatIsTrainedNow) {
  config_.loss = "ce + 0.5*l2";
  config_.freeze = "fc.weight@0.9";
  const TrainResult found = run();
  EXPECT_GT(found.history.front().penalty, 0);
  EXPECT_LT(found.history.front().penalty, 0.2 * found.history.back().penalty);
  EXPECT_NEAR(found.history[3].penalty, found.history.front().penalty, found.history.front().penalty);
}

TEST_F(TrainerTest, ClippingBoundsEveryStep) {
  config_.clip = 1e-3, config_.momentum = 0, config_.weight_decay = 0, config_.schedule = "constant";
  run();
  Parameters initial(graph_);
  initial.initialise(config_.seed);
  double moved = 0;
  for (size_t i = 0; i < initial.weights().size(); ++i) {
    moved += std::pow(engine_.parameters().weights()[i] - initial.weights()[i], 2);
  }
  const double bound = static_cast<double>(observer_.step_calls) * config_.lr * config_.clip;
  EXPECT_GT(std::sqrt(moved), 0);
  EXPECT_LE(std::sqrt(moved), bound);
}

/// 80 training images make five batches an epoch: two steps of the optimizer, of four batches and of one.
TEST_F(TrainerTest, AccumulationStepsOnceAGroup) {
  config_.accumulate = 4;
  std::vector<int> changes;
  observer_.step_hook = [&](int64_t, int64_t) { changes.push_back(engine_.changes); };
  config_.epochs = 2;
  run();
  ASSERT_EQ(changes.size(), 10u);
  const std::vector<int> steps = {0, 0, 0, 1, 2, 2, 2, 2, 3, 4};
  for (size_t i = 0; i < steps.size(); ++i) EXPECT_EQ(changes[i] - changes[0], steps[i]) << i;
}

TEST_F(TrainerTest, EvaluationIsTheMeanOverSamplesInOrder) {
  engine_.parameters().initialise(1);
  const ImageSet images = make_images(2500, 3);  // several blocks
  std::vector<int32_t> ids(2500);
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>((i * 7) % ids.size());
  const Metrics all = evaluate(engine_, images, ids, no_normalization(1), CrossEntropy(), 1000);
  EXPECT_EQ(all.samples, 2500);
  double sum = 0, parts[3] = {};
  for (size_t part = 0; part < 3; ++part) {
    const std::vector<int32_t> some(
        ids.begin() + static_cast<long>(part * 1000),
        ids.begin() + static_cast<long>(std::min<size_t>(2500, part * 1000 + 1000)));
    const Metrics metrics = evaluate(engine_, images, some, no_normalization(1), CrossEntropy(), 1000);
    parts[part] = metrics.loss;
    sum += metrics.loss * static_cast<double>(metrics.samples);
  }
  EXPECT_NEAR(all.loss, sum / 2500, 1e-12);
  EXPECT_NEAR(all.loss_batch_mean, (parts[0] + parts[1] + parts[2]) / 3, 1e-12);
  EXPECT_TRUE(std::isnan(evaluate(engine_, images, {}, no_normalization(1), CrossEntropy(), 10).loss));
}

}  // namespace
}  // namespace frugal
