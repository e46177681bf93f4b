// What two runs have in common that are the same but for the clock.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/safetensors.h"
#include "program.h"

namespace frugal {

/// The file's lines as JSON, without what depends on the clock.
inline std::vector<nlohmann::json> timeless(const std::filesystem::path& file) {
  const std::string text = read_text(file);
  std::vector<nlohmann::json> lines =
      file.extension() == ".jsonl" ? json_lines(text) : std::vector{nlohmann::json::parse(text)};
  for (nlohmann::json& line : lines) line.erase("timing");
  return lines;
}

/// All tensors of `last` and `best`, and every field of log and result outside `timing`.
inline void expect_same_run(const std::filesystem::path& a, const std::filesystem::path& b) {
  for (const char* name : {"last.safetensors", "best.safetensors"}) {
    const SafetensorsFile one = read_safetensors(a / name), other = read_safetensors(b / name);
    ASSERT_EQ(one.tensors.size(), other.tensors.size());
    for (const TensorRecord& tensor : one.tensors) {
      const TensorRecord* twin = other.find(tensor.name);
      ASSERT_TRUE(twin != nullptr) << tensor.name;
      EXPECT_TRUE(std::ranges::equal(tensor.data, twin->data)) << name << " " << tensor.name;
    }
  }
  EXPECT_EQ(timeless(a / "log.jsonl"), timeless(b / "log.jsonl"));
  EXPECT_EQ(timeless(a / "result.json"), timeless(b / "result.json"));
}

}  // namespace frugal
