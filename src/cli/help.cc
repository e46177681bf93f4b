#include "cli/help.h"

#include <algorithm>
#include <memory>
#include <string>

#include "base/columns.h"
#include "cli/output.h"

namespace frugal {
namespace {

constexpr size_t flag_column = 30, usual_width = 100, least_text = 30;

size_t help_width() {
  const size_t width = terminal_width();
  return width == 0 ? usual_width : std::max(width, flag_column + least_text);
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
