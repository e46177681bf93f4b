// What the file holds beside the network, and files for other runtimes to be held to our logits
// (tools/check-onnx).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "../nn/golden_case.h"
#include "../temp_dir.h"
#include "base/error.h"
#include "graph/builder.h"
#include "graph/presets.h"
#include "interop/onnx_file.h"
#include "onnx_networks.h"

namespace frugal {
namespace {

using testing::ElementsAre;

onnx::Model exported(const Graph& graph, const OnnxExportOptions& options) {
  return parse_onnx_model(bytes_of(export_onnx(graph, random_parameters(graph), options)), "exported");
}

TEST(OnnxExport, SaysWhatItIs) {
  const Graph graph = make_model("smallnet", {32, 32, 3}, 2);
  const onnx::Model model = exported(graph, {.classes = {"cat", "dog \"x\""},
                                             .mean = {0.5f, 0.25f, 0.125f},
                                             .std = {0.5f, 1, 2},
                                             .version = "1.2"});
  EXPECT_EQ(model.ir_version(), 8);
  ASSERT_EQ(model.opset_import_size(), 1);
  EXPECT_EQ(model.opset_import(0).version(), 17);
  EXPECT_EQ(model.producer_name(), "frugal");
  std::map<std::string, std::string> said;
  for (const onnx::Pair& pair : model.metadata_props()) said[pair.key()] = pair.value();
  EXPECT_EQ(said["model"], "smallnet");
  EXPECT_EQ(said["frugal_version"], "1.2");
  EXPECT_EQ(said["classes"], R"(["cat","dog \"x\""])");
  EXPECT_EQ(said["mean"], "[0.5,0.25,0.125]");
  EXPECT_EQ(said["std"], "[0.5,1.0,2.0]");
  EXPECT_EQ(said["input"], "(pixel / 255 - mean) / std");
}

TEST(OnnxExport, WhatItSaysReadsBack) {
  const OnnxExportOptions options{
      .classes = {"cat", "dog \"x\""}, .mean = {0.1f, 0.25f, 1.0f / 3}, .std = {0.5f, 1e-3f, 2}};
  const onnx::Model model = exported(make_model("smallnet", {32, 32, 3}, 2), options);
  std::map<std::string, std::string> said;
  for (const onnx::Pair& pair : model.metadata_props()) said[pair.key()] = pair.value();
  const OnnxExportOptions read = described_options(said);
  EXPECT_EQ(read.classes, options.classes);
  EXPECT_EQ(read.mean, options.mean);
  EXPECT_EQ(read.std, options.std);
}

TEST(OnnxExport, OthersMetadataSayNothing) {
  const auto is_empty = [](const std::map<std::string, std::string>& metadata) {
    const OnnxExportOptions read = described_options(metadata);
    return read.classes.empty() && read.mean.empty() && read.std.empty();
  };
  EXPECT_TRUE(is_empty({}));
  for (const char* list : {"", "cat", "{}", "[[]]", "[null]", "[1", "[1,\"a\"]", "[1e999]", "[1e300]", "7"}) {
    EXPECT_TRUE(is_empty({{"classes", list}, {"mean", list}, {"std", list}})) << list;
  }
  EXPECT_TRUE(is_empty({{"std", "[0.5, 0]"}}));
}

TEST(OnnxExport, TakesImagesOfAnyNumberAndYieldsLogits) {
  const onnx::Model model = exported(make_model("resnet20", {32, 24, 3}, 10), {});
  ASSERT_EQ(model.graph().input_size(), 1);
  ASSERT_EQ(model.graph().output_size(), 1);
  const auto extents = [](const onnx::ValueInfo& info) {
    std::vector<std::string> all;
    for (const onnx::Dimension& dim : info.type().tensor_type().shape().dim()) {
      all.push_back(dim.has_value() ? std::to_string(dim.value()) : dim.parameter());
    }
    return all;
  };
  EXPECT_EQ(model.graph().input(0).name(), "input");
  EXPECT_THAT(extents(model.graph().input(0)), ElementsAre("batch", "3", "32", "24"));
  EXPECT_EQ(model.graph().output(0).name(), "logits");
  EXPECT_THAT(extents(model.graph().output(0)), ElementsAre("batch", "10"));
}

TEST(OnnxExport, NormalisesWhereAsked) {
  const Graph graph = make_model("nin", {32, 32, 3}, 10);
  const OnnxExportOptions options{.normalise = true, .mean = {0.5f, 0.5f, 0.5f}, .std = {0.2f, 0.2f, 0.2f}};
  const onnx::Model model = exported(graph, options);
  EXPECT_EQ(model.graph().node(0).op_type(), "Sub");
  EXPECT_EQ(model.graph().node(1).op_type(), "Div");
  EXPECT_EQ(model.metadata_props(model.metadata_props_size() - 1).value(), "pixel / 255");
  EXPECT_THROW(export_onnx(graph, random_parameters(graph), {.normalise = true}), Error);
}

TEST(OnnxExport, HasNoDropout) {
  const onnx::Model model = exported(make_model("smallnet", {32, 32, 3}, 10), {});
  for (const onnx::Node& node : model.graph().node()) {
    EXPECT_NE(node.op_type(), "Dropout");
  }
}

void write(const std::filesystem::path& folder, const std::string& name, const Graph& graph) {
  constexpr int64_t images = 8;
  const Parameters parameters = random_parameters(graph);
  const std::vector<float> pixels = random_images(graph.input, images);
  const std::vector<float> ours = logits(graph, parameters, pixels);
  const auto put_floats = [&](const std::string& ending, const std::vector<float>& values) {
    put(folder / (name + ending),
        std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)));
  };
  put_floats(".images", pixels);
  put_floats(".logits", ours);
  put(folder / (name + ".onnx"), export_onnx(graph, parameters, {}));
  put(folder / (name + ".folded.onnx"), export_onnx(graph, parameters, {.fold_batch_norm = true}));
}

TEST(OnnxExport, ForOtherRuntimes) {
  const char* folder = std::getenv("FRUGAL_ONNX_OUT");
  if (folder == nullptr) GTEST_SKIP() << "FRUGAL_ONNX_OUT names no folder to write to";
  write(folder, "everything", everything());
  const PoolGraphs pools = pool_graphs();
  for (const Graph& graph : pools.read_back) write(folder, graph.model, graph);
  for (const Graph& graph : pools.written) write(folder, graph.model, graph);
  for (const std::string& name : golden::names())
    write(folder, name, golden::build_graph(golden::load(name)));
}

}  // namespace
}  // namespace frugal
