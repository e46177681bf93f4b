// What main needs of the commands. Each lives in a file of its own: it declares its flags when it is added,
// and leaves in `action` what is to be done when it was chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "base/error.h"

namespace frugal {

using Action = std::function<ExitCode()>;

void add_data_command(CLI::App& program, Action& action);
void add_model_command(CLI::App& program, Action& action);
void add_train_command(CLI::App& program, Action& action);
void add_eval_command(CLI::App& program, Action& action);
void add_predict_command(CLI::App& program, Action& action);

}  // namespace frugal
