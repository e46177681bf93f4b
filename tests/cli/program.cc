#include "program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

namespace frugal {
namespace fs = std::filesystem;
namespace {

struct Pipe {
  std::array<int, 2> ends{-1, -1};
  /// With columns a terminal, whose output comes as it was written.
  explicit Pipe(unsigned short columns = 0) {
    if (columns == 0) {
      if (pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
      return;
    }
    winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    termios raw{};
    cfmakeraw(&raw);
    if (openpty(&ends[0], &ends[1], nullptr, &raw, &size) != 0) std::abort();
    for (const int end : ends) fcntl(end, F_SETFD, FD_CLOEXEC);
  }
};

[[noreturn]] void become_program(const std::vector<std::string>& arguments, const RunOptions& options,
                                 const Pipe& out, const Pipe& err) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // A script's background jobs ignore Ctrl-C, and so would what they start.
  std::signal(SIGINT, options.ignores_interrupt ? SIG_IGN : SIG_DFL);
  if (options.no_stdout) {
    close(STDOUT_FILENO);
  } else {
    dup2(out.ends[1], STDOUT_FILENO);
  }
  dup2(err.ends[1], STDERR_FILENO);
  if (!options.directory.empty() && chdir(options.directory.c_str()) != 0) _exit(126);
  constexpr unsigned nobody = 65534;
  if (options.as_nobody && (setgid(nobody) != 0 || setuid(nobody) != 0)) _exit(126);
  for (const std::string& variable : options.environment) {
    const size_t equals = variable.find('=');
    setenv(variable.substr(0, equals).c_str(), variable.substr(equals + 1).c_str(), 1);
  }
  sleep(options.seconds_late);
  std::vector<char*> argv;
  static std::string program = FRUGAL_PROGRAM;
  argv.push_back(program.data());
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execv(program.c_str(), argv.data());
  _exit(127);
}

}  // namespace

Outcome frugal(const std::vector<std::string>& arguments, const RunOptions& options) {
  const Pipe out(options.columns), err;
  const pid_t pid = fork();
  if (pid == 0) become_program(arguments, options, out, err);
  close(out.ends[1]);
  close(err.ends[1]);

  Outcome outcome;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  std::array<pollfd, 2> polled{{{out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}}};
  int open = 2;
  bool left = false;
  while (open > 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << "the program did not end in two minutes";
      kill(pid, SIGKILL);
      break;
    }
    poll(polled.data(), polled.size(), 100);
    for (size_t i = 0; i < 2; ++i) {
      if (polled[i].fd < 0 || (polled[i].revents & (POLLIN | POLLHUP)) == 0) continue;
      std::array<char, 4096> buffer;
      const ssize_t n = read(polled[i].fd, buffer.data(), buffer.size());
      if (n <= 0) {
        polled[i].fd = -1;
        --open;
        continue;
      }
      (i == 0 ? outcome.out : outcome.err).append(buffer.data(), static_cast<size_t>(n));
      if (i == 0 && !options.leaves_after.empty() &&
          outcome.out.find(options.leaves_after) != std::string::npos) {
        close(out.ends[0]);
        polled[i].fd = -1;
        left = true;
        --open;
      }
      if (i == 0 && options.on_output) options.on_output(outcome.out, pid);
    }
  }
  if (!left) close(out.ends[0]);
  close(err.ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

void write_cifar100(const fs::path& directory, int train, int test) {
  fs::create_directories(directory);
  for (const auto& [file, count] : {std::pair{"train.bin", train}, std::pair{"test.bin", test}}) {
    std::string bytes;
    for (int i = 0; i < count; ++i) {
      const int label = i % 100;
      bytes.push_back(static_cast<char>(label / 5));
      bytes.push_back(static_cast<char>(label));
      for (int pixel = 0; pixel < 3072; ++pixel) {
        const int channel = pixel / 1024;
        const int level = channel == 0 ? label * 2 : channel == 1 ? 255 - label * 2 : (label % 10) * 25;
        bytes.push_back(static_cast<char>((level + (pixel * 7 + i * 13) % 16) & 0xFF));
      }
    }
    put(directory / file, bytes);
  }
  std::string fine, coarse;
  for (int i = 0; i < 100; ++i) fine += "class_" + std::to_string(i) + "\n";
  for (int i = 0; i < 20; ++i) coarse += "group_" + std::to_string(i) + "\n";
  put(directory / "fine_label_names.txt", fine);
  put(directory / "coarse_label_names.txt", coarse);
}

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    lines.push_back(nlohmann::json::parse(line, nullptr, false));
    EXPECT_FALSE(lines.back().is_discarded()) << line;
  }
  return lines;
}

std::vector<std::string> quick_train(const fs::path& data, const fs::path& out,
                                     const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"train", "--data", data.string(), "--out", out.string()};
  // A flag given twice is an error, so what is given goes before what is usual.
  for (const auto& [flag, value] : {std::pair{"--batch", "32"}, {"--lr", "0.02"}, {"--epochs", "2"}}) {
    if (std::ranges::find(more, flag) == more.end()) arguments.insert(arguments.end(), {flag, value});
  }
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace frugal
