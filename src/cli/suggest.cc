#include "cli/suggest.h"

#include <algorithm>
#include <numeric>

namespace frugal {
namespace {

/// Levenshtein's, one row at a time.
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

std::string hint(const std::string& word, const std::vector<std::string>& candidates) {
  const std::string near = nearest(word, candidates);
  return near.empty() ? "" : "; did you mean " + near + "?";
}

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

std::string nearest(const std::string& word, const std::vector<std::string>& candidates) {
  std::string best;
  size_t least = std::max<size_t>(1, (word.size() + 1) / 3) + 1;
  if (word.size() > 100) return best;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    if (distance < least) least = distance, best = candidate;
  }
  return best;
}

std::string explain(const CLI::App& program, const CLI::ParseError& error) {
  const auto chosen = program.get_subcommands();
  if (chosen.empty()) {
    const std::vector<std::string> rest = program.remaining();
    if (rest.empty()) return one_line(error.what()) + " (see frugal --help)";
    const bool flag = rest[0].starts_with("-");
    return (flag ? "unknown flag " : "unknown command '") + rest[0] + (flag ? "" : "'") +
           hint(rest[0], flag ? flags_of(program) : commands_of(program)) + " (see frugal --help)";
  }
  const CLI::App& command = *chosen.front();
  const std::string see = " (see frugal " + command.get_name() + " --help)";
  for (const std::string& word : command.remaining()) {
    if (!word.starts_with("-")) continue;
    const std::string flag = word.substr(0, word.find('='));
    return command.get_name() + ": unknown flag " + flag + hint(flag, flags_of(command)) + see;
  }
  const std::vector<std::string> rest = command.remaining();
  if (!rest.empty()) return command.get_name() + ": unexpected '" + rest[0] + "'" + see;
  return command.get_name() + ": " + one_line(error.what()) + see;
}

}  // namespace frugal
