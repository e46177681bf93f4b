#include "study/results.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/file_lock.h"
#include "base/text.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

std::string line_of(const RunRecord& record) {
  return Json({{"variant", record.variant},
               {"seed", record.seed},
               {"part", record.part},
               {"run", record.run},
               {"command", record.command},
               {"shared", record.shared},
               {"result", record.result}})
             .dump(-1, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

RunRecord parse(const std::string& line) {
  const Json json = Json::parse(line);
  RunRecord record;
  json.at("variant").get_to(record.variant);
  json.at("seed").get_to(record.seed);
  json.at("part").get_to(record.part);
  json.at("run").get_to(record.run);
  json.at("command").get_to(record.command);
  json.at("shared").get_to(record.shared);
  record.result = json.at("result");
  record.result.at("test");  // may be null: time may be over before its first image
  return record;
}

}  // namespace

double result_number(const Json& result, const char* part, const char* name) {
  constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  const auto found = result.find(part);
  if (found == result.end() || !found->is_object()) return nothing;
  const auto number = found->find(name);
  return number != found->end() && number->is_number() ? number->get<double>() : nothing;
}

Results::Results(std::filesystem::path path) : path_(std::move(path)), records_(read()) {}

std::vector<RunRecord> Results::read() const {
  std::vector<RunRecord> records;
  if (!std::filesystem::exists(path_)) return records;
  const std::string text = read_text_file(path_);
  int line = 0;
  for (size_t begin = 0; begin < text.size();) {
    ++line;
    const size_t end = std::min(text.find('\n', begin), text.size());
    try {
      records.push_back(parse(text.substr(begin, end - begin)));
    } catch (const Json::exception&) {
      throw Error(path_.string() + ":" + std::to_string(line) +
                  ": this is no record of a finished run; remove the line to have its run done again");
    }
    begin = end + 1;
  }
  return records;
}

const RunRecord* Results::find(const std::string& run) const {
  const auto found = std::ranges::find(records_, run, &RunRecord::run);
  return found == records_.end() ? nullptr : &*found;
}

void Results::refresh() { write({}); }

void Results::add(RunRecord record) { write({std::move(record)}); }

void Results::write(const std::vector<RunRecord>& more) {
  FileLock lock(path_.string() + ".lock");
  lock.lock();
  records_ = read();
  for (const RunRecord& one : more) {
    if (!find(one.run)) records_.push_back(one);  // another study may have done it meanwhile
  }
  std::string text;
  for (const RunRecord& one : records_) text += line_of(one);
  write_file_atomic(path_, text);
}

}  // namespace frugal
