#include "train/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "../temp_dir.h"
#include "base/error.h"
#include "train/trainer.h"

namespace frugal {
namespace {

using ::testing::HasSubstr;

class ConfigFile : public ::testing::Test {
 protected:
  std::string write(const std::string& text) {
    put(directory_ / "run.toml", text);
    return (directory_ / "run.toml").string();
  }
  std::string error_of(const std::string& text) {
    TrainConfig config;
    try {
      apply_toml_file(config, write(text));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      EXPECT_EQ(to_toml(config), to_toml(TrainConfig())) << "a refused file changes nothing";
      return error.what();
    }
    return "";
  }
  TempDir directory_;
};

TEST_F(ConfigFile, EveryFieldComesBackToTheBit) {
  TrainConfig config{.data = "a \"quoted\" \\ path\n\x01 \xC3\xA9",
                     .task = "0-49",
                     .val = 0.1 + 0.2,
                     .split_seed = 0x7FFFFFFFFFFFFFFF,
                     .model = "smallnet:dense-width=200",
                     .from = "/runs/a",
                     .freeze = "*@0.5,!fc.*",
                     .freeze_bn = "train",
                     .recipe = "seed",
                     .epochs = 7,
                     .batch = 100,
                     .optimizer = "adamw:beta1=0.8",
                     .lr = 1e-300,
                     .momentum = 1.0 / 3,
                     .weight_decay = 5e+22,
                     .decay = "weights",
                     .groups = "fc*:lr=0.1,*.bias:decay=0",
                     .lookahead = "6:alpha=0.3",
                     .ema = 0.999,
                     .accumulate = 4,
                     .clip = 0.1,
                     .schedule = "multistep:at=30|60,gamma=0.1",
                     .warmup = "5epochs:start=0.1",
                     .loss = "ce:smoothing=0.1 + 0.0001*l2",
                     .teacher = "/runs/b",
                     .augment = "flip,crop:4",
                     .normalize = "none",
                     .precision = "bf16",
                     .threads = 3,
                     .shard = 25,
                     .batch_norm = "sync",
                     .seed = 42};
  TrainConfig back;
  apply_toml_file(back, write(to_toml(config)));
  EXPECT_EQ(back.data, config.data);
  EXPECT_EQ(back.task, config.task);
  EXPECT_EQ(back.val, config.val);
  EXPECT_EQ(back.split_seed, config.split_seed);
  EXPECT_EQ(back.model, config.model);
  EXPECT_EQ(back.from, config.from);
  EXPECT_EQ(back.freeze, config.freeze);
  EXPECT_EQ(back.freeze_bn, config.freeze_bn);
  EXPECT_EQ(back.teacher, config.teacher);
  EXPECT_EQ(back.recipe, config.recipe);
  EXPECT_EQ(back.epochs, config.epochs);
  EXPECT_EQ(back.batch, config.batch);
  EXPECT_EQ(back.optimizer, config.optimizer);
  EXPECT_EQ(back.lr, config.lr);
  EXPECT_EQ(back.momentum, config.momentum);
  EXPECT_EQ(back.weight_decay, config.weight_decay);
  EXPECT_EQ(back.decay, config.decay);
  EXPECT_EQ(back.groups, config.groups);
  EXPECT_EQ(back.lookahead, config.lookahead);
  EXPECT_EQ(back.ema, config.ema);
  EXPECT_EQ(back.accumulate, config.accumulate);
  EXPECT_EQ(back.clip, config.clip);
  EXPECT_EQ(back.schedule, config.schedule);
  EXPECT_EQ(back.warmup, config.warmup);
  EXPECT_EQ(back.loss, config.loss);
  EXPECT_EQ(back.augment, config.augment);
  EXPECT_EQ(back.normalize, config.normalize);
  EXPECT_EQ(back.precision, config.precision);
  EXPECT_EQ(back.threads, config.threads);
  EXPECT_EQ(back.shard, config.shard);
  EXPECT_EQ(back.batch_norm, config.batch_norm);
  EXPECT_EQ(back.seed, config.seed);
}

TEST_F(ConfigFile, SetsOnlyWhatItNames) {
  TrainConfig config;
  config.seed = 9;
  apply_toml_file(config, write("lr = 1\nweight-decay = 0.5\n"));
  EXPECT_EQ(config.lr, 1);
  EXPECT_EQ(config.weight_decay, 0.5);
  EXPECT_EQ(config.seed, 9u);
  EXPECT_EQ(config.batch, TrainConfig().batch);
}

TEST_F(ConfigFile, WeightsAreLookedForBesideItAndNamedWhereverTheyAreReadFrom) {
  TrainConfig config;
  const std::string file = write("from = \"w.pth\"\nteacher = \"../runs/a\"\n");
  const std::filesystem::path directory = std::filesystem::path(file).parent_path();
  apply_toml_file(config, std::filesystem::relative(file).string());
  for (const auto& [found, expected] : {std::pair(config.from, "w.pth"), {config.teacher, "../runs/a"}}) {
    EXPECT_TRUE(std::filesystem::path(found).is_absolute()) << found;
    EXPECT_EQ(std::filesystem::weakly_canonical(found),
              std::filesystem::weakly_canonical(directory / expected));
  }
}

TEST_F(ConfigFile, ItsRecipeComesFirst) {
  TrainConfig config;
  apply_toml_file(config, write("epochs = 5\nrecipe = \"seed\"\n"));
  EXPECT_EQ(config.epochs, 5);
  EXPECT_EQ(config.batch_norm, "sync");
  EXPECT_EQ(config.normalize, "none");
}

TEST_F(ConfigFile, ErrorsNameFileAndLine) {
  EXPECT_THAT(error_of("lr = 0.1\n\nlearning = 1\n"),
              HasSubstr("run.toml:3: there is no setting 'learning'"));
  EXPECT_THAT(error_of("lr = 0.1\nepochs = \"many\"\n"),
              HasSubstr("run.toml:2: epochs must be a whole number"));
  EXPECT_THAT(error_of("epochs = 1.5\n"), HasSubstr("run.toml:1: epochs must be a whole number"));
  EXPECT_THAT(error_of("seed = -1\n"),
              HasSubstr("run.toml:1: seed must be a whole number that is not negative"));
  EXPECT_THAT(error_of("\nmodel = 3\n"), HasSubstr("run.toml:2: model must be a text in quotes"));
  EXPECT_THAT(error_of("threads = 5000000000\n"), HasSubstr("run.toml:1: threads"));
  EXPECT_THAT(error_of("# fine\nlr = = 3\n"), HasSubstr("run.toml:2: "));
  EXPECT_THAT(error_of("recipe = \"soup\"\n"),
              HasSubstr("run.toml:1: --recipe: 'soup' is none of default, seed"));
  EXPECT_THAT(error_of("skip_bad = 1\n"), HasSubstr("run.toml:1: skip_bad must be true or false"));
  EXPECT_THAT(error_of("[lr]\nvalue = 1\n"), HasSubstr("lr must be a number"));
}

TEST(Config, SeedIsTheNotebook) {
  const TrainConfig seed = recipe("seed");
  EXPECT_EQ(
      to_toml(seed),
      "# Repeats the run: frugal train --config FILE\n"
      "recipe = \"seed\"\ndata = \"cifar100\"\nimage_size = \"auto\"\nskip_bad = false\nselect = "
      "\"all\"\ntask = \"all\"\nfraction = 1.0\ncoarse = false\nval = 0.1\nsplit = \"random\"\nsplit_seed = "
      "0\nmodel = "
      "\"smallnet\"\nfrom = \"none\"\nfreeze = \"none\"\nfreeze_bn = \"fixed\"\n"
      "epochs = 330\nmax_time = \"none\"\nvalidate_every = \"1\"\npatience = 0\non_divergence = "
      "\"stop\"\ncheckpoint_every = \"30s\"\nbatch = 128\nsampling = \"shuffle\"\noptimizer = \"sgd\"\nlr = "
      "0.1\nmomentum = "
      "0.9\nweight_decay = 5e-04\ndecay = \"all\"\ngroups = \"none\"\nlookahead = \"none\"\nema = "
      "0.0\naccumulate = 1\nclip = 0.0\n"
      "schedule = \"step:size=5,gamma=0.2\"\nwarmup = \"none\"\nloss = \"ce\"\nteacher = \"none\"\naugment = "
      "\"none\"\nresize = "
      "\"none\"\nnormalize = \"none\"\nreplay = \"none\"\n"
      "precision = \"auto\"\nthreads = 0\nshard = 0\nbatch_norm = \"sync\"\nseed = 1\n");
  EXPECT_NO_THROW(validate(seed));
  EXPECT_NO_THROW(validate(recipe("default")));
  EXPECT_THROW(recipe("soup"), Error);
}

TEST(Config, ColourImagesAreMirroredAndShiftedByAnEighth) {
  const TrainConfig config = recipe("default");
  EXPECT_EQ(config.augment, "auto");
  EXPECT_EQ(choose_augment(config, {32, 32, 3}), "flip,crop:4");
  EXPECT_EQ(choose_augment(config, {96, 64, 3}), "flip,crop:8");
  EXPECT_EQ(choose_augment(config, {4, 4, 3}), "flip,crop:1");
  EXPECT_EQ(choose_augment(config, {28, 28, 1}), "none") << "a mirrored digit is none";
  TrainConfig frozen = config;
  frozen.freeze = "*,!fc.*";
  EXPECT_EQ(choose_augment(frozen, {32, 32, 3}), "none") << "what is frozen is computed once";
}

TEST(Config, ValidateNamesTheFlag) {
  const auto error_of = [](const std::function<void(TrainConfig&)>& spoil) -> std::string {
    TrainConfig config;
    spoil(config);
    try {
      validate(config);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(error_of([](auto& c) { c.val = 1; }), HasSubstr("--val"));
  EXPECT_THAT(error_of([](auto& c) { c.epochs = 0; }), HasSubstr("--epochs"));
  EXPECT_THAT(error_of([](auto& c) { c.batch = -1; }), HasSubstr("--batch"));
  EXPECT_THAT(error_of([](auto& c) { c.lr = -1; }), HasSubstr("--lr"));
  EXPECT_THAT(error_of([](auto& c) { c.momentum = 1; }), HasSubstr("--momentum"));
  EXPECT_THAT(error_of([](auto& c) { c.decay = "some"; }), HasSubstr("--decay"));
  EXPECT_THAT(error_of([](auto& c) { c.groups = "fc1"; }), HasSubstr("--groups"));
  EXPECT_THAT(error_of([](auto& c) { c.lookahead = "0"; }), HasSubstr("--lookahead"));
  EXPECT_THAT(error_of([](auto& c) { c.ema = 1; }), HasSubstr("--ema"));
  EXPECT_THAT(error_of([](auto& c) { c.accumulate = 0; }), HasSubstr("--accumulate"));
  EXPECT_THAT(error_of([](auto& c) { c.clip = -1; }), HasSubstr("--clip"));
  EXPECT_THAT(error_of([](auto& c) { c.weight_decay = -1; }), HasSubstr("--weight-decay"));
  EXPECT_THAT(error_of([](auto& c) { c.optimizer = "x"; }), HasSubstr("--optimizer"));
  EXPECT_THAT(error_of([](auto& c) { c.schedule = "x"; }), HasSubstr("--schedule"));
  EXPECT_THAT(error_of([](auto& c) { c.loss = "x"; }), HasSubstr("--loss"));
  EXPECT_THAT(error_of([](auto& c) { c.augment = "x"; }), HasSubstr("--augment"));
  EXPECT_THAT(error_of([](auto& c) { c.normalize = "x"; }), HasSubstr("--normalize"));
  EXPECT_THAT(error_of([](auto& c) { c.precision = "fp8"; }), HasSubstr("--precision"));
  EXPECT_THAT(error_of([](auto& c) { c.batch_norm = "x"; }), HasSubstr("--batch-norm"));
  EXPECT_THAT(error_of([](auto& c) { c.model = "x"; }), HasSubstr("--model"));
  EXPECT_THAT(error_of([](auto& c) { c.threads = -1; }), HasSubstr("--threads"));
  EXPECT_THAT(error_of([](auto& c) { c.shard = 129; }), HasSubstr("--shard"));
  EXPECT_THAT(error_of([](auto& c) { c.seed = ~uint64_t{0}; }), HasSubstr("--seed"));
  EXPECT_THAT(error_of([](auto& c) { c.recipe = "x"; }), HasSubstr("--recipe"));
  EXPECT_THAT(error_of([](auto& c) { c.data = ""; }), HasSubstr("--data"));
  EXPECT_THAT(error_of([](auto& c) { c.image_size = "0"; }), HasSubstr("--image-size"));
}

}  // namespace
}  // namespace frugal
