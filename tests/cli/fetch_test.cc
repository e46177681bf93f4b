// `frugal fetch`, the real program, against a server of our own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <csignal>
#include <optional>

#include "../archives.h"
#include "../web_server.h"
#include "data/checksum.h"
#include "program.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

/// As many images as CIFAR-100 has, all of them dull, in its archive's layout: 184 MB that pack to little.
class FetchProgram : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    made_ = std::make_unique<TempDir>();
    write_cifar100(*made_ / "few", 1, 1);  // for the names
    std::vector<TarEntry> entries;
    for (const std::string name : {"fine_label_names.txt", "coarse_label_names.txt"}) {
      entries.push_back({.path = "cifar-100-binary/" + name, .bytes = get(*made_ / "few" / name)});
    }
    for (const auto& [name, count] : {std::pair{"train.bin", 50000}, std::pair{"test.bin", 10000}}) {
      std::string bytes(static_cast<size_t>(count) * 3074, '\x40');
      for (int i = 0; i < count; ++i) {
        bytes[static_cast<size_t>(i) * 3074] = static_cast<char>(i % 100 / 5);
        bytes[static_cast<size_t>(i) * 3074 + 1] = static_cast<char>(i % 100);
      }
      entries.push_back({.path = std::string("cifar-100-binary/") + name, .bytes = std::move(bytes)});
    }
    write_tar_gz(*made_ / "dull.tar.gz", entries);
    archive_ = get(*made_ / "dull.tar.gz");
    sha256_ = checksums_of(*made_ / "dull.tar.gz", StopFlag{0}).sha256;
  }
  static void TearDownTestSuite() { made_.reset(); }

  FetchProgram() { options.environment = {"FRUGAL_DATA=" + root.string(), "no_proxy=*"}; }
  void serve(WebServer::Handler handler) { server.emplace(std::move(handler)); }
  Outcome run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "fetch");
    return frugal(arguments, options);
  }
  Outcome fetch_dull() const {
    return run({"cifar100", "--from", server->url("/dull.tar.gz"), "--sha256", sha256_});
  }
  Outcome data() const { return frugal({"data", "cifar100", "--json"}, options); }

  static inline std::unique_ptr<TempDir> made_;
  static inline std::string archive_, sha256_;
  const TempDir scratch;
  fs::path root = scratch / "root";
  RunOptions options;
  std::optional<WebServer> server;
};

TEST_F(FetchProgram, FetchesWhatTheOtherCommandsFind) {
  serve([](const WebRequest& request) { return good_reply(request, archive_); });
  const Outcome first = fetch_dull();
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr("fetched and verified: " + (root / "cifar100").string()));
  const Outcome found = data();
  EXPECT_EQ(found.code, 0) << found.err;
  EXPECT_EQ(json_lines(found.out)[0]["path"], (root / "cifar100").string());
  EXPECT_EQ(json_lines(found.out)[0]["train"], 50000);

  const Outcome second = run({"cifar100"});  // and needs no network for that
  EXPECT_EQ(second.code, 0) << second.err;
  EXPECT_THAT(second.out, HasSubstr("already there and verified"));
  EXPECT_EQ(server->requests().size(), 1U);

  std::ofstream(root / "cifar100" / "test.bin", std::ios::app) << "x";
  const Outcome repaired = fetch_dull();
  EXPECT_THAT(repaired.out, AllOf(HasSubstr("is damaged"), HasSubstr("fetched and verified")));
  const auto lines = json_lines(run({"cifar100", "--json"}).out);
  EXPECT_EQ(lines.back()["event"], "done");
  EXPECT_EQ(lines.back()["status"], "verified");
}

TEST_F(FetchProgram, CtrlCKeepsWhatCameAndTheNextGoesOn) {
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}}) {
    fs::remove_all(root);
    serve([n = 0](const WebRequest& request) mutable {
      WebReply reply = good_reply(request, archive_);
      if (n++ == 0) reply.stall_after = static_cast<int64_t>(archive_.size() / 2);
      return reply;
    });
    bool sent = false;
    options.on_output = [&, number = signal](const std::string& out, int pid) {
      if (sent || out.find("\"progress\"") == std::string::npos) return;
      sent = true;
      kill(pid, number);
    };
    const Outcome stopped =
        run({"cifar100", "--json", "--from", server->url("/dull.tar.gz"), "--sha256", sha256_});
    options.on_output = {};
    EXPECT_EQ(stopped.code, code) << stopped.err;
    EXPECT_THAT(stopped.err, AllOf(StartsWith("frugal: interrupted; "), HasSubstr("are kept in"),
                                   HasSubstr("the same command goes on from there")));
    EXPECT_FALSE(fs::exists(root / "cifar100"));
    const Outcome next = fetch_dull();
    EXPECT_EQ(next.code, 0) << next.err;
    EXPECT_EQ(server->requests().back().header("range"),
              "bytes=" + std::to_string(archive_.size() / 2) + "-");
  }
}

TEST_F(FetchProgram, WhatIsNotTheDataSetIsNotPlaced) {
  serve([](const WebRequest& request) { return good_reply(request, archive_); });
  const Outcome other = run({"cifar100", "--from", server->url("/dull.tar.gz")});  // not the publisher's
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.err, HasSubstr("offers"));
  const Outcome wrong = run({"cifar100", "--from", (*made_ / "dull.tar.gz").string()});
  EXPECT_EQ(wrong.code, 1);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("SHA-256"), HasSubstr("was not placed")));
  write_cifar100(scratch / "few");
  write_tar_gz(scratch / "few.tar.gz", tar_entries(scratch / "few", "cifar-100-binary"));
  const Outcome few = run({"cifar100", "--from", (scratch / "few.tar.gz").string(), "--sha256",
                           checksums_of(scratch / "few.tar.gz", StopFlag{0}).sha256});
  EXPECT_EQ(few.code, 1);
  EXPECT_THAT(few.err, HasSubstr("256 training images instead of 50,000"));
  EXPECT_FALSE(fs::exists(root / "cifar100"));
}

TEST_F(FetchProgram, WhatTheServerLacksIsOneError) {
  serve([](const WebRequest&) { return WebReply{.status = 404}; });
  const Outcome outcome = run({"cifar10", "--from", server->url("/gone.tar.gz")});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err,
              AllOf(HasSubstr("/gone.tar.gz: it answered with status 404"), HasSubstr("--from FILE")));
}

TEST_F(FetchProgram, WithoutNetworkItFailsSoonAndGoesOnWithTheOthers) {
  serve([](const WebRequest&) { return WebReply{.status = 403}; });  // a proxy that lets nobody out
  for (const char* name : {"https_proxy=", "http_proxy="})
    options.environment.push_back(name + server->url(""));
  options.environment.emplace_back("no_proxy=");
  const auto begin = std::chrono::steady_clock::now();
  const Outcome outcome = run({"cifar10", "cifar100"});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("cannot fetch cifar10:"), HasSubstr("cannot fetch cifar100:"),
                                 HasSubstr("403")));
}

TEST_F(FetchProgram, FashionMnistFromDebiansCopy) {
  const fs::path debian = "/usr/share/datasets/fashion-mnist";
  if (!fs::exists(debian)) GTEST_SKIP() << "the package dataset-fashion-mnist is not here";
  // Debian has packed the same data without the files' names and times; with them, they are the publisher's
  // files.
  struct File {
    const char* name;
    uint32_t time;
  };
  for (const auto& [name, time] : {File{"train-images-idx3-ubyte", 1504176606},
                                   {"train-labels-idx1-ubyte", 1504176606},
                                   {"t10k-images-idx3-ubyte", 1504176627},
                                   {"t10k-labels-idx1-ubyte", 1504176627}}) {
    std::string bytes("\x1f\x8b\x08\x08", 4);
    for (int i = 0; i < 4; ++i) bytes += static_cast<char>(time >> (8 * i));
    bytes += std::string("\0\x03", 2) + name + '\0';
    put(scratch / (std::string(name) + ".gz"), bytes + get(debian / (std::string(name) + ".gz")).substr(10));
  }
  const Outcome outcome = run({"fashion-mnist", "--from", scratch.path().string()});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(fs::exists(root / "fashion-mnist" / "t10k-labels-idx1-ubyte.gz"));
  EXPECT_THAT(run({"fashion-mnist"}).out, HasSubstr("already there and verified"));
  EXPECT_EQ(run({"fashion-mnist", "--force", "--from", debian.string()}).code, 1);
}

TEST_F(FetchProgram, WrongUsage) {
  const auto expect = [&](const std::vector<std::string>& arguments, const std::string& words) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 2) << testing::PrintToString(arguments) << outcome.err;
    EXPECT_THAT(outcome.err, AllOf(StartsWith("frugal: "), HasSubstr(words)));
  };
  expect({"mnist"}, "known are cifar10, cifar100, fashion-mnist");
  expect({"cifar100", "mnist"}, "'mnist'");  // before the first is begun
  expect({}, "name");
  expect({"cifar10", "cifar100", "--from", "/tmp/file"}, "--from takes a directory");
  expect({"cifar100", "--from", "ftp://host/file"}, "http and https");
  expect({"cifar100", "--sha256", sha256_}, "--from");
  expect({"cifar100", "--from", "x", "--sha256", "abc"}, "64 hexadecimal digits");
  expect({"fashion-mnist", "--from", (*made_ / "dull.tar.gz").string()}, "4 files");
  EXPECT_FALSE(fs::exists(root / "cifar100"));
}

TEST_F(FetchProgram, AFullDiskLosesNothing) {
  fs::create_directory(scratch / "disk");
  if (mount("tmpfs", (scratch / "disk").c_str(), "tmpfs", 0, "size=20m") != 0) {
    GTEST_SKIP() << "cannot mount a tmpfs here";
  }
  serve([](const WebRequest& request) { return good_reply(request, archive_); });
  options.environment[0] = "FRUGAL_DATA=" + (scratch / "disk").string();
  const Outcome outcome = fetch_dull();
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("No space left on device"), HasSubstr("cifar100 was not placed"),
                                 HasSubstr("are kept in")));
  EXPECT_FALSE(fs::exists(scratch / "disk" / "cifar100"));
  EXPECT_TRUE(fs::exists(scratch / "disk" / ".fetch" / "cifar-100-binary.tar.gz"));
  umount((scratch / "disk").c_str());
}

TEST_F(FetchProgram, APlaceThatCannotBeWritten) {
  serve([](const WebRequest& request) { return good_reply(request, archive_); });
  put(scratch / "file", std::string("not a directory"));
  options.environment[0] = "FRUGAL_DATA=" + (scratch / "file").string();
  const Outcome outcome = fetch_dull();
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("cannot make the directory"), HasSubstr("FRUGAL_DATA")));
  options.environment[0] = "FRUGAL_DATA=";
  options.environment.emplace_back("HOME=");
  EXPECT_THAT(fetch_dull().err, HasSubstr("set FRUGAL_DATA"));
}

}  // namespace
}  // namespace frugal
