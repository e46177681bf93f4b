#include "base/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "base/error.h"
#include "base/text.h"

namespace frugal {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

// from_chars rather than strtod: the same in every locale.
bool to_number(std::string_view text, double& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

/// The number in front of the longest unit that ends the text, times that unit; false where it is none.
template <size_t N>
bool with_unit(std::string_view text, const std::array<Unit, N>& units, double& value) {
  for (const Unit& unit : units) {
    if (!text.ends_with(unit.name)) continue;
    if (!to_number(trim(text.substr(0, text.size() - unit.name.size())), value)) continue;
    value *= unit.factor;
    return true;
  }
  return to_number(text, value);
}

std::string printed(const char* form, double value) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), form, value);
  return buffer.data();
}

}  // namespace

int64_t parse_count(const std::string& text, const std::string& what) {
  static constexpr std::array<Unit, 4> units{{{"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}}};
  const std::string_view trimmed = trim(text);
  // Whole numbers stay exact beyond the 53 bits of a double.
  int64_t whole = 0;
  const auto [end, error] = std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), whole);
  if (error == std::errc() && end == trimmed.data() + trimmed.size() && whole >= 0) return whole;
  double value = 0;
  if (with_unit(trimmed, units, value) && value >= 0 && value < 0x1p63) {
    // 0.9964M is 996400 to a double's rounding; 1.5 of something that cannot be halved is a mistake.
    const double rounded = std::round(value);
    if (std::abs(value - rounded) <= 1e-9 * value) return static_cast<int64_t>(rounded);
  }
  throw usage_error(what + ": " + in_quotes(text) + " is not a count; write it like 996376, 250k or 1M");
}

double parse_duration(const std::string& text, const std::string& what) {
  // "ms" before "s": the first unit that fits is taken.
  static constexpr std::array<Unit, 5> units{{{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}}};
  double value = 0;
  if (with_unit(trim(text), units, value) && value >= 0 && std::isfinite(value)) return value;
  throw usage_error(what + ": " + in_quotes(text) + " is not a duration; write it like 90s, 2.5m or 1h");
}

double parse_number(const std::string& text, const std::string& what) {
  double value = 0;
  if (to_number(trim(text), value)) return value;
  throw usage_error(what + ": " + in_quotes(text) + " is not a number");
}

int64_t parse_integer(const std::string& text, const std::string& what) {
  const std::string_view trimmed = trim(text);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), value);
  if (error == std::errc() && end == trimmed.data() + trimmed.size()) return value;
  throw usage_error(what + ": " + in_quotes(text) + " is not a whole number");
}

std::string exact_text(double value) {
  std::array<char, 32> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

std::string with_thousands(int64_t value) {
  std::string text = std::to_string(value);
  const size_t first = value < 0 ? 1 : 0;
  for (size_t at = text.size(); at > first + 3;) text.insert(at -= 3, ",");
  return text;
}

std::string human_bytes(int64_t bytes) {
  if (bytes > -1024 && bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes);
  const char* name = "";
  for (const char* unit : {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}) {
    value /= 1024;
    name = unit;
    if (std::abs(value) < 1023.95) break;  // 1023.95 would print as 1024.0
  }
  return printed("%.1f ", value) + name;
}

std::string human_duration(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  if (seconds < 0) return "-" + human_duration(-seconds);
  // Each border lies where rounding would print the next unit: 59.96 s is 1m00s, not 60.0s.
  if (seconds < 59.95) return printed("%.1fs", seconds);
  if (seconds < 3599.5) {
    const double whole = std::round(seconds);
    return printed("%.0fm", std::floor(whole / 60)) + printed("%02.0fs", std::fmod(whole, 60));
  }
  const double minutes = std::round(seconds / 60);
  return printed("%.0fh", std::floor(minutes / 60)) + printed("%02.0fm", std::fmod(minutes, 60));
}

}  // namespace frugal
