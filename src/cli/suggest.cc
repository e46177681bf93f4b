#include "cli/suggest.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/nearest.h"

namespace frugal {
namespace {

std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

std::vector<std::string> commands_of(const CLI::App& program) {
  std::vector<std::string> names;
  for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

void require_values(CLI::App& program, std::span<char* const> words) {
  for (const char* const text : words) {
    const std::string_view word(text);
    if (word == "--") break;
    if (word.starts_with("--") && word.ends_with('=')) {  // the parser would take the next word
      throw usage_error(std::string(word.substr(0, word.size() - 1)) + ": a value is missing");
    }
  }
  const auto is_there = [](const std::string& text) {
    return std::string(text.empty() ? "a value is missing" : "");
  };
  for (CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; })) {
    for (CLI::Option* option : command->get_options()) {
      if (option->get_type_size() > 0) option->check(is_there);
    }
  }
}

std::string explain(const CLI::App& program, const CLI::ParseError& error) {
  const auto chosen = program.get_subcommands();
  if (chosen.empty()) {
    const std::vector<std::string> rest = program.remaining();
    if (rest.empty()) return one_line(error.what()) + " (see frugal --help)";
    const bool flag = rest[0].starts_with("-");
    return (flag ? "unknown flag " : "unknown command '") + rest[0] + (flag ? "" : "'") +
           did_you_mean(rest[0], flag ? flags_of(program) : commands_of(program)) + " (see frugal --help)";
  }
  const CLI::App& command = *chosen.front();
  const std::string see = " (see frugal " + command.get_name() + " --help)";
  const std::vector<std::string> known = flags_of(command);
  for (const std::string& word : program.remaining()) {  // what stands before the command
    const std::string flag = word.substr(0, word.find('='));
    if (std::ranges::find(known, flag) == known.end()) continue;
    return flag + " belongs behind the command: frugal " + command.get_name() + " ... " + flag + see;
  }
  for (const std::string& word : command.remaining()) {
    if (!word.starts_with("-")) continue;
    const std::string flag = word.substr(0, word.find('='));
    return command.get_name() + ": unknown flag " + flag + did_you_mean(flag, known) + see;
  }
  const std::vector<std::string> rest = command.remaining();
  if (!rest.empty()) return command.get_name() + ": unexpected '" + rest[0] + "'" + see;
  std::string what = one_line(error.what());
  if (const size_t at = what.find(": At Most 1 required"); at != std::string::npos) {
    what = what.substr(0, at) + " is given more than once";
  }
  return command.get_name() + ": " + what + see;
}

}  // namespace frugal
