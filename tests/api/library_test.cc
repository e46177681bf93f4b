// The library as another program sees it: the public headers and the shared object, nothing else of frugal.
#include <frugal/frugal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "../temp_dir.h"

namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t side = 12;

/// Noise around a colour for each class, from a rule of its own.
frugal::ImageSet coloured_images(int64_t count, uint32_t seed) {
  frugal::ImageSet images{count, side, side, 3, {}, {}, {}};
  uint32_t state = seed;
  for (int64_t i = 0; i < count; ++i) {
    const auto label = static_cast<int32_t>(i % 3);
    images.labels.push_back(label);
    for (int64_t value = 0; value < side * side * 3; ++value) {
      state = state * 1664525 + 1013904223;
      images.pixels.push_back(static_cast<uint8_t>((value % 3 == label ? 100 : 40) + (state >> 24) / 3));
    }
  }
  return images;
}

frugal::Dataset coloured() {
  frugal::Dataset data;
  data.name = "colours";
  data.classes = {"red", "green", "blue"};
  data.train = coloured_images(240, 1);
  data.test = coloured_images(60, 2);
  return data;
}

class Library : public ::testing::Test {
 protected:
  frugal::Training training(const std::string& out) const {
    frugal::Training training;
    training.settings = {{"model", "resnet20:width=0.25"},
                         {"epochs", "3"},
                         {"batch", "24"},
                         {"lr", "0.05"},
                         {"precision", "fp32"}};
    training.data = coloured();
    training.out = temp_.path() / out;
    return training;
  }

  /// The message of the Error that `act` throws, and its code.
  static std::string error_of(const std::function<void()>& act, frugal::ExitCode code) {
    try {
      act();
    } catch (const frugal::Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }

  frugal::TempDir temp_;
};

TEST_F(Library, TrainsOnImagesOfTheProgramsOwn) {
  std::vector<frugal::EpochReport> epochs;
  frugal::Training asked = training("run");
  asked.on_epoch = [&](const frugal::EpochReport& epoch) { epochs.push_back(epoch); };
  const frugal::TrainingReport report = frugal::train(asked);
  ASSERT_EQ(epochs.size(), 3u);
  EXPECT_EQ(epochs[1].epoch, 2);
  EXPECT_EQ(epochs[1].epochs, 3);
  EXPECT_EQ(epochs[1].train.images, 216);
  EXPECT_LT(epochs[2].train.loss, epochs[0].train.loss);
  EXPECT_EQ(report.epochs, 3);
  EXPECT_EQ(report.steps, 27);
  EXPECT_EQ(report.val.images, 24);
  EXPECT_EQ(report.test.images, 60);
  EXPECT_GT(report.test.top1, 0.9);
  EXPECT_GT(report.seconds, 0);
  EXPECT_FALSE(report.interrupted);
  for (const char* file : {"config.toml", "log.jsonl", "result.json", "best.safetensors", "curves.svg"}) {
    EXPECT_TRUE(fs::exists(report.out / file)) << file;
  }

  frugal::Classifier classifier(report.out);
  EXPECT_EQ(classifier.classes(), coloured().classes);
  EXPECT_EQ(classifier.channels(), 3);
  const frugal::ImageSet test = coloured().test;
  std::vector<frugal::Image> pictures;
  for (int64_t i = 0; i < test.count; ++i) pictures.push_back(test.picture(i));
  const auto guesses = classifier.classify(pictures, 2);
  ASSERT_EQ(guesses.size(), 60u);
  int64_t right = 0;
  for (size_t i = 0; i < guesses.size(); ++i) {
    ASSERT_EQ(guesses[i].size(), 2u);
    EXPECT_GE(guesses[i][0].probability, guesses[i][1].probability);
    right += guesses[i][0].label == test.labels[i] ? 1 : 0;
  }
  EXPECT_EQ(static_cast<double>(right) / 60, report.test.top1);
  const auto alone = classifier.classify(pictures[7]);
  ASSERT_EQ(alone.size(), 3u);  // there are no five classes
  EXPECT_EQ(alone[0].label, guesses[7][0].label);
  EXPECT_NEAR(alone[0].probability + alone[1].probability + alone[2].probability, 1, 1e-9);
}

TEST_F(Library, GoesOnWithARunThatWasStopped) {
  const frugal::TrainingReport whole = frugal::train(training("whole"));
  frugal::Training asked = training("stopped");
  asked.on_epoch = [](const frugal::EpochReport& epoch) {
    if (epoch.epoch == 1) frugal::request_stop();
  };
  const frugal::TrainingReport stopped = frugal::train(asked);
  EXPECT_TRUE(stopped.interrupted);
  EXPECT_EQ(stopped.epochs, 1);
  frugal::Training how;
  how.settings = {{"threads", "1"}};
  how.data = coloured();
  const frugal::TrainingReport rest = frugal::resume_training(stopped.out, how);
  EXPECT_FALSE(rest.interrupted);
  EXPECT_EQ(rest.epochs, 3);
  EXPECT_EQ(rest.test.loss, whole.test.loss);
  EXPECT_EQ(rest.val.loss, whole.val.loss);

  how.data = coloured();
  EXPECT_THAT(error_of([&] { frugal::resume_training(stopped.out, how); }, frugal::ExitCode::failed),
              HasSubstr("has finished"));
}

TEST_F(Library, ARequestToStopEndsWithTheTrainingItWasMadeIn) {
  frugal::Training failing = training("failing");
  failing.on_epoch = [](const frugal::EpochReport&) {
    frugal::request_stop();
    throw std::runtime_error("the program's own");
  };
  EXPECT_THROW(frugal::train(failing), std::runtime_error);
  frugal::request_stop();  // nothing is in progress
  EXPECT_FALSE(frugal::train(training("next")).interrupted);
}

TEST_F(Library, ARunGoesOnWithItsOwnSettingsAndImages) {
  frugal::Training asked = training("run");
  asked.on_epoch = [](const frugal::EpochReport&) { frugal::request_stop(); };
  const frugal::TrainingReport stopped = frugal::train(asked);
  frugal::Training how;
  how.settings = {{"lr", "0.1"}};
  EXPECT_THAT(error_of([&] { frugal::resume_training(stopped.out, how); }, frugal::ExitCode::usage),
              HasSubstr("leave lr out"));
  how.settings.clear();
  how.data = coloured();
  how.data->train.pixels[100] ^= 1;
  EXPECT_THAT(error_of([&] { frugal::resume_training(stopped.out, how); }, frugal::ExitCode::usage),
              HasSubstr("the data (fingerprint)"));
}

TEST_F(Library, RefusesWhatIsWrongAndLeavesNothingBehind) {
  const auto refused = [&](const std::function<void(frugal::Training&)>& spoil,
                           frugal::ExitCode code = frugal::ExitCode::usage) {
    frugal::Training asked = training("run");
    spoil(asked);
    std::string message = error_of([&] { frugal::train(asked); }, code);
    EXPECT_FALSE(fs::exists(temp_.path() / "run")) << message;
    return message;
  };
  EXPECT_THAT(refused([](auto& t) { t.settings["epoch"] = "3"; }), HasSubstr("did you mean --epochs"));
  EXPECT_THAT(refused([](auto& t) { t.settings["coarse"] = "yes"; }),
              HasSubstr("coarse must be true or false"));
  EXPECT_THAT(refused([](auto& t) { t.settings["data"] = "cifar100"; }), HasSubstr("exclude each other"));
  EXPECT_THAT(refused([](auto& t) { t.settings["max-params"] = "1M"; }),
              HasSubstr("max-params is no setting here but a member of Training"));
  EXPECT_THAT(refused([](auto& t) { t.settings["image-size"] = "32"; }), HasSubstr("setting image-size and"));
  EXPECT_THAT(refused([](auto& t) { t.settings["skip-bad"] = "true"; }), HasSubstr("setting skip-bad and"));
  EXPECT_THAT(refused([](auto& t) { t.data->test.labels[3] = 3; }),
              AllOf(HasSubstr("test images"), HasSubstr("label 3 is not in 0 to 2")));
  EXPECT_THAT(refused([](auto& t) { t.data->train.pixels.pop_back(); }), HasSubstr("number of pixels"));
  EXPECT_THAT(refused([](auto& t) { t.data->train.labels.pop_back(); }), HasSubstr("239 labels for 240"));
  EXPECT_THAT(refused([](auto& t) { t.data->test = {0, side, side, 3, {}, {}, {}}; }),
              HasSubstr("there are none"));
  EXPECT_THAT(refused([](auto& t) { t.data->classes.clear(); }), HasSubstr("no classes"));
  EXPECT_THAT(refused([](auto& t) { t.data->train.channels = 0; }), HasSubstr("1 to 4 channels"));
  EXPECT_THAT(refused([](auto& t) { t.data->train.height = 0; }), HasSubstr("height and width"));
  EXPECT_THAT(refused([](auto& t) { t.data->train.height = side * 2, t.data->train.width = side / 2; }),
              HasSubstr("different sizes"));
  EXPECT_THAT(refused([](auto& t) { t.max_params = 1000; }, frugal::ExitCode::limit),
              HasSubstr("too many; its largest layers"));
  EXPECT_THAT(refused([](auto& t) { t.settings["max-time"] = "0.001ms"; }, frugal::ExitCode::limit),
              HasSubstr("before the first step"));
}

TEST_F(Library, ClassifierRefusesOtherPictures) {
  EXPECT_THAT(error_of([&] { frugal::Classifier("/nonexistent"); }, frugal::ExitCode::failed),
              HasSubstr("no such run directory"));
  frugal::Training asked = training("run");
  asked.settings["epochs"] = "1";
  frugal::Classifier classifier(frugal::train(asked).out, 1);
  const frugal::Image grey{side, side, 1, std::vector<uint8_t>(side * side)};
  EXPECT_THAT(error_of([&] { classifier.classify(grey); }, frugal::ExitCode::usage),
              HasSubstr("takes 3 channels"));
  const frugal::Image torn{side, side, 3, std::vector<uint8_t>(7)};
  EXPECT_THAT(error_of([&] { classifier.classify(torn); }, frugal::ExitCode::usage),
              HasSubstr("with 7 values"));
  const frugal::Image large{30, 50, 3, std::vector<uint8_t>(30 * 50 * 3, 128)};
  EXPECT_EQ(classifier.classify(large, 1).size(), 1u);
  EXPECT_TRUE(classifier.classify(std::vector<frugal::Image>()).empty());
  EXPECT_THAT(error_of([&] { classifier.classify(large, 0); }, frugal::ExitCode::usage),
              HasSubstr("0 classes"));
}

}  // namespace
