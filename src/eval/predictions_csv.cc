#include "eval/predictions_csv.h"

#include <algorithm>
#include <charconv>

#include "base/file.h"
#include "base/text.h"
#include "train/logit_rows.h"

namespace frugal {
namespace {

/// Six digits: more than any network's probabilities are worth.
void add_number(std::string& text, double value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::general, 6).ptr;
  text.append(digits, end);
}

}  // namespace

void write_predictions(const std::filesystem::path& path, std::span<const int32_t> ids,
                       std::span<const int32_t> labels, std::span<const float> logits,
                       const std::vector<std::string>& classes) {
  std::string text = "image,label,guess,confidence";
  for (const std::string& name : classes) text += "," + csv_text(name);
  text += "\n";
  const size_t width = classes.size();
  std::vector<double> probabilities, logarithms;
  for (size_t n = 0; n < labels.size(); ++n) {
    const float* row = logits.data() + n * width;
    softmax_row(row, static_cast<int64_t>(width), 1, probabilities, logarithms);
    const auto guess = static_cast<size_t>(std::max_element(row, row + width) - row);
    text += std::to_string(ids[n]) + "," + csv_text(classes[static_cast<size_t>(labels[n])]) + "," +
            csv_text(classes[guess]) + ",";
    add_number(text, probabilities[guess]);
    for (const double probability : probabilities) {
      text += ',';
      add_number(text, probability);
    }
    text += '\n';
  }
  write_file_atomic(path, text);
}

void write_confusion(const std::filesystem::path& path, std::span<const int64_t> confusion,
                     const std::vector<std::string>& classes) {
  std::string text = "label";
  for (const std::string& name : classes) text += "," + csv_text(name);
  text += "\n";
  for (size_t label = 0; label < classes.size(); ++label) {
    text += csv_text(classes[label]);
    for (size_t guess = 0; guess < classes.size(); ++guess) {
      text += "," + std::to_string(confusion[label * classes.size() + guess]);
    }
    text += "\n";
  }
  write_file_atomic(path, text);
}

}  // namespace frugal
