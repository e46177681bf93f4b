#include "study/process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

#include "base/error.h"

namespace frugal {

ChildProcess::ChildProcess(const std::string& program, const std::vector<std::string>& words,
                           const std::filesystem::path& log) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (output < 0) {
    throw Error("cannot write " + log.string() + ": " + std::system_category().message(errno));
  }
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  // Whoever started us may ignore it, and then no exit code would be left for us.
  std::signal(SIGCHLD, SIG_DFL);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {  // only what is safe in a child of several threads
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(127);  // it died before that
    dup2(nothing, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execv(program.c_str(), arguments.data());
    _exit(127);
  }
  const int reason = errno;
  close(output);
  if (nothing >= 0) close(nothing);
  if (pid_ < 0) throw Error("cannot start " + program + ": " + std::system_category().message(reason));
}

ChildProcess::~ChildProcess() {
  if (code_) return;
  send(SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::optional<int> ChildProcess::poll() {
  if (code_) return code_;
  int status = 0;
  const pid_t ended = waitpid(pid_, &status, WNOHANG);
  if (ended == 0 || (ended < 0 && errno == EINTR)) return std::nullopt;
  code_ = ended == pid_ && WIFEXITED(status) ? WEXITSTATUS(status)
                                             : 128 + (WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  return code_;
}

void ChildProcess::send(int signal) const {
  if (!code_) kill(pid_, signal);
}

}  // namespace frugal
