// What main needs of the commands. Each lives in a file of its own: it declares its flags when it is added,
// and leaves in `action` what is to be done when it was chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "base/error.h"
#include "run/train_flags.h"

namespace frugal {

using Action = std::function<ExitCode()>;

void add_fetch_command(CLI::App& program, Action& action);
void add_data_command(CLI::App& program, Action& action);
void add_model_command(CLI::App& program, Action& action);
void add_train_command(CLI::App& program, Action& action);
void add_resume_command(CLI::App& program, Action& action);
void add_study_command(CLI::App& program, Action& action);
void add_plan_command(CLI::App& program, Action& action);
void add_fisher_command(CLI::App& program, Action& action);
void add_eval_command(CLI::App& program, Action& action);
void add_predict_command(CLI::App& program, Action& action);
void add_report_command(CLI::App& program, Action& action);
void add_export_command(CLI::App& program, Action& action);
void add_import_command(CLI::App& program, Action& action);
void add_weights_command(CLI::App& program, Action& action);
void add_schedule_command(CLI::App& program, Action& action);
void add_lr_find_command(CLI::App& program, Action& action);
void add_completion_command(CLI::App& program, Action& action);

// Arguments that several commands take, worded once.
void add_weights_argument(CLI::App& command, std::string& weights);
void add_engine_flags(CLI::App& command, std::string& precision, const std::string& by_default,
                      std::string& threads);
void add_json_flag(CLI::App& command, bool& json, const std::string& what = "One JSON object");

/// The flags of `train` that `wanted` agrees to (all, if it is null); parsing fills `given`, which must live
/// as long.
void add_train_flags(CLI::App& command, GivenFlags& given, bool (*wanted)(const std::string& flag) = nullptr);

}  // namespace frugal
