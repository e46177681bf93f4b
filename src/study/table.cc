#include "study/table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/columns.h"
#include "base/text.h"
#include "base/units.h"
#include "train/limits.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;
constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

/// Accuracies by seed, of the runs that have one.
using BySeed = std::map<int64_t, double>;

BySeed top1(const std::vector<const RunRecord*>& records, const char* split) {
  BySeed scores;
  for (const RunRecord* record : records) {
    const double score = result_number(record->result, split, "top1");
    if (std::isfinite(score)) scores[record->seed] = score;
  }
  return scores;
}

StudyScore score_of(const BySeed& own, const BySeed& base, bool is_base) {
  std::vector<double> values, gains;
  for (const auto& [seed, value] : own) {
    values.push_back(value);
    if (const auto other = base.find(seed); other != base.end()) gains.push_back(value - other->second);
  }
  return {mean_of(values), sample_deviation(values), is_base ? std::nullopt : mean_interval(gains)};
}

std::vector<const RunRecord*> finished(const std::vector<PlannedRun>& runs, const Results& results) {
  std::vector<const RunRecord*> records;
  for (const PlannedRun& run : runs) {
    if (const RunRecord* record = results.find(run.name)) records.push_back(record);
  }
  return records;
}

double mean_over(const std::vector<const RunRecord*>& records, auto&& value_of) {
  std::vector<double> values;
  values.reserve(records.size());
  for (const RunRecord* record : records) values.push_back(value_of(record->result));
  return mean_of(values);
}

std::string number(const char* pattern, double value) {
  if (!std::isfinite(value)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

std::string score_text(const StudyScore& score) {
  const std::string mean = number("%.2f", 100 * score.mean);
  return std::isfinite(score.deviation) ? mean + " ± " + number("%.2f", 100 * score.deviation) : mean;
}

std::string gain_text(const std::optional<Interval>& gain) {
  if (!gain) return "";
  return number("%+.2f", 100 * gain->mean) + " [" + number("%+.2f", 100 * gain->low) + ", " +
         number("%+.2f", 100 * gain->high) + "]";
}

/// The table's cells, the head first.
std::vector<std::vector<std::string>> cells_of(const StudyTable& table) {
  const bool tested = table.missing == 0;
  std::vector<std::vector<std::string>> cells = {
      {"variant", "parameters", "n", "epochs", "seconds", "validation", "over " + table.base}};
  if (tested) cells[0].insert(cells[0].end(), {"test", "over " + table.base});
  for (const StudyRow& row : table.rows) {
    const std::string part = row.part > 1 ? " (given up after 1/" + std::to_string(row.part) + ")" : "";
    cells.push_back({row.variant + (row.variant == table.chosen ? " *" : "") + part,
                     row.runs > 0 ? with_thousands(row.parameters) : "-", std::to_string(row.runs),
                     number("%.4g", row.epochs), number("%.0f", row.seconds), score_text(row.val),
                     gain_text(row.val.gain)});
    if (tested) {
      const std::string test =
          row.part > 1 ? "" : score_text(row.test) + (row.partial_test ? " (partial)" : "");
      cells.back().insert(cells.back().end(), {test, row.part > 1 ? "" : gain_text(row.test.gain)});
    }
  }
  return cells;
}

/// What has to be said below the table.
std::vector<std::string> notes_of(const StudyTable& table) {
  std::vector<std::string> notes = {
      "Accuracies are top-1 in %, mean ± standard deviation over seeds; differences are paired by seed, "
      "with their 95 % intervals."};
  if (table.missing > 0) {
    notes.push_back(std::to_string(table.missing) + (table.missing == 1 ? " run has" : " runs have") +
                    " not finished; the test's accuracies are shown when all have.");
  }
  if (!table.chosen.empty()) notes.emplace_back("* the best by validation.");
  if (table.shared)
    notes.emplace_back("Runs shared the machine with each other: seconds cannot be compared.");
  if (table.most_limit > 1.5 * table.least_limit) {
    notes.push_back("The study gave its runs between " + human_duration(table.least_limit) + " and " +
                    human_duration(table.most_limit) + ": those with less cannot be compared.");
  }
  return notes;
}

/// Of the time that a study with --max-time gave a run.
void note_limit(StudyTable& table, const Variant& variant, const RunRecord& record) {
  const double limit = result_number(record.result, "timing", "limit_seconds");
  const auto own = variant.flags.find("--max-time");
  const bool by_variant = own != variant.flags.end() && parse_max_time(own->second) == limit;
  if (std::isnan(limit) || record.part > 1 || by_variant) return;
  table.least_limit = table.least_limit > 0 ? std::min(table.least_limit, limit) : limit;
  table.most_limit = std::max(table.most_limit, limit);
}

std::string escaped(std::string text, char special, const std::string& with) {
  for (size_t at = 0; (at = text.find(special, at)) != std::string::npos; at += with.size()) {
    text.replace(at, 1, with);
  }
  return text;
}

std::string markdown(const StudyTable& table) {
  std::string text = table.title.empty() ? "" : "## " + table.title + "\n\n";
  const auto cells = cells_of(table);
  for (size_t i = 0; i < cells.size(); ++i) {
    for (const std::string& cell : cells[i]) text += "| " + escaped(cell, '|', "\\|") + " ";
    text += "|\n";
    if (i > 0) continue;
    for (size_t column = 0; column < cells[0].size(); ++column) text += column == 0 ? "| --- " : "| ---: ";
    text += "|\n";
  }
  for (const std::string& note : notes_of(table)) text += "\n" + escaped(note, '*', "\\*") + "\n";
  return text;
}

std::string csv(const StudyTable& table) {
  const auto exact = [](double value) { return std::isfinite(value) ? exact_text(value) : std::string(); };
  const auto interval = [&exact](const std::optional<Interval>& gain) {
    return gain ? "," + exact(gain->mean) + "," + exact(gain->low) + "," + exact(gain->high)
                : std::string(",,,");
  };
  const auto score = [&](const StudyScore& one) {
    return "," + exact(one.mean) + "," + exact(one.deviation) + interval(one.gain);
  };
  const bool tested = table.missing == 0;
  std::string text =
      "variant,part,runs,parameters,epochs,seconds,val_top1,val_deviation,val_gain,val_gain_low,val_gain_"
      "high";
  text += tested ? ",test_top1,test_deviation,test_gain,test_gain_low,test_gain_high\n" : "\n";
  for (const StudyRow& row : table.rows) {
    text += csv_text(row.variant) + "," + std::to_string(row.part) + "," + std::to_string(row.runs) + "," +
            std::to_string(row.parameters) + "," + exact(row.epochs) + "," + exact(row.seconds) +
            score(row.val);
    if (tested) text += row.part > 1 ? ",,,,," : score(row.test);
    text += "\n";
  }
  return text;
}

std::string html_text(const std::string& text) {
  return escaped(escaped(escaped(text, '&', "&amp;"), '<', "&lt;"), '>', "&gt;");
}

std::string html(const StudyTable& table) {
  std::string text =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\">\n<title>" +
      html_text(table.title.empty() ? "A study" : table.title) +
      "</title>\n<style>\n:root { color-scheme: light dark; }\nbody { font: 15px/1.5 system-ui, sans-serif; "
      "margin: "
      "2em auto; max-width: 70em; padding: 0 1em; }\n.wide { overflow-x: auto; }\ntable { border-collapse: "
      "collapse; "
      "font-variant-numeric: tabular-nums; }\nth, td { padding: .3em .8em; text-align: right; border-bottom: "
      "1px "
      "solid #8886; white-space: nowrap; }\nth:first-child, td:first-child { text-align: left; }\n.chosen { "
      "font-weight: 600; }\n</style></head><body>\n";
  if (!table.title.empty()) text += "<h1>" + html_text(table.title) + "</h1>\n";
  text += "<div class=\"wide\"><table>\n";
  const auto cells = cells_of(table);
  for (size_t i = 0; i < cells.size(); ++i) {
    const bool chosen = i > 0 && table.rows[i - 1].variant == table.chosen;
    text += chosen ? "<tr class=\"chosen\">" : "<tr>";
    for (const std::string& cell : cells[i]) {
      text += (i == 0 ? "<th>" : "<td>") + html_text(cell) + (i == 0 ? "</th>" : "</td>");
    }
    text += "</tr>\n";
  }
  text += "</table></div>\n";
  for (const std::string& note : notes_of(table)) text += "<p>" + html_text(note) + "</p>\n";
  return text + "</body></html>\n";
}

/// Where lines would be too long, what matters least goes first: seconds, epochs, parameters, the middle of
/// names, the base's name, the validation's differences, and how many runs there are.
std::string fitting(std::vector<std::vector<std::string>> cells, size_t width) {
  const auto leave_out = [&cells](long column) {
    for (auto& row : cells) row.erase(row.begin() + column);
  };
  for (const long column : {4, 3, 1}) {
    if (width == 0 || widest_line(align_columns(cells, 1)) <= width) break;
    leave_out(column);
  }
  const auto fits = [&] { return width == 0 || widest_line(align_columns(cells, 1, width)) <= width; };
  if (!fits()) {
    for (std::string& head : cells[0]) {
      if (head.starts_with("over ")) head = "over base";
    }
  }
  for (const long column : {3, 1}) {  // of: variant, n, validation, its difference, and the test's two
    if (!fits()) leave_out(column);
  }
  return align_columns(cells, 1, width);
}

std::string plain(const StudyTable& table, size_t width) {
  std::string text = table.title.empty() ? "" : wrapped(table.title, width) + "\n\n";
  text += fitting(cells_of(table), width);
  for (const std::string& note : notes_of(table)) text += wrapped(note, width) + "\n";
  return text;
}

}  // namespace

StudyTable make_table(const Study& study, const std::vector<std::vector<PlannedRun>>& runs,
                      const Results& results) {
  StudyTable table{.title = study.title, .base = study.base, .rows = {}, .chosen = {}};
  std::vector<std::vector<const RunRecord*>> records;
  BySeed base_val, base_test;
  for (size_t i = 0; i < study.variants.size(); ++i) {
    records.push_back(finished(runs[i], results));
    table.missing += std::ssize(runs[i]) - std::ssize(records[i]);
    if (study.variants[i].name != study.base) continue;
    base_val = top1(records[i], "val");
    base_test = top1(records[i], "test");
  }
  double best = -1;
  for (size_t i = 0; i < study.variants.size(); ++i) {
    StudyRow row;
    row.variant = study.variants[i].name;
    row.runs = std::ssize(records[i]);
    row.part = runs[i].empty() ? 1 : runs[i].front().part;
    const bool is_base = row.variant == study.base;
    // What was done with a part of the work cannot be compared with what was done with all of it.
    const BySeed none;
    row.val = score_of(top1(records[i], "val"), row.part > 1 ? none : base_val, is_base);
    row.test = score_of(top1(records[i], "test"), row.part > 1 ? none : base_test, is_base);
    row.epochs = mean_over(records[i], [](const Json& result) { return result.value("epochs", nothing); });
    row.seconds = mean_over(
        records[i], [](const Json& result) { return result_number(result, "timing", "wall_seconds"); });
    for (const RunRecord* record : records[i]) {
      row.finished.push_back(record->run);
      note_limit(table, study.variants[i], *record);
      row.parameters = record->result.value("params", int64_t{0});
      row.partial_test = row.partial_test || !record->result.value("test_complete", true);
      table.shared = table.shared || record->shared;
    }
    if (row.part == 1 && row.val.mean > best) best = row.val.mean, table.chosen = row.variant;
    table.rows.push_back(std::move(row));
  }
  if (table.missing > 0) table.chosen.clear();
  return table;
}

std::string render(const StudyTable& table, TableFormat format, size_t width) {
  switch (format) {
    case TableFormat::markdown:
      return markdown(table);
    case TableFormat::csv:
      return csv(table);
    case TableFormat::html:
      return html(table);
    case TableFormat::text:
      break;
  }
  return plain(table, width);
}

}  // namespace frugal
