#include "cli/completion_scripts.h"

#include <algorithm>

#include "base/shell.h"
#include "base/text.h"

namespace frugal {
namespace {

/// The first clause of a flag's help: what there is room for in a list. A value before a colon is none yet.
std::string short_help(const std::string& help) {
  size_t end = std::min(help.find_first_of(";(\n"), help.size());
  const size_t colon = help.find(": ");
  if (colon < end && std::ranges::count(help.substr(0, colon), ' ') >= 2) end = colon;
  return std::string(trim(help.substr(0, end)));
}

/// Words and files, as far as there are any.
std::string bash_values(const FlagInfo& flag) {
  std::string text;
  if (!flag.values.empty()) {
    text += "COMPREPLY=($(compgen -W " + shell_quoted(join(flag.values, " ")) + " -- \"$current\")); ";
  }
  if (flag.takes_file) text += "_frugal_files; ";
  return text;
}

std::string bash_command(const CommandInfo& command) {
  std::string flags, values, positional;
  for (const FlagInfo& flag : command.flags) {
    if (flag.positional) {
      positional += bash_values(flag);
      continue;
    }
    for (const std::string& name : flag.names) flags += (flags.empty() ? "" : " ") + name;
    if (!flag.type.empty())
      values += "        " + join(flag.names, "|") + ") " + bash_values(flag) + "return ;;\n";
  }
  return "    " + command.name + ")\n      case $previous in\n" + values +
         "      esac\n      if [[ $current == -* ]]; then\n        COMPREPLY=($(compgen -W " +
         shell_quoted(flags) + " -- \"$current\"))\n      else\n        " +
         (positional.empty() ? ":" : positional) + "\n      fi ;;\n";
}

/// Colons and brackets mean something in what _arguments takes.
std::string zsh_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == ':' || c == '[' || c == ']' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_action(const FlagInfo& flag) {
  std::string words;
  for (const std::string& value : flag.values) words += (words.empty() ? "" : " ") + value;
  if (flag.takes_file && !words.empty()) return "{compadd -- " + words + "; _files}";
  return flag.takes_file ? "_files" : words.empty() ? " " : "(" + words + ")";
}

std::string zsh_command(const CommandInfo& command) {
  std::string text = "    " + command.name + ")\n      _arguments -s";
  for (const FlagInfo& flag : command.flags) {
    const std::string value = flag.type.empty() ? "" : ":" + zsh_text(flag.type) + ":" + zsh_action(flag);
    if (flag.positional) {
      text += " \\\n        " + shell_quoted((flag.several ? "*" : "") + (value.empty() ? ": :" : value));
      continue;
    }
    for (const std::string& name : flag.names) {
      const char* joined = !value.empty() && name.starts_with("--") ? "=" : "";  // the next word will do, too
      text +=
          " \\\n        " + shell_quoted(name + joined + "[" + zsh_text(short_help(flag.help)) + "]" + value);
    }
  }
  return text + " ;;\n";
}

std::string fish_flag(const std::string& command, const FlagInfo& flag) {
  std::string text = "complete -c frugal -n '__fish_seen_subcommand_from " + command + "'";
  if (!flag.positional) {
    for (const std::string& name : flag.names)
      text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!flag.type.empty() || flag.positional)
    text += flag.takes_file ? (flag.positional ? " -F" : " -r -F") : (flag.positional ? " -f" : " -x");
  if (!flag.values.empty()) text += " -a " + shell_quoted(join(flag.values, " "));
  if (!flag.positional) text += " -d " + shell_quoted(short_help(flag.help));
  return text + "\n";
}

}  // namespace

std::string bash_completion(const std::vector<CommandInfo>& commands) {
  std::string text =
      "# bash completion of frugal: frugal completion bash > "
      "~/.local/share/bash-completion/completions/frugal\n"
      "_frugal_files() {  # a line each: names may have spaces\n"
      "  compopt -o filenames 2> /dev/null\n"
      "  local name\n"
      "  while IFS= read -r name; do COMPREPLY+=(\"$name\"); done < <(compgen -f -- \"$current\")\n"
      "}\n"
      "_frugal() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=\n"
      "  if (( COMP_CWORD > 1 )); then command=${COMP_WORDS[1]}; fi\n"
      "  # --flag=value comes as three words\n"
      "  if [[ $previous == = ]]; then previous=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
      "  if [[ $current == = ]]; then current=; fi\n"
      "  COMPREPLY=()\n"
      "  case $command in\n"
      "    '') COMPREPLY=($(compgen -W " +
      shell_quoted(join(names_of(commands), " ") + " --help --version") + " -- \"$current\")) ;;\n";
  for (const CommandInfo& command : commands) text += bash_command(command);
  return text + "  esac\n}\ncomplete -F _frugal frugal\n";
}

std::string zsh_completion(const std::vector<CommandInfo>& commands) {
  std::string text =
      "#compdef frugal\n"
      "# zsh completion of frugal: frugal completion zsh > _frugal, in a directory of $fpath\n"
      "_frugal() {\n"
      "  local -a commands\n"
      "  if (( CURRENT == 2 )); then\n"
      "    commands=(\n";
  for (const CommandInfo& command : commands) {
    text += "      " + shell_quoted(zsh_text(command.name) + ":" + short_help(command.description)) + "\n";
  }
  text +=
      "    )\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n"
      "  local command=$words[2]\n"
      "  shift words; (( CURRENT-- ))\n"
      "  case $command in\n";
  for (const CommandInfo& command : commands) text += zsh_command(command);
  return text + "  esac\n}\n_frugal \"$@\"\n";
}

std::string fish_completion(const std::vector<CommandInfo>& commands) {
  std::string text =
      "# fish completion of frugal: frugal completion fish > ~/.config/fish/completions/frugal.fish\n"
      "complete -c frugal -f\n";
  for (const CommandInfo& command : commands) {
    text += "complete -c frugal -n __fish_use_subcommand -a " + command.name + " -d " +
            shell_quoted(short_help(command.description)) + "\n";
  }
  for (const CommandInfo& command : commands) {
    for (const FlagInfo& flag : command.flags) text += fish_flag(command.name, flag);
  }
  return text;
}

}  // namespace frugal
