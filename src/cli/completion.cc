// `frugal completion`: completion for shells, and manual pages.
#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/nearest.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/command_tree.h"
#include "cli/completion_scripts.h"
#include "cli/man_page.h"
#include "cli/output.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string what, where;
};

std::string page_of(const std::string& name, const CLI::App& program,
                    const std::vector<CommandInfo>& commands) {
  if (name.empty()) return man_page(describe_command(program), commands);
  const auto found = std::ranges::find(commands, name, &CommandInfo::name);
  if (found != commands.end()) return man_page(*found);
  throw usage_error("completion man: no command is called " + in_quotes(name) +
                    did_you_mean(name, names_of(commands)));
}

/// Where Debian's shells and man look for them, below `share`.
void write_files(const fs::path& share, const CLI::App& program, const std::vector<CommandInfo>& commands) {
  const auto write = [&share](const fs::path& path, const std::string& text) {
    fs::create_directories((share / path).parent_path());
    write_file_atomic(share / path, text);
  };
  write("bash-completion/completions/frugal", bash_completion(commands));
  write("zsh/vendor-completions/_frugal", zsh_completion(commands));
  write("fish/vendor_completions.d/frugal.fish", fish_completion(commands));
  write("man/man1/frugal.1", page_of("", program, commands));
  for (const CommandInfo& command : commands)
    write("man/man1/frugal-" + command.name + ".1", man_page(command));
}

ExitCode run(const Options& options, const CLI::App& program) {
  const std::vector<CommandInfo> commands = command_tree(program);
  const auto scripts =
      std::to_array<std::pair<std::string, std::string (*)(const std::vector<CommandInfo>&)>>(
          {{"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}});
  if (options.what == "man") {
    print("%s", page_of(options.where, program, commands).c_str());
    return ExitCode::done;
  }
  if (options.what == "files") {
    if (options.where.empty())
      throw usage_error("completion files: give the directory to write to, such as /usr/share");
    write_files(options.where, program, commands);
    return ExitCode::done;
  }
  const auto script = std::ranges::find(scripts, options.what, [](const auto& one) { return one.first; });
  if (script == scripts.end()) {
    throw usage_error("completion: there are bash, zsh, fish, man and files, not " + in_quotes(options.what));
  }
  if (!options.where.empty()) throw usage_error("completion " + options.what + " takes nothing more");
  print("%s", script->second(commands).c_str());
  return ExitCode::done;
}

}  // namespace

void add_completion_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      program.add_subcommand("completion", "Print what a shell needs to complete, or a manual page");
  command->footer(
      "  frugal completion bash > ~/.local/share/bash-completion/completions/frugal\n"
      "  frugal completion zsh > ~/.zfunc/_frugal\n"
      "  frugal completion fish > ~/.config/fish/completions/frugal.fish\n"
      "  frugal completion man train | man -l -\n\n"
      "An installed frugal brings all of them along.");
  command->add_option("what", options->what, "bash, zsh, fish, man, or files: all of them")
      ->required()
      ->type_name("bash|zsh|fish|man|files");
  command
      ->add_option(
          "where", options->where,
          "With man: the command whose page it is (frugal itself); with files: the directory to write to")
      ->type_name("COMMAND|DIR");
  command->callback(
      [options, &program, &action] { action = [options, &program] { return run(*options, program); }; });
}

}  // namespace frugal
