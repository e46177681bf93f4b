// The presets: published parameter counts, options, what the initialisers are, and errors for people.
#include "graph/presets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "graph/presets/preset.h"

namespace frugal {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Shape cifar{32, 32, 3};

std::string message_of(const std::string& spec, Shape input = cifar, int64_t classes = 100) {
  try {
    make_model(spec, input, classes);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    return error.what();
  }
  return "no error";
}

const ParameterSpec& parameter(const Graph& graph, const std::string& name) {
  const auto found =
      std::ranges::find_if(graph.parameters, [&](const ParameterSpec& p) { return p.name == name; });
  if (found == graph.parameters.end()) throw Error(graph.model + " has no " + name);
  return *found;
}

std::vector<Node> nodes_of(const Graph& graph, OpKind kind) {
  std::vector<Node> nodes;
  std::ranges::copy_if(graph.nodes, std::back_inserter(nodes),
                       [&](const Node& node) { return node.kind == kind; });
  return nodes;
}

/// The node that feeds input `i` of the first node of that name.
const Node& source(const Graph& graph, const std::string& name, size_t i = 0) {
  const auto found = std::ranges::find_if(graph.nodes, [&](const Node& node) { return node.name == name; });
  if (found == graph.nodes.end()) throw Error(graph.model + " has no " + name);
  return graph.nodes[static_cast<size_t>(found->inputs.at(i))];
}

TEST(Presets, HaveThePublishedNumberOfParameters) {
  const auto count = [](const std::string& spec, int64_t classes) {
    return make_model(spec, cifar, classes).parameter_count();
  };
  EXPECT_EQ(count("smallnet", 100), 996'376);
  EXPECT_EQ(count("resnet20", 10), 269'722);
  EXPECT_EQ(count("resnet56:shortcut=B", 100), 861'620);
  EXPECT_EQ(count("resnet56", 100), 858'868);
  EXPECT_EQ(count("wrn-16-2", 100), 703'284);
  EXPECT_EQ(count("densenet-bc-100-12", 100), 800'032);
  EXPECT_EQ(count("resnet18", 1000), 11'689'512);
  EXPECT_EQ(count("resnet18", 100), 11'227'812);
  EXPECT_EQ(count("squeezenet1_1", 1000), 1'235'496);
  EXPECT_EQ(count("mobilenetv2", 1000), 3'504'872);
}

TEST(Presets, AllHaveExamplesThatBuild) {
  const std::vector<std::string> names = model_names(), examples = model_examples();
  ASSERT_EQ(names.size(), examples.size());
  for (const std::string& example : examples) {
    for (const Shape& input : {cifar, Shape{64, 48, 1}}) {
      const Graph graph = make_model(example, input, 7);
      EXPECT_EQ(graph.model, example);
      EXPECT_EQ(graph.classes, 7);
      EXPECT_EQ(graph.input, input);
    }
    EXPECT_LT(make_model(example + ":width=0.5", cifar, 10).macs(), make_model(example, cifar, 10).macs());
    EXPECT_NO_THROW(require_model(example + ":whatever=1"));
  }
}

TEST(Presets, RoundWidthsToMultiplesOfEight) {
  EXPECT_EQ(scaled(12, 1), 12);
  EXPECT_EQ(scaled(64, 0.5), 32);
  EXPECT_EQ(scaled(16, 1.3), 24);   // 20.8, and 20 rounds up
  EXPECT_EQ(scaled(24, 0.75), 24);  // 18: 16 would be more than a tenth below
  EXPECT_EQ(scaled(16, 0.01), 8);
  EXPECT_EQ(scaled(12, 1.5, 4), 20);  // 18 lies between 16 and 20
  EXPECT_EQ(scaled(0, 2), 0) << "refused where it is used";
  EXPECT_EQ(scaled(-5, 2), -5);
  EXPECT_EQ(scaled(int64_t{9'000'000'000'000'000'000}, 2), int64_t{1} << 62);
  EXPECT_THROW(make_model("smallnet:dense-width=-5,width=2", cifar, 10), Error);
  const Graph graph = make_model("resnet20:width=1.5", cifar, 10);
  EXPECT_THAT(parameter(graph, "layer3.2.conv2.weight").shape, ElementsAre(96, 96, 3, 3));
  EXPECT_THAT(parameter(graph, "conv1.weight").shape, ElementsAre(24, 3, 3, 3));
}

TEST(Presets, StrideAlsoWhereRoundedWidthsDoNotGrow) {
  // Eight channels in every stage: the shortcut must still leave out positions.
  for (const char* spec : {"resnet20:width=0.05", "wrn-16-1:width=0.05", "resnet164:width=0.05",
                           "resnet18:width=0.01", "resnet20:width=0.05,shortcut=B"}) {
    EXPECT_EQ(make_model(spec, cifar, 10).classes, 10) << spec;
  }
}

TEST(CifarResNet, PadsItsShortcutsOnBothSides) {
  const std::vector<Node> pads = nodes_of(make_model("resnet20", cifar, 10), OpKind::pad_channels);
  ASSERT_EQ(pads.size(), 2u);
  EXPECT_EQ(pads[0].channels_before, 8);
  EXPECT_EQ(pads[0].stride, Extent(2));
  EXPECT_EQ(pads[0].out, (Shape{16, 16, 32}));
  EXPECT_EQ(pads[1].channels_before, 16);
  EXPECT_EQ(parameter(make_model("resnet20:shortcut=B", cifar, 10), "layer2.0.shortcut.0.weight").shape,
            (std::vector<int64_t>{32, 16, 1, 1}));
}

TEST(CifarResNet, StartsLastNormsAtZeroOnRequest) {
  const Graph plain = make_model("resnet20", cifar, 10),
              zero = make_model("resnet20:zero-init=true", cifar, 10);
  EXPECT_EQ(parameter(plain, "layer1.0.bn2.weight").init, Init::ones);
  EXPECT_EQ(parameter(zero, "layer1.0.bn2.weight").init, Init::zeros);
  EXPECT_EQ(parameter(zero, "layer1.0.bn1.weight").init, Init::ones);
  EXPECT_EQ(parameter(make_model("resnet50:zero-init=true", cifar, 10), "layer1.0.bn3.weight").init,
            Init::zeros);
}

TEST(Presets, StartAsTheirReferencesDo) {
  const auto init = [](const std::string& spec, const std::string& name) {
    return parameter(make_model(spec, cifar, 10), name).init;
  };
  EXPECT_EQ(init("resnet20", "layer1.0.conv1.weight"), Init::kaiming_normal);
  EXPECT_EQ(init("resnet20", "linear.weight"), Init::kaiming_normal);
  EXPECT_EQ(init("resnet20", "linear.bias"), Init::uniform_fan_in);
  EXPECT_EQ(init("resnet18", "conv1.weight"), Init::kaiming_normal_fan_out);
  EXPECT_EQ(init("resnet18", "fc.weight"), Init::uniform_fan_in);
  EXPECT_EQ(init("wrn-16-2", "fc.bias"), Init::zeros);
  EXPECT_EQ(init("squeezenet1_1", "features.3.squeeze.weight"), Init::kaiming_uniform);
  EXPECT_EQ(init("squeezenet1_1", "features.3.squeeze.bias"), Init::zeros);
  EXPECT_EQ(init("convmixer-256-8", "stem.0.weight"), Init::uniform_fan_in);
  const Graph mobilenet = make_model("mobilenetv2", cifar, 10);
  EXPECT_EQ(parameter(mobilenet, "classifier.1.weight").init, Init::normal);
  EXPECT_EQ(parameter(mobilenet, "classifier.1.weight").value, 0.01f);
  EXPECT_EQ(parameter(mobilenet, "classifier.1.bias").init, Init::zeros);
  EXPECT_EQ(parameter(make_model("nin", cifar, 10), "cccp6.weight").value, 0.05f);
}

TEST(Presets, TakeAnInitialiserByName) {
  const Graph graph = make_model("mobilenetv2:init=orthogonal", cifar, 10);
  for (const Node& node : graph.nodes) {
    if (node.kind != OpKind::conv2d && node.kind != OpKind::linear) continue;
    const ParameterSpec& weight = graph.parameters[static_cast<size_t>(node.parameters[0])];
    EXPECT_EQ(weight.init, Init::orthogonal) << weight.name;
    EXPECT_EQ(weight.value, 0) << weight.name;
  }
  EXPECT_EQ(parameter(graph, "classifier.1.bias").init, Init::zeros);
  const Graph normal = make_model("resnet20:init=normal", cifar, 10);
  EXPECT_EQ(parameter(normal, "conv1.weight").value, 0.01f);
  EXPECT_EQ(parameter(normal, "bn1.weight").init, Init::ones);
  const Graph dirac = make_model("resnet20:init=dirac", cifar, 10);
  EXPECT_EQ(parameter(dirac, "conv1.weight").init, Init::dirac);
  EXPECT_EQ(parameter(dirac, "linear.weight").init, Init::kaiming_normal);
  const Graph depthwise = make_model("convmixer-256-8:init=dirac", cifar, 10);
  EXPECT_EQ(parameter(depthwise, "blocks.0.0.fn.0.weight").init, Init::uniform_fan_in);
  EXPECT_EQ(parameter(depthwise, "blocks.0.1.weight").init, Init::dirac);
  const Graph head = make_model("smallnet:init=orthogonal,head=50|100", cifar, 100);
  for (const char* name : {"fc2.0.weight", "fc2.2.weight"}) {
    EXPECT_EQ(parameter(head, name).init, Init::orthogonal) << name;
  }
  EXPECT_EQ(parameter(make_model("airbench94:init=default", cifar, 10), "whiten.weight").init,
            Init::whitening);
}

TEST(Airbench, FreezesItsWhiteningAndNorms) {
  const Graph graph = make_model("airbench94", cifar, 10);
  EXPECT_EQ(parameter(graph, "whiten.weight").init, Init::whitening);
  EXPECT_FALSE(parameter(graph, "whiten.weight").trainable);
  EXPECT_THAT(parameter(graph, "whiten.weight").shape, ElementsAre(24, 3, 2, 2));
  EXPECT_TRUE(parameter(graph, "whiten.bias").trainable);
  EXPECT_EQ(parameter(graph, "whiten.bias").init, Init::zeros);
  EXPECT_EQ(parameter(graph, "layers.1.conv1.weight").init, Init::dirac);
  for (const Node& norm : nodes_of(graph, OpKind::batch_norm)) {
    EXPECT_EQ(norm.eps, 1e-12f);
    EXPECT_EQ(norm.momentum, 0.4f);
    EXPECT_FALSE(parameter(graph, norm.name + ".weight").trainable);
    EXPECT_TRUE(parameter(graph, norm.name + ".bias").trainable);
  }
  EXPECT_EQ(graph.nodes.back().kind, OpKind::linear);
  EXPECT_EQ(nodes_of(graph, OpKind::scale).at(0).factor, 1.0f / 9);
  EXPECT_EQ(nodes_of(graph, OpKind::add).size(), 0u);
  const Graph bigger = make_model("airbench96", cifar, 10);
  ASSERT_EQ(nodes_of(bigger, OpKind::add).size(), 3u);
  EXPECT_EQ(source(bigger, "layers.2.conv1").kind, OpKind::activation);
  EXPECT_EQ(nodes_of(bigger, OpKind::batch_norm)[0].momentum, 0.1f);
}

TEST(PreActivation, SharesTheFirstNormAndReluWithProjectionsAlone) {
  const Graph wide = make_model("wrn-16-2", cifar, 10), deep = make_model("resnet164", cifar, 10);
  EXPECT_TRUE(source(wide, "block2.layer.0.convShortcut").is_relu());
  EXPECT_TRUE(source(deep, "layer1.0.downsample.0").is_relu());
  for (const Graph& graph : {wide, deep}) {
    int identities = 0;
    for (const Node& add : nodes_of(graph, OpKind::add)) {
      EXPECT_EQ(graph.nodes[static_cast<size_t>(add.inputs[0])].kind, OpKind::conv2d);
      identities += graph.nodes[static_cast<size_t>(add.inputs[1])].kind == OpKind::add ? 1 : 0;
    }
    EXPECT_EQ(identities, static_cast<int>(nodes_of(graph, OpKind::add).size()) - 3);
  }
}

TEST(CifarResNet, AppliesReluBehindTheSum) {
  const Graph graph = make_model("resnet20", cifar, 10);
  EXPECT_TRUE(source(graph, "layer1.1.conv1").is_relu());
  for (const Node& add : nodes_of(graph, OpKind::add)) {
    EXPECT_EQ(graph.nodes[static_cast<size_t>(add.inputs[0])].kind, OpKind::batch_norm);
  }
}

TEST(MobileNetV2, AddsWhereShapesStay) {
  const Graph graph = make_model("mobilenetv2", {224, 224, 3}, 10);
  EXPECT_EQ(nodes_of(graph, OpKind::add).size(), 10u);  // 17 blocks, 7 of which begin a row of the table
  EXPECT_EQ(source(graph, "features.2.conv.0.0").kind, OpKind::batch_norm);  // linear bottleneck
}

TEST(DenseNet, PutsNewChannelsBehindTheOld) {
  const Graph graph = make_model("densenet-bc-40-12", cifar, 10);
  const std::vector<Node> concats = nodes_of(graph, OpKind::concat);
  ASSERT_EQ(concats.size(), 18u);
  for (const Node& concat : concats) {
    EXPECT_EQ(graph.nodes[static_cast<size_t>(concat.inputs[1])].out.c, 12);
  }
  EXPECT_EQ(source(graph, "features.transition1.norm").kind, OpKind::concat);
}

TEST(SeResNet, GatesTheBranchBeforeTheSum) {
  const Graph graph = make_model("se-resnet56", cifar, 10);
  const std::vector<Node> adds = nodes_of(graph, OpKind::add);
  ASSERT_EQ(adds.size(), 27u);
  for (const Node& add : adds) {
    EXPECT_EQ(graph.nodes[static_cast<size_t>(add.inputs[0])].kind, OpKind::gate);
  }
}

TEST(SqueezeNet, PoolsRoundUp) {
  for (const Node& pool : nodes_of(make_model("squeezenet1_1", cifar, 10), OpKind::max_pool)) {
    EXPECT_TRUE(pool.ceil_mode);
  }
  EXPECT_EQ(make_model("squeezenet1_1", {17, 17, 3}, 10).classes, 10);
  EXPECT_THAT(message_of("squeezenet1_1", {16, 17, 3}),
              HasSubstr("max_pool (behind features.7.expand1x1): a window of 3 does not fit into 1 pixels"));
}

TEST(Presets, TakeDropoutFromTheSpec) {
  const auto rates = [](const std::string& spec) {
    std::vector<float> values;
    for (const Node& node : nodes_of(make_model(spec, cifar, 10), OpKind::dropout))
      values.push_back(node.rate);
    return values;
  };
  EXPECT_THAT(rates("wrn-16-2"), ElementsAre());
  EXPECT_THAT(rates("wrn-16-2:dropout=0.3"), testing::AllOf(testing::SizeIs(6), Each(0.3f)));
  EXPECT_THAT(rates("densenet-bc-22-12:dropout=0.25"), testing::AllOf(testing::SizeIs(9), Each(0.25f)));
  EXPECT_THAT(rates("mobilenetv2"), ElementsAre(0.2f));
  EXPECT_THAT(rates("squeezenet1_1:dropout=0.1"), ElementsAre(0.1f));
  EXPECT_THAT(rates("nin"), ElementsAre(0.5f, 0.5f));
  EXPECT_THAT(rates("smallnet:convs=2"), ElementsAre(0.1f, 0.1f, 0.2f));
  EXPECT_THAT(rates("baseline"), ElementsAre());
}

TEST(SmallNet, HasItsAuthorsVariants) {
  const Graph graph = make_model("smallnet:convs=2,batch-norm=off,dense-width=200", cifar, 100);
  EXPECT_THAT(nodes_of(graph, OpKind::batch_norm), testing::IsEmpty());
  EXPECT_THAT(parameter(graph, "fc1.weight").shape, ElementsAre(200, 64 * 8 * 8));
  EXPECT_EQ(graph.parameter_count(), make_model("baseline", cifar, 100).parameter_count());
  EXPECT_EQ(make_model("smallnet:width=0.5", cifar, 100).parameter_count(),
            448 + 32 + 4640 + 64 + 18496 + 128 + (1024 + 1) * 208 + (208 + 1) * 100);
}

TEST(Presets, SayWhatIsWrongWithASpec) {
  EXPECT_THAT(message_of("wnr-16-2"),
              HasSubstr("no model 'wnr-16-2'; did you mean wrn-16-2? Known: smallnet"));
  EXPECT_THAT(message_of("resnet-20"), HasSubstr("did you mean resnet20?"));
  EXPECT_THAT(message_of("alexnet"), HasSubstr("no model 'alexnet'"));
  EXPECT_THAT(message_of("wrn-16"), HasSubstr("wrn-D-K"));
  EXPECT_THAT(message_of("wrn-16-x"), HasSubstr("no model 'wrn-16-x'"));
  EXPECT_THAT(message_of("wrn-16-"), HasSubstr("no model 'wrn-16-'"));
  EXPECT_THAT(message_of("wrn-99999999999999999999-2"), HasSubstr("no model"));
  EXPECT_THAT(message_of("wrn-D-K"), HasSubstr("capitals of wrn-D-K stand for numbers, as in wrn-16-2"));
  EXPECT_THAT(message_of("wrn-17-2"), HasSubstr("6n + 4, at most 1300, not 17; try 16"));
  EXPECT_THAT(message_of("wrn-999999999-2"), HasSubstr("not 999999999; try 1300"));
  EXPECT_THAT(message_of("wrn-0-2"), HasSubstr("not 0; try 10"));
  EXPECT_THAT(message_of("wrn-16-0"), HasSubstr("widening factor"));
  EXPECT_THAT(message_of("wrn-16-10000:width=100"), HasSubstr("is beyond any machine"));
  EXPECT_THAT(message_of("densenet-bc-100-0"), HasSubstr("growth"));
  EXPECT_THAT(message_of("densenet-bc-100-12:reduction=0"), HasSubstr("reduction"));
  EXPECT_THAT(message_of("convmixer-256-8:kernel=4"), HasSubstr("odd"));
  EXPECT_THAT(message_of("convmixer-256-8:patch=0"), HasSubstr("patch: it must be in 1 to 1000"));
  EXPECT_THAT(message_of("convmixer-0-8"), HasSubstr("outputs; there must be"));
  EXPECT_THAT(message_of("convmixer-256-0"), HasSubstr("the depth must be"));
  EXPECT_THAT(message_of("resnet20:shortcut=C"), HasSubstr("resnet20:shortcut: 'C' is none of A, B"));
  EXPECT_THAT(message_of("resnet18:stem=big"), HasSubstr("none of imagenet, cifar"));
  EXPECT_THAT(message_of("resnet18:width=0"), HasSubstr("width: it must be above 0"));
  EXPECT_THAT(message_of("resnet18:width=1e300"), HasSubstr("at most 100"));
  EXPECT_THAT(message_of("resnet18:init=whitening"), HasSubstr("none of default, kaiming_normal"));
  EXPECT_THAT(message_of("resnet18:depth=20"),
              HasSubstr("unknown option 'depth'; it has stem, zero-init, width, init"));
  EXPECT_THAT(message_of("smallnet:convs=4"), HasSubstr("none of 3, 2"));
  EXPECT_THAT(message_of("mobilenetv2:dropout=1"), HasSubstr("dropout rate"));
  EXPECT_THAT(message_of("vgg16", {16, 16, 3}), HasSubstr("use larger images"));
  EXPECT_THAT(message_of("nin", cifar, 0), HasSubstr("at least one class"));
}

}  // namespace
}  // namespace frugal
