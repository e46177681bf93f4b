#include "cli/man_page.h"

#include <algorithm>
#include <sstream>

namespace frugal {
namespace {

/// As roff takes it: backslashes and hyphens as such, and no line that begins like a request.
std::string roff(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool begins = i == 0 || text[i - 1] == '\n';
    if (begins && (text[i] == '.' || text[i] == '\'')) out += "\\&";
    if (text[i] == '\\') {
      out += "\\e";
    } else if (text[i] == '-') {
      out += "\\-";
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string head(const std::string& title, const std::string& name, const std::string& description) {
  return ".TH " + upper(title) + " 1 \"\" \"frugal " FRUGAL_VERSION "\" \"User Commands\"\n.SH NAME\n" +
         roff(title) + " \\- " + roff(description) + "\n.SH SYNOPSIS\n.B " + name + "\n";
}

/// Lines that begin with spaces are examples and stay as they are.
std::string paragraphs(const std::string& text) {
  std::istringstream lines(text);
  std::string out;
  bool verbatim = false;
  for (std::string line; std::getline(lines, line);) {
    const bool example = line.starts_with("  ");
    if (example != verbatim) out += example ? ".PP\n.nf\n" : ".fi\n.PP\n";
    verbatim = example;
    out += line.empty() ? ".PP\n" : roff(line) + "\n";
  }
  return out + (verbatim ? ".fi\n" : "");
}

std::string flag_text(const FlagInfo& flag) {
  std::string text = ".TP\n";
  for (size_t i = 0; i < flag.names.size(); ++i)
    text += (i > 0 ? ", " : "") + ("\\fB" + roff(flag.names[i]) + "\\fR");
  if (!flag.type.empty() && !flag.positional) text += " \\fI" + roff(flag.type) + "\\fR";
  return text + "\n" + roff(flag.help) + "\n";
}

}  // namespace

std::string man_page(const CommandInfo& program, const std::vector<CommandInfo>& commands) {
  std::string text = head("frugal", "frugal", "train image classifiers within limits of size and time");
  text +=
      "\\fICOMMAND\\fR [\\fIFLAGS\\fR]\n.SH DESCRIPTION\n" + roff(program.description) + "\n.SH COMMANDS\n";
  for (const CommandInfo& command : commands) {
    text += ".TP\n\\fBfrugal\\-" + roff(command.name) + "\\fR(1)\n" + roff(command.description) + "\n";
  }
  text += ".SH OPTIONS\n";
  for (const FlagInfo& flag : program.flags) text += flag_text(flag);
  return text + ".SH NOTES\n" + paragraphs(program.footer);
}

std::string man_page(const CommandInfo& command) {
  std::string text = head("frugal-" + command.name, "frugal " + command.name, command.description);
  for (const FlagInfo& flag : command.flags) {
    if (!flag.positional) continue;
    const std::string name = "\\fI" + roff(flag.names[0]) + "\\fR" + (flag.several ? "..." : "");
    text += flag.required ? name + "\n" : "[" + name + "]\n";
  }
  text += "[\\fIFLAGS\\fR]\n";
  if (!command.footer.empty()) text += ".SH DESCRIPTION\n" + paragraphs(command.footer);
  std::vector<std::string> groups;
  for (const FlagInfo& flag : command.flags) {
    const std::string group = flag.positional ? "Arguments" : flag.group;
    if (std::ranges::find(groups, group) == groups.end()) groups.push_back(group);
  }
  for (const std::string& group : groups) {
    text += ".SH " + upper(group) + "\n";
    for (const FlagInfo& flag : command.flags) {
      if ((flag.positional ? "Arguments" : flag.group) == group) text += flag_text(flag);
    }
  }
  return text + ".SH SEE ALSO\n\\fBfrugal\\fR(1)\n";
}

}  // namespace frugal
