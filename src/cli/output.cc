#include "cli/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "base/text.h"
#include "base/units.h"
#include "graph/table.h"

namespace frugal {
namespace {

std::string format_list(const char* pattern, std::va_list list) {
  std::va_list again;
  va_copy(again, list);
  const int length = std::vsnprintf(nullptr, 0, pattern, again);
  va_end(again);
  if (length < 0) return pattern;
  std::string text(static_cast<size_t>(length), '\0');
  std::vsnprintf(text.data(), text.size() + 1, pattern, list);
  return text;
}

}  // namespace

std::string format(const char* pattern, ...) {
  std::va_list list;
  va_start(list, pattern);
  std::string text = format_list(pattern, list);
  va_end(list);
  return text;
}

void print(const char* pattern, ...) {
  std::va_list list;
  va_start(list, pattern);
  const std::string text = format_list(pattern, list);
  va_end(list);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void print_json(const Json& json) {
  print("%s\n", json.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
}

void warn(const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "frugal: warning: %s\n", message.c_str());
}

Json metrics_json(const Metrics& metrics) {
  return {{"loss", metrics.loss},
          {"top1", metrics.top1},
          {"top3", metrics.top3},
          {"top5", metrics.top5},
          {"samples", metrics.samples}};
}

std::string image_shape(const ImageSet& images) {
  return shape_text({images.height, images.width, images.channels});
}

std::string printable(const std::string& text) {
  const std::string quoted = in_quotes(text);
  return quoted.substr(1, quoted.size() - 2);
}

std::string precision_name(Precision precision) { return precision == Precision::bf16 ? "bf16" : "fp32"; }

bool can_rewrite_lines(int stream) {
  const char* terminal = std::getenv("TERM");
  return isatty(stream) != 0 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

size_t terminal_width(int stream) {
  winsize size{};
  if (isatty(stream) == 0 || ioctl(stream, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

size_t bar_width(size_t text, int stream) {
  constexpr size_t usual = 30;
  const size_t line = terminal_width(stream);
  if (line == 0) return usual;
  return line > text + 1 ? std::min(usual, line - text - 1) : 0;
}

int parse_threads(const std::string& text) {
  const int64_t threads = parse_integer(text, "--threads");
  if (threads < 0 || threads > 1024) {
    throw usage_error("--threads: " + text + " is not in 0 (all that the machine allows) to 1024");
  }
  return static_cast<int>(threads);
}

uint64_t parse_seed(const std::string& text) {
  const int64_t seed = parse_integer(text, "--seed");
  if (seed < 0) throw usage_error("--seed: " + text + " is negative");
  return static_cast<uint64_t>(seed);
}

int64_t parse_extent(const std::string& text, const std::string& flag, int64_t most) {
  const int64_t value = parse_integer(text, flag);
  if (value < 1 || value > most) {
    throw usage_error(flag + ": " + text + " is not in 1 to " + with_thousands(most));
  }
  return value;
}

void require_new_file(const std::string& path, bool force) {
  std::error_code ignored;
  if (!force && std::filesystem::exists(path, ignored)) {
    throw usage_error("--to " + path + " exists already; --force writes over it");
  }
}

void require_replaceable(const std::string& path, const std::string& flag, const std::string& begin,
                         const std::string& kind) {
  std::error_code ignored;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty() && !std::filesystem::is_directory(folder, ignored)) {
    throw usage_error(flag + " " + path + ": there is no directory " + folder.string());
  }
  if (!std::filesystem::is_regular_file(path, ignored) || std::filesystem::is_empty(path, ignored)) return;
  std::string first(begin.size(), '\0');
  std::ifstream(path, std::ios::binary).read(first.data(), static_cast<std::streamsize>(first.size()));
  if (first != begin) {
    throw usage_error(flag + " " + path + " exists already and is no " + kind + "; choose another name");
  }
}

}  // namespace frugal
