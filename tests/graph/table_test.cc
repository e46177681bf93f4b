// The layer table's totals and shapes, for the network whose numbers everybody can check by hand.
#include "graph/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "graph/builder.h"
#include "graph/presets.h"

namespace frugal {
namespace {

using testing::HasSubstr;

TEST(LayerTable, SmallNetHas996376ParametersAnd11MillionMacs) {
  const Graph graph = make_model("smallnet", {32, 32, 3}, 100);
  const std::string table = layer_table(graph);
  EXPECT_THAT(table, HasSubstr("996,376 parameters, 11.2M MACs"));
  EXPECT_THAT(table, HasSubstr("conv 3x3, padding 1"));
  EXPECT_THAT(table, HasSubstr("32 x 32 x 32"));
  EXPECT_THAT(table, HasSubstr("860,580"));  // fc1: 2048 x 420 + 420
}

TEST(LayerTable, JsonHoldsTheSameNumbersAndItsRowsAddUp) {
  const auto json = nlohmann::json::parse(layer_table_json(make_model("smallnet", {32, 32, 3}, 100)));
  EXPECT_EQ(json["parameters"], 996376);
  EXPECT_EQ(json["macs"], 11224080);
  EXPECT_EQ(json["input"], nlohmann::json({3, 32, 32}));
  EXPECT_EQ(json["classes"], 100);
  int64_t parameters = 0, macs = 0, bytes = 0;
  for (const auto& layer : json["layers"]) {
    parameters += layer["parameters"].get<int64_t>();
    macs += layer["macs"].get<int64_t>();
    bytes += layer["activation_bytes"].get<int64_t>();
  }
  EXPECT_EQ(parameters, 996376);
  EXPECT_EQ(macs, 11224080);
  EXPECT_EQ(bytes, json["activation_bytes"].get<int64_t>());
}

TEST(LayerTable, TellsWhatIsTrainableFromWhatIsNot) {
  GraphBuilder net("test", {2, 2, 3});
  const Value x = net.conv2d("stem", net.input(), 5, {.kernel = 2, .trainable = false});
  const Graph graph = net.finish(net.linear("head", x, 7));
  const auto json = nlohmann::json::parse(layer_table_json(graph));
  EXPECT_EQ(json["parameters"], 60 + 5 + 42);
  EXPECT_EQ(json["trainable_parameters"], 5 + 42);
  EXPECT_EQ(json["layers"][1]["parameters"], 65);
  EXPECT_EQ(parameters_text(graph), "107 parameters (47 of them trainable)");
  EXPECT_NE(layer_table(graph).find("test: 107 parameters (47 of them trainable), 95 MACs"),
            std::string::npos);
  EXPECT_EQ(parameters_text(make_model("smallnet", {32, 32, 3}, 100)), "996,376 parameters");
}

TEST(LayerTable, NamesTheLargestLayers) {
  const auto largest = largest_layers(make_model("smallnet", {32, 32, 3}, 100), 3);
  ASSERT_EQ(largest.size(), 3u);
  EXPECT_EQ(largest[0].name, "fc1");
  EXPECT_EQ(largest[1].name, "conv3");
  EXPECT_EQ(largest[2].name, "fc2");
}

TEST(LayerTable, ShortCounts) {
  EXPECT_EQ(short_count(0), "0");
  EXPECT_EQ(short_count(999), "999");
  EXPECT_EQ(short_count(1000), "1.00k");
  EXPECT_EQ(short_count(11224080), "11.2M");
  EXPECT_EQ(short_count(996376), "996k");
  EXPECT_EQ(short_count(999999), "1.00M");
}

}  // namespace
}  // namespace frugal
