#include "cli/help.h"

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>

#include "cli/output.h"

namespace frugal {
namespace {

constexpr size_t flag_column = 30, usual_width = 100, least_text = 30;

size_t help_width() {
  const size_t width = terminal_width();
  return width == 0 ? usual_width : std::max(width, flag_column + least_text);
}

/// Broken between words, so that no line is longer than `width` unless a word is.
std::string wrapped(const std::string& text, size_t width) {
  std::istringstream words(text);
  std::string out;
  size_t used = 0;
  for (std::string word; words >> word;) {
    const bool fits = used + 1 + word.size() <= width;
    if (!out.empty()) out += fits ? ' ' : '\n';
    used = out.empty() || !fits ? word.size() : used + 1 + word.size();
    out += word;
  }
  return out;
}

class Wrapping : public CLI::Formatter {
 public:
  Wrapping() { column_width(flag_column); }
  std::string make_option_desc(const CLI::Option* option) const override {
    return wrapped(option->get_description(), help_width() - flag_column - 1);
  }
};

}  // namespace

void wrap_help(CLI::App& program) {
  const auto formatter = std::make_shared<Wrapping>();
  program.formatter(formatter);
  for (CLI::App* command : program.get_subcommands([](CLI::App*) { return true; }))
    command->formatter(formatter);
}

}  // namespace frugal
