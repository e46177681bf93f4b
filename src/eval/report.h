// `frugal report`: runs as one HTML file that opens from disk, with everything in it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "eval/assessment.h"
#include "graph/graph.h"
#include "train/config.h"
#include "train/metrics.h"

namespace frugal {

/// An image that the network was sure of, and wrong.
struct Mistake {
  int32_t image = 0;  // its number in the split
  int32_t label = 0;
  std::vector<std::pair<int32_t, double>> guesses;  // the likeliest classes and their probabilities
  std::string png;                                  // the picture, as a data: URL
};

/// The `most` images with the most confident wrong guess, the most confident first; one of each pair of label
/// and guess, so that they are not all alike. `logits` are [ids, classes].
std::vector<Mistake> confident_mistakes(std::span<const float> logits, const ImageSet& images,
                                        std::span<const int32_t> ids, int64_t classes, size_t most);

struct ReportedTest {
  Assessment assessment;
  std::vector<std::string> classes, superclasses;
  std::vector<int32_t> superclass_of;  // each class; empty where there are none
  std::vector<Mistake> mistakes;
};

struct ReportedRun {
  std::string name;  // as the user calls it
  TrainConfig config;
  std::string config_text, result_text;  // config.toml and result.json
  std::vector<EpochRecord> history;
  Graph graph;
  std::string machine;
  std::optional<ReportedTest> test;  // absent where the data are not at hand
};

/// The whole file. Nothing in it is fetched from anywhere.
std::string report_html(const std::string& title, const std::vector<ReportedRun>& runs);

}  // namespace frugal
