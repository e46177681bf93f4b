#include "train/checkpoint_info.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"

namespace frugal {
namespace {

using Json = nlohmann::json;

constexpr const char* version_key = "frugal_format";
constexpr const char* model_file_key = "model_file";  // there where the model is a file
constexpr const char* extra_prefix = "extra.";
constexpr int64_t largest_side = 1 << 16;

Error damaged(const std::string& file, const std::string& key) {
  return Error(file + ": its description has no valid " + in_quotes(key) + "; the file is damaged");
}

const std::string& text_at(const Metadata& metadata, const std::string& key, const std::string& file) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) throw damaged(file, key);
  return found->second;
}

Json list_at(const Metadata& metadata, const std::string& key, const std::string& file) {
  Json list = Json::parse(text_at(metadata, key, file), nullptr, /*allow_exceptions=*/false);
  if (!list.is_array()) throw damaged(file, key);
  return list;
}

std::vector<std::string> texts_at(const Metadata& metadata, const std::string& key, const std::string& file) {
  std::vector<std::string> texts;
  for (const Json& item : list_at(metadata, key, file)) {
    if (!item.is_string()) throw damaged(file, key);
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

/// JSON's numbers are doubles written with as many digits as they need, so floats come back to the bit.
std::vector<float> floats_at(const Metadata& metadata, const std::string& key, int64_t count, bool positive,
                             const std::string& file) {
  std::vector<float> values;
  for (const Json& item : list_at(metadata, key, file)) {
    const float value = item.is_number() ? item.get<float>() : std::numeric_limits<float>::quiet_NaN();
    if (!std::isfinite(value) || (positive && value <= 0)) throw damaged(file, key);
    values.push_back(value);
  }
  if (static_cast<int64_t>(values.size()) != count) throw damaged(file, key);
  return values;
}

Shape shape_at(const Metadata& metadata, const std::string& key, const std::string& file) {
  const Json list = list_at(metadata, key, file);
  const auto valid = [](const Json& side) {
    return side.is_number_unsigned() && side.get<uint64_t>() >= 1 && side.get<uint64_t>() <= largest_side;
  };
  if (list.size() != 3 || !std::ranges::all_of(list, valid)) throw damaged(file, key);
  return {list[0].get<int64_t>(), list[1].get<int64_t>(), list[2].get<int64_t>()};
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

bool is_from_frugal(const Metadata& metadata) { return metadata.count(version_key) != 0; }

int check_format_version(const Metadata& metadata, const std::string& file) {
  int64_t version = 0;
  try {
    version = parse_integer(text_at(metadata, version_key, file), version_key);
  } catch (const Error&) {
    throw damaged(file, version_key);
  }
  if (version < 1) throw damaged(file, version_key);
  if (version > checkpoint_format_version) {
    throw Error(file + " was written by a newer frugal (format " + std::to_string(version) +
                ", this one reads up to " + std::to_string(checkpoint_format_version) +
                "); update frugal to read it");
  }
  return static_cast<int>(version);
}

Metadata to_metadata(const CheckpointInfo& info) {
  Metadata metadata = {
      {"format", "pt"},  // by which other programs know PyTorch's names and layouts
      {version_key, std::to_string(info.format_version)},
      {"frugal_version", info.frugal_version},
      {"model", info.model},
      {"input", dump({info.input.h, info.input.w, info.input.c})},
      {"classes", dump(info.classes)},
      {"mean", dump(info.normalization.mean)},
      {"std", dump(info.normalization.std)},
      {"data", info.data},
  };
  if (!info.model_file.empty()) metadata[model_file_key] = info.model_file;
  for (const auto& [key, value] : info.extra) metadata[extra_prefix + key] = value;
  return metadata;
}

CheckpointInfo info_from_metadata(const Metadata& metadata, const std::string& file) {
  if (!is_from_frugal(metadata)) {
    throw Error(file + " is a weights file that frugal did not write: it does not say which model it is for");
  }
  CheckpointInfo info;
  info.format_version = check_format_version(metadata, file);
  info.frugal_version = text_at(metadata, "frugal_version", file);
  info.model = text_at(metadata, "model", file);
  if (metadata.count(model_file_key) != 0) info.model_file = text_at(metadata, model_file_key, file);
  info.input = shape_at(metadata, "input", file);
  info.classes = texts_at(metadata, "classes", file);
  if (info.classes.empty()) throw damaged(file, "classes");
  info.normalization.mean = floats_at(metadata, "mean", info.input.c, /*positive=*/false, file);
  info.normalization.std = floats_at(metadata, "std", info.input.c, /*positive=*/true, file);
  info.data = text_at(metadata, "data", file);
  const std::string prefix = extra_prefix;
  for (const auto& [key, value] : metadata) {
    if (key.starts_with(prefix)) info.extra[key.substr(prefix.size())] = value;
  }
  return info;
}

}  // namespace frugal
