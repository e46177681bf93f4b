// `frugal fetch`: known data sets from their publishers, to where the other commands look for them.
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "data/fetch.h"
#include "train/trainer.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct Options {
  std::vector<std::string> names;
  std::string from, sha256;
  bool force = false, json = false, quiet = false;
};

/// Tells what goes on: a line that is rewritten on a terminal, a line now and then elsewhere.
class Told : public FetchObserver {
 public:
  explicit Told(const Options& options) : options_(options), draws_(can_rewrite_lines(STDOUT_FILENO)) {}

  void on_message(const std::string& text) override {
    end_line();
    begin_ = {};
    if (options_.quiet) return;
    if (options_.json) {
      print_json({{"event", "message"}, {"text", text}});
    } else {
      print("%s\n", text.c_str());
    }
  }

  void on_progress(const std::string& file, int64_t done, int64_t total) override {
    const Clock::time_point now = Clock::now();
    if (begin_ == Clock::time_point{} || done < had_) {
      begin_ = told_ = now;
      had_ = done;
    }
    if (options_.quiet || now - told_ < std::chrono::milliseconds(options_.json ? 1000
                                                                  : draws_      ? 200
                                                                                : 10000))
      return;
    told_ = now;
    if (options_.json) {
      print_json({{"event", "progress"}, {"file", file}, {"bytes", done}, {"total", total}});
      return;
    }
    const double seconds = std::chrono::duration<double>(now - begin_).count();
    const double speed = static_cast<double>(done - had_) / seconds;
    std::string text = file + "  " + human_bytes(done);
    if (total > 0)
      text += " of " + human_bytes(total) + format("  %d %%", static_cast<int>(done * 100 / total));
    text += "  " + human_bytes(static_cast<int64_t>(speed)) + "/s";
    if (total > 0 && speed > 0)
      text += "  " + human_duration(static_cast<double>(total - done) / speed) + " left";
    const size_t line = draws_ ? terminal_width() : 0;  // a broken line could not be drawn over
    if (line > 0 && text.size() >= line) text.resize(line - 1);
    print(draws_ ? "\r\x1b[K%s" : "%s\n", text.c_str());
    line_open_ = draws_;
  }

  void end_line() {
    if (line_open_) print("\r\x1b[K");
    line_open_ = false;
  }

 private:
  const Options& options_;
  const bool draws_;
  bool line_open_ = false;
  Clock::time_point begin_, told_;
  int64_t had_ = 0;
};

void tell_result(const DataSource& source, const FetchResult& result, const Options& options) {
  const std::string path = result.path.string();
  if (options.json) {
    constexpr const char* words[] = {"fetched", "verified", "foreign"};
    Json json = {{"event", "done"},
                 {"name", source.name},
                 {"path", path},
                 {"status", words[static_cast<int>(result.status)]}};
    if (!result.aside.empty()) json["aside"] = result.aside.string();
    print_json(json);
    return;
  }
  switch (result.status) {
    case FetchResult::Status::fetched:
      print("%s: fetched and verified: %s\n", source.name.c_str(), path.c_str());
      break;
    case FetchResult::Status::verified:
      print("%s: already there and verified: %s\n", source.name.c_str(), path.c_str());
      break;
    case FetchResult::Status::foreign:
      print("%s: already there: %s (not from frugal fetch; it has what it should have)\n",
            source.name.c_str(), path.c_str());
  }
  if (!result.aside.empty()) print("what was there before is now %s\n", result.aside.c_str());
}

ExitCode run(const Options& options) {
  std::vector<DataSource> sources;
  for (const std::string& name : options.names)
    sources.push_back(find_source(name));  // all, before the first
  std::error_code ignored;
  if (sources.size() > 1 && !options.from.empty() && !options.from.ends_with('/') &&
      !fs::is_directory(options.from, ignored)) {
    throw usage_error("fetch: for several data sets, --from takes a directory, or a URL that ends in '/'");
  }
  const FetchOptions how{
      .root = data_home(), .from = options.from, .sha256 = options.sha256, .force = options.force};
  const StopSignals signals;
  Told told(options);
  std::vector<std::string> failures;
  for (const DataSource& source : sources) {
    try {
      const FetchResult result = fetch(source, how, stop_requested, told);
      told.end_line();
      tell_result(source, result, options);
    } catch (const Error& error) {
      told.end_line();
      // One that cannot be had is no reason to go without the others.
      if (error.code() != ExitCode::failed || sources.size() == 1) throw;
      failures.emplace_back(error.what());
    }
  }
  if (!failures.empty()) throw Error(join(failures, "\n"));
  return ExitCode::done;
}

std::string checked_sha256(const std::string& text) {
  const bool hexadecimal =
      text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
  return hexadecimal ? "" : "not 64 hexadecimal digits (in lower case)";
}

}  // namespace

void add_fetch_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("fetch", "Get known data sets: download, verify, unpack");
  std::vector<std::string> names;
  for (const DataSource& source : known_sources()) names.push_back(source.name);
  command->add_option("name", options->names, "One or more of " + join(names))
      ->required()
      ->type_name(join(names, "|"));
  command
      ->add_option("--from", options->from,
                   "Take the publisher's files from here instead: the archive, the directory that\n"
                   "holds it or them, or another http(s) address. The checksums are the same")
      ->type_name("FILE|DIR|URL");
  command
      ->add_option(
          "--sha256", options->sha256,
          "With --from: the checksum of an archive that was packed anew, in place of the publisher's")
      ->type_name("HEX")
      ->check(CLI::Validator(checked_sha256, ""));
  command->add_flag("--force", options->force,
                    "Fetch what is there and verified, too; put aside what is not from frugal fetch");
  command->add_flag("--quiet", options->quiet, "Say only where it is at the end");
  add_json_flag(*command, options->json, "JSON lines");
  command->footer(
      "Data sets go into $FRUGAL_DATA, or ~/.cache/frugal where that is not set. A download that was\n"
      "interrupted goes on when the command is given again. Proxies: https_proxy, http_proxy, no_proxy.");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace frugal
