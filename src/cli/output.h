// Small helpers for what the commands print.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "data/dataset.h"
#include "eval/proportion.h"  // percent
#include "nn/engine.h"
#include "train/trainer.h"

namespace frugal {

using Json = nlohmann::ordered_json;

/// printf into a string.
[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...);

/// printf onto stdout, flushed, so that a pipe or a log file sees every line when it is written.
[[gnu::format(printf, 1, 2)]] void print(const char* pattern, ...);

/// One object on one line of stdout. NaN becomes null; names that are not UTF-8 are repaired.
void print_json(const Json& json);

/// "frugal: warning: ..." on stderr.
void warn(const std::string& message);

/// {"loss", "top1", "top3", "top5", "samples"}; null where nothing was measured.
Json metrics_json(const Metrics& metrics);

/// "3 x 32 x 32": channels x height x width.
std::string image_shape(const ImageSet& images);

std::string precision_name(Precision precision);

/// As the terminal may take it: what a file says could hold control characters.
std::string printable(const std::string& text);

/// Whether a line that was written to `stream` (STDOUT_FILENO, STDERR_FILENO) can be rewritten: a terminal
/// that is not "dumb".
bool can_rewrite_lines(int stream);

/// Characters in a line of the terminal that `stream` is; 0 where it is none.
size_t terminal_width(int stream = STDOUT_FILENO);

/// Characters for a bar on `stream` beside so many of text, that the line may not be broken: 30, or what a
/// narrow terminal leaves.
size_t bar_width(size_t text, int stream);

/// A value of --threads: 0 (as many as the machine allows) to 1024.
int parse_threads(const std::string& text);

/// A value of --seed: a whole number from 0.
uint64_t parse_seed(const std::string& text);

/// A whole number in 1 to `most`; `flag` is what errors call it.
int64_t parse_extent(const std::string& text, const std::string& flag, int64_t most);

/// A usage error where something is at `path`, which a value of --to names, and --force was not given.
void require_new_file(const std::string& path, bool force);

/// For a value of `flag` that names a file to write, before any work for it. A usage error where its
/// directory is not there, or a file that is does not begin with `begin`: a drawing may take the place of
/// one, but a slip of the hand must not cost weights. `kind` is what begins so. An empty path is none.
void require_replaceable(const std::string& path, const std::string& flag, const std::string& begin,
                         const std::string& kind);

}  // namespace frugal
