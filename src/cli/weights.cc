// `frugal weights`: what is in a file of weights, and how two of them differ.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/columns.h"
#include "base/tensor_file.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/output.h"
#include "interop/tensor_numbers.h"
#include "interop/weights_file.h"

namespace frugal {
namespace {

struct Options {
  std::string file, other;
  bool json = false;
};

using Rows = std::vector<std::vector<std::string>>;

int64_t numbers_of(const TensorRecord& tensor) {
  int64_t numbers = 1;
  for (const int64_t extent : tensor.shape) numbers *= extent;
  return numbers;
}

std::string number(double value) { return format("%.5g", value); }

/// "33 numbers (32 F32, 1 I64)"; adds up the bytes of their tensors.
std::string totals(const TensorFile& file, int64_t& bytes) {
  std::map<std::string, int64_t> by_type;
  int64_t numbers = 0;
  for (const TensorRecord& tensor : file.tensors) {
    by_type[tensor.dtype] += numbers_of(tensor);
    numbers += numbers_of(tensor);
    bytes += static_cast<int64_t>(tensor.data.size());
  }
  std::vector<std::string> types;
  types.reserve(by_type.size());
  for (const auto& [type, count] : by_type) types.push_back(with_thousands(count) + " " + type);
  return with_thousands(numbers) + " numbers" + (types.size() > 1 ? " (" + join(types) + ")" : "");
}

void print_file(const std::string& path, const TensorFile& file) {
  print("file      %s (%s)\n", path.c_str(), file.format.c_str());
  for (const auto& [key, value] : file.metadata)
    print("metadata  %s: %s\n", printable(key).c_str(), printable(value).c_str());
  int64_t bytes = 0;
  const std::string numbers = totals(file, bytes);
  print("total     %zu tensors, %s, %s\n\n", file.tensors.size(), numbers.c_str(),
        human_bytes(bytes).c_str());
  Rows rows{{"name", "shape", "type", "norm", "min", "max"}};
  for (const TensorRecord& tensor : file.tensors) {
    const auto summary = summarize(tensor);
    rows.push_back({printable(tensor.name), dimensions_text(tensor.shape), tensor.dtype,
                    summary ? number(summary->norm) : "-", summary ? number(summary->min) : "-",
                    summary ? number(summary->max) : "-"});
  }
  print("%s", align_columns(rows, 3, terminal_width()).c_str());
}

Json to_json(const TensorFile& file) {
  Json tensors = Json::array();
  int64_t numbers = 0, bytes = 0;
  for (const TensorRecord& tensor : file.tensors) {
    Json entry{{"name", tensor.name}, {"shape", tensor.shape}, {"dtype", tensor.dtype}};
    for (const char* key : {"norm", "min", "max"}) entry[key] = nullptr;
    if (const auto summary = summarize(tensor))
      entry["norm"] = summary->norm, entry["min"] = summary->min, entry["max"] = summary->max;
    tensors.push_back(std::move(entry));
    numbers += numbers_of(tensor);
    bytes += static_cast<int64_t>(tensor.data.size());
  }
  return {{"format", file.format},
          {"metadata", file.metadata},
          {"numbers", numbers},
          {"bytes", bytes},
          {"tensors", tensors}};
}

/// How the tensors of two files compare, by name, in the files' order.
struct Comparison {
  struct Pair {
    const TensorRecord *a, *b;
  };
  std::vector<const TensorRecord*> only_a, only_b;
  std::vector<Pair> other_shape, changed;
  int64_t same = 0;

  bool equal() const { return only_a.empty() && only_b.empty() && other_shape.empty() && changed.empty(); }
};

Comparison compare(const TensorFile& a, const TensorFile& b) {
  std::map<std::string, const TensorRecord*> left;
  std::map<std::string, const TensorRecord*> right;
  for (const TensorRecord& tensor : a.tensors) left[tensor.name] = &tensor;
  for (const TensorRecord& tensor : b.tensors) right[tensor.name] = &tensor;
  Comparison result;
  for (const TensorRecord& tensor : a.tensors) {
    const auto found = right.find(tensor.name);
    if (found == right.end()) {
      result.only_a.push_back(&tensor);
    } else if (tensor.shape != found->second->shape) {
      result.other_shape.push_back({&tensor, found->second});
    } else if (tensor.dtype == found->second->dtype && std::ranges::equal(tensor.data, found->second->data)) {
      ++result.same;
    } else {
      result.changed.push_back({&tensor, found->second});
    }
  }
  for (const TensorRecord& tensor : b.tensors) {
    if (!left.contains(tensor.name)) result.only_b.push_back(&tensor);
  }
  return result;
}

void print_only(const std::string& file, const std::vector<const TensorRecord*>& tensors) {
  if (tensors.empty()) return;
  print("\nonly in %s: %zu\n", file.c_str(), tensors.size());
  Rows rows;
  for (const TensorRecord* tensor : tensors)
    rows.push_back({printable(tensor->name), dimensions_text(tensor->shape), tensor->dtype});
  print("%s", align_columns(rows, 3, terminal_width()).c_str());
}

void print_comparison(const Options& options, const Comparison& comparison) {
  print("tensors: %lld the same, %zu with other numbers, %zu of another shape\n",
        static_cast<long long>(comparison.same), comparison.changed.size(), comparison.other_shape.size());
  if (!comparison.changed.empty()) {
    print("\n");
    Rows rows{{"name", "shape", "type", "max |a-b|", "||a-b||/||a||"}};
    for (const auto& [a, b] : comparison.changed) {
      const auto apart = difference(*a, *b);
      rows.push_back({printable(a->name), dimensions_text(a->shape),
                      a->dtype == b->dtype ? a->dtype : a->dtype + ", " + b->dtype,
                      apart ? number(apart->max_abs) : "-", apart ? number(apart->relative_l2) : "-"});
    }
    print("%s", align_columns(rows, 3, terminal_width()).c_str());
  }
  if (!comparison.other_shape.empty()) {
    print("\n");
    Rows rows{{"name", "shape in a", "shape in b"}};
    for (const auto& [a, b] : comparison.other_shape)
      rows.push_back({printable(a->name), dimensions_text(a->shape), dimensions_text(b->shape)});
    print("%s", align_columns(rows, 3, terminal_width()).c_str());
  }
  print_only(options.file, comparison.only_a);
  print_only(options.other, comparison.only_b);
}

Json to_json(const Comparison& comparison) {
  const auto names = [](const std::vector<const TensorRecord*>& tensors) {
    Json list = Json::array();
    for (const TensorRecord* tensor : tensors) list.push_back(tensor->name);
    return list;
  };
  Json shapes = Json::array(), changed = Json::array();
  for (const auto& [a, b] : comparison.other_shape)
    shapes.push_back({{"name", a->name}, {"a", a->shape}, {"b", b->shape}});
  for (const auto& [a, b] : comparison.changed) {
    Json entry{{"name", a->name}, {"dtype", {a->dtype, b->dtype}}};
    for (const char* key : {"max_abs", "relative_l2"}) entry[key] = nullptr;
    if (const auto apart = difference(*a, *b))
      entry["max_abs"] = apart->max_abs, entry["relative_l2"] = apart->relative_l2;
    changed.push_back(std::move(entry));
  }
  return {{"equal", comparison.equal()},
          {"same", comparison.same},
          {"changed", changed},
          {"shapes", shapes},
          {"only_a", names(comparison.only_a)},
          {"only_b", names(comparison.only_b)}};
}

ExitCode run(const Options& options) {
  const TensorFile file = read_weights_file(options.file);
  if (options.other.empty()) {
    if (options.json) {
      print_json(to_json(file));
    } else {
      print_file(options.file, file);
    }
    return ExitCode::done;
  }
  const TensorFile other = read_weights_file(options.other);
  const Comparison comparison = compare(file, other);
  if (options.json) {
    print_json(to_json(comparison));
  } else {
    print_comparison(options, comparison);
  }
  return comparison.equal() ? ExitCode::done : ExitCode::failed;
}

}  // namespace

void add_weights_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "weights", "What is in a file of weights: names, shapes, types, norms; how two files differ");
  command
      ->add_option(
          "file", options->file,
          "A .safetensors file, one of PyTorch's (.pt, .pth, .th) in either layout, or ONNX; told by its "
          "content. Nothing in it is executed")
      ->required()
      ->type_name("FILE");
  command
      ->add_option(
          "--diff", options->other,
          "Compare with this file: tensors that only one has, other shapes, largest difference and "
          "relative L2 norm of the rest. Exit code 0 where all tensors are the same to the bit, else 1")
      ->type_name("FILE");
  add_json_flag(*command, options->json);
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace frugal
