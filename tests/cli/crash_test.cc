// SIGKILL before, within and after every call by which a run changes its files, and power cuts between any
// two of them: the run goes on from there, and ends as if nothing had happened. All of it with
// FRUGAL_LONG_TESTS set, a sample without.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <map>
#include <memory>
#include <sstream>

#include "program.h"
#include "run_files.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

bool long_tests() { return std::getenv("FRUGAL_LONG_TESTS") != nullptr; }

/// Four epochs of a network small enough for hundreds of runs.
class Crash : public testing::Test {
 protected:
  Crash() {
#ifndef FRUGAL_FAULT_SHIM
    skip_ = true;
#endif
    write_cifar100(scratch / "set", 96, 40);
    put(scratch / "tiny.toml", R"(layer = [
  { op = "conv2d", out = 8, kernel = 3, stride = 4 },
  { op = "batch_norm" },
  { op = "relu" },
  { op = "dropout", rate = 0.1 },
  { op = "adaptive_avg_pool" },
  { op = "linear", out = "classes" },
])");
  }
  void SetUp() override {
    if (skip_) GTEST_SKIP() << "a sanitizer's program does not take the shim";
    const Outcome whole = run("whole", "", "");
    ASSERT_EQ(whole.code, 0) << whole.err;
  }

  /// Trains in `name`; fault N of kind `when` where N is given, a trace where `when` is a path.
  Outcome run(const std::string& name, const std::string& fault, const std::string& when) const {
    RunOptions options;
#ifdef FRUGAL_FAULT_SHIM
    if (!when.empty()) {
      options.environment = {std::string("LD_PRELOAD=") + FRUGAL_FAULT_SHIM,
                             "FRUGAL_FAULT_DIR=" + (scratch / name).string()};
      if (fault.empty()) {
        options.environment.push_back("FRUGAL_FAULT_TRACE=" + when);
      } else {
        options.environment.push_back("FRUGAL_FAULT_AT=" + fault);
        options.environment.push_back("FRUGAL_FAULT_WHEN=" + when);
      }
    }
#endif
    return frugal({"train",
                   "--data",
                   (scratch / "set").string(),
                   "--model",
                   (scratch / "tiny.toml").string(),
                   "--select",
                   "0-9",
                   "--val",
                   "0.25",
                   "--epochs",
                   "3",
                   "--batch",
                   "4",
                   "--lr",
                   "0.05",
                   "--validate-every",
                   "1",
                   "--checkpoint-every",
                   "1steps",
                   "--quiet",
                   "--out",
                   (scratch / name).string()},
                  options);
  }

  /// Goes on with `name` and compares. Before the configuration is on disk there is no run, and nothing is
  /// lost.
  void go_on(const std::string& name) const {
    if (!fs::exists(scratch / name / "config.toml")) return;
    const Outcome outcome = frugal({"resume", (scratch / name).string(), "--quiet"});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    if (outcome.code == 0) expect_same_run(scratch / "whole", scratch / name);
  }

  const TempDir scratch{fast_root()};
  bool skip_ = false;
};

TEST_F(Crash, AKillAtAnyCallLosesNothing) {
  const long stride = long_tests() ? 1 : 23;
  int kills = 0;
  for (const char* when : {"before", "torn", "after"}) {
    for (long at = 1 + kills % stride;; at += stride) {
      const std::string name = when + std::to_string(at);
      const Outcome outcome = run(name, std::to_string(at), when);
      if (outcome.code == 0) break;  // it has not so many calls
      ASSERT_EQ(outcome.code, 128 + SIGKILL) << outcome.err;
      ++kills;
      SCOPED_TRACE("killed " + name);
      go_on(name);
      if (HasFailure()) return;
      fs::remove_all(scratch / name);
    }
  }
  EXPECT_GT(kills, 12) << "the shim counts nothing";
  std::printf("%d kills\n", kills);
}

/// A file system that keeps what is asked to be kept and nothing else: names and contents as programs see
/// them, and as they are on disk.
class Disk {
 public:
  /// One record of the shim's trace.
  struct Call {
    std::string op, path, path2, data;
    long inode = 0, offset = 0;
  };

  void apply(const Call& call) {
    if (call.op == "create") {
      seen_[call.path] = std::make_shared<File>();
      by_inode_[call.inode] = seen_[call.path];
    } else if (call.op == "write") {
      std::string& bytes = by_inode_[call.inode]->seen;
      bytes.resize(std::max(bytes.size(), static_cast<size_t>(call.offset) + call.data.size()));
      bytes.replace(static_cast<size_t>(call.offset), call.data.size(), call.data);
    } else if (call.op == "truncate") {
      by_inode_[call.inode]->seen.resize(static_cast<size_t>(call.offset));
    } else if (call.op == "fsync") {
      const auto file = by_inode_.find(call.inode);
      if (file != by_inode_.end()) {
        file->second->kept = file->second->seen;
      } else {
        kept_ = seen_;  // the directory
      }
    } else if (call.op == "rename") {
      seen_[call.path2] = seen_[call.path];
      seen_.erase(call.path);
    } else if (call.op == "link") {
      seen_[call.path2] = seen_[call.path];
    } else {
      seen_.erase(call.path);
    }
  }
  /// What a power cut leaves: names as on disk, or, as file systems are free to, the latest ones before their
  /// contents.
  void restore(bool latest_names) const {
    for (const auto& [path, file] : latest_names ? seen_ : kept_) put(path, file->kept);
  }

 private:
  struct File {
    std::string seen, kept;
  };
  std::map<std::string, std::shared_ptr<File>> seen_, kept_;
  std::map<long, std::shared_ptr<File>> by_inode_;
};

std::vector<Disk::Call> read_trace(const fs::path& path) {
  std::istringstream in(get(path));
  std::vector<Disk::Call> calls;
  for (std::string line; std::getline(in, line);) {
    Disk::Call call;
    size_t length = 0;
    std::istringstream(line) >> call.op >> call.inode >> length >> call.offset >> call.path >> call.path2;
    call.data.resize(length);
    in.read(call.data.data(), static_cast<std::streamsize>(length));
    calls.push_back(call);
  }
  return calls;
}

TEST_F(Crash, APowerCutAtAnyMomentLosesNothing) {
  ASSERT_EQ(run("cut", "", (scratch / "trace").string()).code, 0);
  const std::vector<Disk::Call> calls = read_trace(scratch / "trace");
  ASSERT_GT(calls.size(), 100u);
  const size_t stride = long_tests() ? 1 : 19;
  Disk disk;
  for (size_t done = 0; done < calls.size(); ++done) {
    disk.apply(calls[done]);
    if (done % stride != 0) continue;
    for (const bool latest_names : {false, true}) {
      fs::remove_all(scratch / "cut");
      fs::create_directory(scratch / "cut");
      disk.restore(latest_names);
      // A configuration without contents is one that had not been written yet.
      if (fs::exists(scratch / "cut" / "config.toml") && fs::file_size(scratch / "cut" / "config.toml") == 0)
        continue;
      SCOPED_TRACE("power cut after call " + std::to_string(done) + " (" + calls[done].op + " " +
                   calls[done].path + ")" + (latest_names ? ", latest names" : ""));
      go_on("cut");
      if (HasFailure()) return;
    }
  }
}

TEST_F(Crash, RandomKillsLoseNothing) {
  const int times = long_tests() ? 50 : 4;
  for (int i = 0; i < times; ++i) {
    const std::string name = "random" + std::to_string(i);
    const int calls = 20 + (i * 7919) % 400;  // calls that it is given, of one kind or another
    run(name, std::to_string(calls), i % 2 == 0 ? "before" : "after");
    SCOPED_TRACE(name);
    // The run that goes on is killed as well, and then left alone.
    for (int again = 0; again < 3; ++again) {
      RunOptions options;
#ifdef FRUGAL_FAULT_SHIM
      options.environment = {
          std::string("LD_PRELOAD=") + FRUGAL_FAULT_SHIM, "FRUGAL_FAULT_DIR=" + (scratch / name).string(),
          "FRUGAL_FAULT_AT=" + std::to_string(5 + (i * 31 + again * 17) % 60), "FRUGAL_FAULT_WHEN=torn"};
#endif
      if (fs::exists(scratch / name / "config.toml")) {
        frugal({"resume", (scratch / name).string(), "--quiet"}, options);
      }
    }
    go_on(name);
    if (HasFailure()) return;
    fs::remove_all(scratch / name);
  }
}

}  // namespace
}  // namespace frugal
