// Numbers as people write them: counts ("1M", "996376"), durations ("1h", "90s", "2.5m"), and how they are
// printed.
#pragma once

#include <cstdint>
#include <string>

namespace frugal {

/// k, M, G (powers of 1000). Errors are usage errors that name `what` ("--max-params").
int64_t parse_count(const std::string& text, const std::string& what);
/// Seconds. Units ms, s, m, h, d; a bare number is seconds.
double parse_duration(const std::string& text, const std::string& what);
/// A whole text as a number; nan, inf and trailing characters are refused.
double parse_number(const std::string& text, const std::string& what);
int64_t parse_integer(const std::string& text, const std::string& what);

/// The shortest digits that read back to the same bits.
std::string exact_text(double value);
std::string with_thousands(int64_t value);   // 996,376
std::string human_bytes(int64_t bytes);      // 3.8 MiB
std::string human_duration(double seconds);  // 8.4s, 3m05s, 1h02m

}  // namespace frugal
