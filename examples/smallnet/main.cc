// Trains SmallNet, then asks it what is in some pictures: smallnet [PICTURE...]
#include <frugal/frugal.h>

#include <cstdio>

int main(int argc, char** argv) try {
  frugal::Training training;
  training.settings = {{"data", "cifar100-mini"}, {"model", "smallnet"}, {"max-time", "30s"}};
  training.max_params = 1'000'000;
  training.on_epoch = [](const frugal::EpochReport& epoch) {
    std::printf("epoch %d: training loss %.3f, top-1 %.2f %%\n", int(epoch.epoch), epoch.train.loss,
                100 * epoch.train.top1);
  };
  const frugal::TrainingReport report = frugal::train(training);
  std::printf("test top-1 %.2f %% after %.1f s; the run is in %s\n", 100 * report.test.top1, report.seconds,
              report.out.c_str());

  frugal::Classifier classifier(report.out);
  for (int i = 1; i < argc; ++i) {
    const frugal::Image picture = frugal::read_picture(argv[i]);
    for (const frugal::Guess& guess : classifier.classify(picture, 3)) {
      std::printf("%s: %5.1f %% %s\n", argv[i], 100 * guess.probability,
                  classifier.classes().at(guess.label).c_str());
    }
  }
} catch (const frugal::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return static_cast<int>(error.code());
}
