#include "data/locate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "data/dataset.h"
#include "fixtures.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::AnyOf;
using testing::EndsWith;
using testing::HasSubstr;

TEST(Locate, ChosenDirectoryBeforeHomeBeforeInstalled) {
  const TempDir chosen, home;
  const ScopedEnv data("FRUGAL_DATA", chosen.path().c_str()), user("HOME", home.path().c_str());
  // The second, where frugal is installed on the machine that tests it.
  EXPECT_THAT(locate_dataset("cifar100-mini").string(),
              AnyOf(FRUGAL_SOURCE_DIR "/data/cifar100-mini", EndsWith("/share/frugal/cifar100-mini")));
  fs::create_directories(home / ".cache/frugal/cifar100-mini");
  EXPECT_EQ(locate_dataset("cifar100-mini"), home / ".cache/frugal/cifar100-mini");
  fs::create_directories(chosen / "cifar100-mini");
  EXPECT_EQ(locate_dataset("cifar100-mini"), chosen / "cifar100-mini");
}

TEST(Locate, KnowsWhatArchivesUnpackTo) {
  const TempDir chosen;
  const ScopedEnv data("FRUGAL_DATA", chosen.path().c_str());
  make_cifar100(chosen / "cifar-100-binary");
  make_cifar10(chosen / "cifar-10-batches-bin");
  EXPECT_EQ(load_dataset("cifar100").train.count, 4);
  EXPECT_EQ(load_dataset("cifar10").train.count, 5);
  EXPECT_EQ(load_dataset("cifar10").name, "cifar10");
}

TEST(Locate, WorksWithoutEnvironment) {
  const ScopedEnv data("FRUGAL_DATA", nullptr), user("HOME", nullptr);
  EXPECT_NO_THROW(locate_dataset("cifar100-mini"));
  const ScopedEnv empty("FRUGAL_DATA", ""), nobody("HOME", "");
  EXPECT_NO_THROW(locate_dataset("cifar100-mini"));
}

TEST(Locate, AKnownNameThatIsNowhereListsEveryPlace) {
  const TempDir chosen, home;
  const ScopedEnv data("FRUGAL_DATA", chosen.path().c_str()), user("HOME", home.path().c_str());
  try {
    locate_dataset("cifar10");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::failed);
    EXPECT_THAT(
        error.what(),
        AllOf(HasSubstr((chosen / "cifar10").string()), HasSubstr((chosen / "cifar-10-batches-bin").string()),
              HasSubstr((home / ".cache/frugal/cifar10").string()), HasSubstr("share/frugal/cifar10"),
              HasSubstr(FRUGAL_SOURCE_DIR "/data/cifar10"), HasSubstr("FRUGAL_DATA")));
  }
}

TEST(Locate, AnUnknownNameIsAUsageError) {
  for (const char* name : {"cifar1000", "/nowhere/at/all", "./nowhere", "", "..x"}) {
    try {
      locate_dataset(name);
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage) << name;
    }
  }
  EXPECT_THAT([] { locate_dataset("cifar1000"); },
              testing::ThrowsMessage<Error>(HasSubstr("cifar10, cifar100, cifar100-mini")));
}

TEST(Locate, APathIsNeverLookedUp) {
  const TempDir chosen;
  const ScopedEnv data("FRUGAL_DATA", chosen.path().c_str());
  fs::create_directories(chosen / "a/b");
  EXPECT_THROW(locate_dataset("a/b"), Error);
  fs::create_directories(chosen / "mine");
  EXPECT_EQ(locate_dataset("mine"), chosen / "mine");
}

TEST(Locate, AFileIsNoDirectory) {
  const TempDir dir;
  put(dir / "train.bin", std::string("x"));
  EXPECT_THAT([&] { locate_dataset(dir / "train.bin"); },
              testing::ThrowsMessage<Error>(HasSubstr("is no directory")));
}

TEST(Locate, ADirectoryOfSomethingElse) {
  const TempDir dir;
  put(dir / "holiday.txt", std::string("x"));
  EXPECT_THAT([&] { load_dataset(dir.path()); },
              testing::ThrowsMessage<Error>(AllOf(HasSubstr(dir.path().string()), HasSubstr("train.bin"),
                                                  HasSubstr("data_batch_1.bin"))));
}

}  // namespace
}  // namespace frugal
