// The files that a report is made of, in the program itself.
#pragma once

#include <string_view>

namespace frugal {

/// "report.html", "report.css", "report.js", "uPlot.iife.min.js", "uPlot.min.css".
std::string_view report_asset(std::string_view name);

}  // namespace frugal
