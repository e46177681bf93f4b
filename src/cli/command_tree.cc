#include "cli/command_tree.h"

#include <algorithm>

#include "base/text.h"
#include "graph/presets.h"

namespace frugal {
namespace {

/// "bf16|fp32" and the like: every piece a word that can be typed as it stands.
std::vector<std::string> words_of(const std::string& type) {
  std::vector<std::string> words;
  for (const std::string_view piece : split(type, '|')) {
    const bool word = !piece.empty() && std::ranges::all_of(piece, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
    if (word) words.emplace_back(piece);
  }
  return words;
}

std::vector<std::string> values_of(const std::string& flag, const std::string& type) {
  if (flag == "--model" || (flag == "model" && type.starts_with("NAME"))) return model_examples();
  if (flag == "--data") return {"cifar10", "cifar100", "cifar100-mini", "mnist", "fashion-mnist"};
  if (flag == "--recipe") return {"default", "seed"};
  return words_of(type);
}

FlagInfo describe(const CLI::Option& option) {
  FlagInfo info;
  info.positional = option.get_positional();
  info.required = option.get_required();
  info.several = option.get_items_expected_max() > 1;
  if (info.positional) info.names.push_back(option.get_name());
  for (const std::string& name : option.get_snames()) info.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) info.names.push_back("--" + name);
  if (option.get_type_size() > 0) info.type = option.get_type_name();
  info.help = option.get_description();
  info.group = option.get_group();
  info.values = values_of(info.names.back(), info.type);
  const auto names = [&info](const char* word) { return info.type.find(word) != std::string::npos; };
  info.takes_file =
      names("FILE") || names("DIR") || names("RUN") || names("IMAGE") || info.names.back() == "--model";
  return info;
}

}  // namespace

CommandInfo describe_command(const CLI::App& app) {
  CommandInfo info{app.get_name(), app.get_description(), app.get_footer(), {}};
  for (const CLI::Option* option : app.get_options()) info.flags.push_back(describe(*option));
  return info;
}

std::vector<std::string> names_of(const std::vector<CommandInfo>& commands) {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const CommandInfo& command : commands) names.push_back(command.name);
  return names;
}

std::vector<CommandInfo> command_tree(const CLI::App& program) {
  std::vector<CommandInfo> commands;
  for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; })) {
    if (!command->get_group().empty()) commands.push_back(describe_command(*command));
  }
  return commands;
}

}  // namespace frugal
