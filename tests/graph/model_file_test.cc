// Model files: the documentation's examples, parameters, repeats, blocks, names; and errors that say where
// and what.
#include "graph/model_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/philox.h"
#include "graph/presets.h"
#include "same_graph.h"

namespace frugal {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr Shape cifar{32, 32, 3};

Graph parse(const std::string& text, const std::string& options = "", int64_t classes = 10) {
  return parse_model(text, "net.toml" + (options.empty() ? "" : ":" + options), cifar, classes);
}

std::string error_of(const std::string& text, const std::string& options = "") {
  try {
    parse(text, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage) << error.what();
    return error.what();
  }
  return "no error";
}

/// The layers between a first convolution and a head.
std::string with(const std::string& layers, const std::string& before = "") {
  return before + "layer = [\n  { op = \"conv2d\", name = \"first\", out = 16, kernel = 3, padding = 1 },\n" +
         layers +
         "\n  { op = \"adaptive_avg_pool\" },\n  { op = \"linear\", name = \"head\", out = \"classes\" "
         "},\n]\n";
}

std::vector<std::string> names_of(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) names.push_back(node.name);
  return names;
}

std::vector<std::string> documented_examples() {
  const std::string text = read_text_file(std::string(FRUGAL_SOURCE_DIR) + "/docs/model-files.md");
  const std::string begin = "```toml\n", end = "```\n";
  std::vector<std::string> examples;
  for (size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at)) {
    at += begin.size();
    examples.push_back(text.substr(at, text.find(end, at) - at));
  }
  return examples;
}

TEST(ModelFile, TheDocumentationsExamplesAreRight) {
  const std::vector<std::string> examples = documented_examples();
  ASSERT_EQ(examples.size(), 3u);
  EXPECT_EQ(names_of(parse(examples[0])),
            (std::vector<std::string>{"input", "conv2d1", "batch_norm1", "relu", "max_pool", "conv2d2",
                                      "batch_norm2", "relu", "adaptive_avg_pool", "linear1"}));
  const Graph repeated = parse(examples[1], "width=8,act=silu");
  EXPECT_EQ(repeated.nodes[9].name, "conv3");
  EXPECT_EQ(repeated.nodes[9].out, (Shape{8, 8, 24}));
  EXPECT_EQ(repeated.nodes[11].activation, Activation::silu);
  expect_same_graph(parse(examples[2]), make_model("resnet20", cifar, 10));
  expect_same_graph(parse(examples[2], "n=9", 100), make_model("resnet56", cifar, 100));
  expect_same_graph(parse(examples[2], "width=32"), make_model("resnet20:width=2", cifar, 10));
}

TEST(ModelFile, BothSpellingsOfAListMeanTheSame) {
  const Graph tables = parse(R"(
name = "tables"
[parameters]
width = 16
[[layer]]
op = "repeat"
times = 2
[[layer.layer]]
op = "conv2d"
name = "c{i}"
out = "$width"
kernel = [3, 1]
[[layer]]
op = "adaptive_avg_pool"
[[layer]]
op = "linear"
out = "classes"
)");
  const Graph list = parse(R"(
layer = [
  { op = "conv2d", name = "c0", out = 16, kernel = [3, 1] },
  { op = "conv2d", name = "c1", out = 16, kernel = [3, 1] },
  { op = "adaptive_avg_pool" },
  { op = "linear", name = "linear1", out = 10 },
])");
  expect_same_graph(tables, list);
  EXPECT_EQ(tables.nodes[1].kernel, Extent(3, 1));
}

TEST(ModelFile, ValuesHaveNames) {
  const Graph graph = parse(with(R"(
  { op = "relu", as = "x" },
  { op = "conv2d", name = "a", out = 16, kernel = 1 },
  { op = "add", from = ["before", "x"], as = "x" },
  { op = "conv2d", name = "b", out = 16, kernel = 1, from = "first" },
  { op = "concat", from = ["x", "b", "input", "first"] },)"));
  EXPECT_EQ(graph.nodes[4].inputs, (std::vector<int>{3, 2}));
  EXPECT_EQ(graph.nodes[5].inputs, (std::vector<int>{1}));
  EXPECT_EQ(graph.nodes[6].inputs, (std::vector<int>{4, 5, 0, 1})) << "x is the sum by now";
  EXPECT_EQ(graph.nodes[6].out.c, 16 + 16 + 3 + 16);
}

TEST(ModelFile, BlocksKeepTheirNamesToThemselves) {
  const std::string block = R"(
[block.twice]
parameters = { out = 8, act = "relu", bias = true }
layer = [
  { op = "conv2d", name = "x", out = "$out", kernel = 1, bias = "$bias" },
  { op = "$act", as = "y" },
  { op = "conv2d", out = "$out", kernel = 1, from = "x" },
  { op = "add", from = ["conv2d1", "y"] },
]
)";
  const Graph graph = parse(with(R"(
  { op = "twice", name = "b.{classes}", out = "2*8" },
  { op = "twice", act = "tanh", bias = false, from = "first" },
  { op = "twice", as = "z" },
  { op = "concat", from = ["b.10", "z"] },)") +
                            block);
  EXPECT_THAT(error_of(with("  { op = \"twice\" },\n  { op = \"relu\", from = \"y\" },") + block),
              HasSubstr("relu1: from names 'y', which is nothing before"));
  EXPECT_EQ(names_of(graph),
            (std::vector<std::string>{"input", "first", "b.10.x", "relu", "b.10.conv2d1", "add", "twice1.x",
                                      "tanh", "twice1.conv2d1", "add", "twice2.x", "relu", "twice2.conv2d1",
                                      "add", "concat", "adaptive_avg_pool", "head"}));
  EXPECT_EQ(graph.nodes[2].out.c, 16);
  EXPECT_EQ(graph.nodes[6].out.c, 8);
  EXPECT_FALSE(graph.nodes[6].bias);
  EXPECT_EQ(graph.nodes[14].inputs, (std::vector<int>{5, 13}));
}

TEST(ModelFile, ParametersAreReplacedInTheirType) {
  const std::string text = with(R"(
  { op = "conv2d", name = "c", out = "$width", kernel = 1, bias = "$bias" },
  { op = "$act" },
  { op = "dropout", rate = "$rate/2" },)",
                                "parameters = { width = 8, bias = true, act = \"relu\", rate = 0.5 }\n");
  Graph graph = parse(text);
  EXPECT_EQ(graph.nodes[4].rate, 0.25f);
  graph = parse(text, "width=24,bias=no,act=gelu,rate=0");
  EXPECT_EQ(graph.nodes[2].out.c, 24);
  EXPECT_FALSE(graph.nodes[2].bias);
  EXPECT_EQ(graph.nodes[3].activation, Activation::gelu);
  EXPECT_EQ(graph.nodes[4].kind, OpKind::adaptive_avg_pool);
  EXPECT_EQ(graph.model, "net.toml:width=24,bias=no,act=gelu,rate=0");
  EXPECT_THAT(error_of(text, "widht=3"), EndsWith("net.toml has no parameter 'widht'; did you mean width?"));
  EXPECT_THAT(error_of(text, "depth=3"), HasSubstr("it has act, bias, rate, width"));
  EXPECT_THAT(error_of(text, "width=wide"), HasSubstr("net.toml:width: 'wide' is not a number"));
  EXPECT_THAT(error_of(text, "bias=3"), HasSubstr("'3' is neither true nor false"));
  EXPECT_THAT(error_of(text, "7"), HasSubstr("write parameter=value"));
  EXPECT_THAT(error_of(text, "act=relux"), HasSubstr("there is no operation 'relux'; did you mean relu?"));
  EXPECT_THAT(error_of(text, "width=2.5"), HasSubstr("net.toml:5: c: out must be a whole number, not 2.5"));
}

TEST(ModelFile, ArithmeticIsArithmetic) {
  const auto width = [](const std::string& expression) {
    return parse(with("  { op = \"conv2d\", out = \"" + expression + "\", kernel = 1 },",
                      "parameters = { n = 6, s = \"x\" }\n"))
        .nodes[2]
        .out.c;
  };
  EXPECT_EQ(width("1 + 2*3"), 7);
  EXPECT_EQ(width("(1+2)*3"), 9);
  EXPECT_EQ(width("20 - 6 - 4"), 10);
  EXPECT_EQ(width("20/5/2"), 2);
  EXPECT_EQ(width("-2*-n"), 12);
  EXPECT_EQ(width("$n / 4 * 8"), 12);
  EXPECT_EQ(width("1e1"), 10);
  const auto error = [](const std::string& expression) {
    return error_of(with("  { op = \"conv2d\", name = \"c\", out = \"" + expression + "\", kernel = 1 },",
                         "parameters = { n = 6, s = \"x\" }\n"));
  };
  EXPECT_THAT(error("n/4"), HasSubstr(":4: c: out must be a whole number, not 1.5"));
  EXPECT_THAT(error("n/(n-6)"), HasSubstr("divides by zero"));
  EXPECT_THAT(error("2*(3"), HasSubstr("parenthesis"));
  EXPECT_THAT(error("2*"), HasSubstr("missing"));
  EXPECT_THAT(error("2 3"), HasSubstr("does not go on"));
  EXPECT_THAT(error("$m"), HasSubstr("no parameter 'm'"));
  EXPECT_THAT(error("s"), HasSubstr("s is not a number"));
  EXPECT_THAT(error("1e300*1e300"), HasSubstr("not finite"));
  EXPECT_THAT(error("0"), HasSubstr("must be in 1 to 16777216, not 0"));
  EXPECT_THAT(error(std::string(150, '(')), HasSubstr("missing"));
  EXPECT_THAT(error(std::string(300, '(')), HasSubstr("too long"));
}

TEST(ModelFile, ErrorsNameLineAndLayer) {
  EXPECT_EQ(error_of(with("  { op = \"conv2d\", name = \"conv3\", in = 64, out = 8, kernel = 3 },")),
            "net.toml:3: conv3: expects 64 channels, got 16");
  EXPECT_EQ(error_of(with("  { op = \"conv2d\", name = \"c\", out = 8, kernal = 3 },")),
            "net.toml:3: c: conv2d has no key 'kernal'; did you mean kernel?");
  EXPECT_EQ(error_of(with("  { op = \"conv\", name = \"c\" },")),
            "net.toml:3: c: there is no operation 'conv'; did you mean conv2d?");
  EXPECT_EQ(error_of(with("  { op = \"\\u001b[31m\" },")).find('\x1b'), std::string::npos);
  EXPECT_THAT(error_of("layer = [ { op = \"dropout\", rate = 0 } ]\n"),
              HasSubstr("make nothing of the image"));
  EXPECT_THAT(
      error_of(with("  { op = \"relu\" },") + "[block.\"\\u001b[31m\"]\nlayer = [ { op = \"relu\" } ]\n"),
      HasSubstr("a block's name has letters"));
  EXPECT_THAT(error_of("name = 3\n" + with("")), HasSubstr("name must be a text"));
  EXPECT_THAT(error_of(with("  { op = \"conv2d\", name = \"c\", out = 4, kernel = 3, init = \"normal\" },")),
              HasSubstr("c: init_value is missing: the deviation of init = \"normal\""));
  EXPECT_THAT(error_of(with("  { op = \"conv2d\", name = \"c\", out = 4, kernel = 3, init = \"normal\", "
                            "init_value = -1 },")),
              HasSubstr("c: init_value must be positive"));
  EXPECT_THAT(
      error_of(with("  { op = \"conv2d\", name = \"c\", out = 4, kernel = 3, init = \"constant\" },")),
      HasSubstr("c: init_value is missing: the value"));
  EXPECT_THAT(
      error_of(with("  { op = \"conv2d\", name = \"c\", out = 4, kernel = 3, bias_init = \"normal\" },")),
      HasSubstr("c: bias_init must be default, zeros or ones"));
  EXPECT_THAT(
      error_of(with("  { op = \"conv2d\", name = \"c\", out = 4, kernel = 3, init = \"whitening\" },")),
      HasSubstr("c: whitening is for a convolution without groups of the images"));
  EXPECT_THAT(
      error_of(with("  { op = \"flatten\" }, { op = \"linear\", name = \"c\", out = 4, init = \"dirac\" },")),
      HasSubstr("c: init dirac is for convolutions"));
  EXPECT_THAT(
      error_of(with("  { op = \"conv2d\", name = \"c\", out = 4, kernel = 3, init = \"kaiming_normal\", "
                    "init_value = 0.02 },")),
      HasSubstr("c: init_value is for init = \"normal\" and \"constant\", not for kaiming_normal"));
  EXPECT_THAT(error_of(with("  { op = \"instance_norm\", name = \"c\", init = \"zeros\" },")),
              HasSubstr("c: init is for a weight: affine = true makes one"));
  EXPECT_THAT(error_of(with("  { op = \"conv2d\", name = \"c\", out = 33, kernel = 2, init = \"whitening\", "
                            "from = \"input\" },")),
              HasSubstr("c: whitening makes filters and their negatives: an even number up to 24, not 33"));
  EXPECT_THAT(error_of(with("  { op = \"flatten\" }, { op = \"linear\", name = \"c\", out = 16384, init = "
                            "\"orthogonal\" },")),
              HasSubstr("net.toml:3: c.weight: orthogonal would take too long for 16384 x 16384 numbers"));
  EXPECT_THAT(error_of(with("  { op = \"max_pool\", name = \"p\", kernel = 99 },")),
              HasSubstr("net.toml:3: p: max_pool (behind first): a window of 99 does not fit"));
  EXPECT_THAT(error_of(with("  { op = \"fourier\", name = \"c\" },")),
              HasSubstr("net.toml:3: c: there is no operation 'fourier'"));
  EXPECT_THAT(error_of(with("  { op = \"fourier\" },")), HasSubstr("there are conv2d, linear, batch_norm"));
  EXPECT_EQ(error_of(with("  { op = \"conv2d\", name = \"c\", out = 8 },")),
            "net.toml:3: c: kernel is missing");
  EXPECT_EQ(error_of(with("  { name = \"c\" },")),
            "net.toml:3: op is missing: which operation is this layer?");
  EXPECT_EQ(error_of(with("  { op = \"conv2d\", name = \"c\", out = 9, kernel = 1, groups = 4 },")),
            "net.toml:3: c: 4 groups do not divide 16 inputs and 9 outputs");
  EXPECT_EQ(error_of(with("  { op = \"conv2d\", name = \"c\", out = 9, kernel = 40 },")),
            "net.toml:3: c: a window of 40 does not fit into 32 pixels; use larger images or another model");
  EXPECT_EQ(error_of(with("  { op = \"conv2d\", name = \"first\", out = 9, kernel = 1 },")),
            "net.toml:3: first: there is a layer of that name already");
  EXPECT_EQ(error_of(with("  { op = \"relu\", from = \"frist\" },")),
            "net.toml:3: relu1: from names 'frist', which is nothing before this layer; did you mean first?");
  EXPECT_EQ(
      error_of(with("  { op = \"relu\", from = \"head\" },")),
      "net.toml:3: relu1: from names 'head', which comes only later: a layer reads what stands before it");
  EXPECT_THAT(error_of(with("  { op = \"relu\", name = \"r\", from = \"r\" },")),
              HasSubstr("comes only later"));
  EXPECT_THAT(error_of(with("  { op = \"add\" },")), HasSubstr("add1: add has 2 inputs; name them"));
  EXPECT_THAT(error_of(with("  { op = \"add\", from = [\"first\", \"input\"] },")),
              HasSubstr("net.toml:3: add1: add: cannot add 3 x 32 x 32 to 16 x 32 x 32"));
  EXPECT_THAT(error_of(with("  { op = \"relu\", from = [\"first\", \"input\"] },")),
              HasSubstr("relu has one input"));
  EXPECT_THAT(error_of(with("  { op = \"conv2d\", name = \"c\", out = 9, kernel = [3, 3, 3] },")),
              HasSubstr("[height, width]"));
  EXPECT_THAT(error_of(with("  { op = \"conv2d\", name = \"c\", out = true, kernel = 3 },")),
              HasSubstr("c: out must be a number"));
  EXPECT_THAT(error_of(with("  { op = \"conv2d\", name = \"c\", out = 4, kernel = 3, bias = 1 },")),
              HasSubstr("c: bias must be true or false"));
  EXPECT_THAT(error_of(with("  { op = \"conv2d\", name = \"c\", out = 4, kernel = 3, init = \"kaiming\" },")),
              HasSubstr("c: init is no initialisation: 'kaiming'; there are"));
  EXPECT_THAT(error_of(with("  { op = \"conv2d\", name = 3, out = 4, kernel = 3 },")),
              HasSubstr("name must be a text"));
  EXPECT_THAT(error_of(with("  { op = \"conv2d\", name = \"a b\", out = 4, kernel = 3 },")),
              HasSubstr("must be of letters"));
  EXPECT_THAT(error_of(with("  { op = \"relu\", as = \"before\" },")), HasSubstr("meaning of its own"));
  EXPECT_THAT(error_of(with("  { op = \"dropout\", rate = 1 },")), HasSubstr("rate must be in [0, 1)"));
  EXPECT_THAT(error_of(with("  { op = \"batch_norm\", init = \"orthogonal\" },")),
              HasSubstr("ones or zeros"));
}

TEST(ModelFile, TheWholeMustBeANetworkForTheData) {
  EXPECT_EQ(error_of(with("  { op = \"relu\", from = \"input\" },")),
            "net.toml:2: first: nothing uses its output");
  EXPECT_EQ(error_of("layer = [ { op = \"conv2d\", out = 10, kernel = 3 } ]"),
            "net.toml:1: conv2d1: the network must yield one number a class, not 10 x 30 x 30; pool or "
            "flatten before");
  EXPECT_THAT(error_of("layer = [\n { op = \"flatten\" },\n { op = \"linear\", out = 1000 } ]"),
              AllOf(StartsWith("net.toml:3: linear1: the network yields 1000 numbers for 10 classes"),
                    HasSubstr("out = \"classes\"")));
  EXPECT_THAT(error_of(""), HasSubstr("it has no layer"));
  EXPECT_THAT(error_of("layer = []"), HasSubstr("it has no layer"));
  EXPECT_THAT(error_of("layer = 3"), HasSubstr("layer must be a list of tables"));
  EXPECT_THAT(error_of("layer = [3]"), HasSubstr("every layer must be a table"));
  EXPECT_THAT(error_of("layers = []"), HasSubstr("a model file has no key 'layers'; did you mean layer?"));
  EXPECT_THAT(error_of("\n\nlayer = [ {"), StartsWith("net.toml:3: "));
  EXPECT_THAT(error_of("[parameters]\nn = 3\nlayer = [ { op = \"flatten\" } ]"),
              HasSubstr("put it above [parameters]"));
  EXPECT_THAT(error_of("parameters = { classes = 3 }"), HasSubstr("must not be called classes"));
  EXPECT_THAT(error_of("parameters = { a-b = 3 }"), HasSubstr("not 'a-b'"));
  EXPECT_THAT(error_of("parameters = { a = [1] }"), HasSubstr("net.toml:1: a parameter must be a number"));
  EXPECT_THAT(error_of(with("") + "[block.relu]\nlayer = [ { op = \"relu\" } ]"),
              HasSubstr("block relu: there is an operation of that name"));
  EXPECT_THAT(error_of(with("") + "[block.b]\n"), HasSubstr("block b: it has no layer"));
  EXPECT_THAT(error_of(with("  { op = \"b\", n = 3 },") + "[block.b]\nlayer = [ { op = \"relu\" } ]"),
              HasSubstr("b: block b has no key 'n'"));
}

/// What would fill memory or take hours is refused in a moment.
TEST(ModelFile, HostileFilesAreRefusedQuickly) {
  const auto start = std::chrono::steady_clock::now();
  const auto nested = [](int depth, const std::string& times, const std::string& inner) {
    std::string text = inner;
    for (int i = 0; i < depth; ++i)
      text = "{ op = \"repeat\", times = " + times + ", layer = [ " + text + " ] }";
    return text + ",";
  };
  EXPECT_THAT(error_of(with(nested(1, "100000", "{ op = \"relu\" }"))), HasSubstr("may have 100000 layers"));
  EXPECT_THAT(error_of(with(nested(1, "1000000000", "{ op = \"relu\" }"))),
              HasSubstr("times must be in 0 to 100000"));
  EXPECT_THAT(error_of(with(nested(8, "1000", "{ op = \"relu\" }"))), HasSubstr("may have 100000 layers"));
  EXPECT_THAT(error_of(with(nested(8, "1000", "{ op = \"dropout\", rate = 0 }"))),
              HasSubstr("more than 200000 layers"));
  EXPECT_THAT(error_of(with(nested(1, "100000", "{ op = \"max_pool\", kernel = 1 }"))),
              HasSubstr("may have 100000 layers"));
  EXPECT_THAT(error_of(with(nested(70, "1", "{ op = \"relu\" }"))), HasSubstr("64 deep"));
  std::string empty = "{ op = \"repeat\", times = 0, layer = [ ";
  for (int i = 0; i < 100'000; ++i) empty += "{},";
  EXPECT_THAT(error_of(with(nested(1, "100000", empty + " ] }"))), HasSubstr("more than 200000 layers"));
  const std::string itself = "[block.a]\nlayer = [ { op = \"a\" }, { op = \"a\" } ]\n";
  EXPECT_THAT(error_of(with("  { op = \"a\" },") + itself), HasSubstr("does a block use itself?"));
  EXPECT_THAT(error_of(with(nested(1, "60", "{ op = \"concat\", from = [\"before\", \"before\"] }"))),
              HasSubstr("outputs; there must be 1 to 16777216"));
  EXPECT_THAT(error_of(with(nested(1, "60", "{ op = \"conv2d\", out = 1, kernel = 1, padding = 65536 }"))),
              HasSubstr("beyond any machine"));
  EXPECT_THAT(error_of(with("  { op = \"conv2d\", out = 16777216, kernel = 65536, padding = 65536 },")),
              HasSubstr("its weight would fill any memory"));
  std::string many;
  for (int i = 0; i < 5'000; ++i) many += "\"before\", ";
  EXPECT_THAT(error_of(with(nested(1, "1000",
                                   "{ op = \"concat\", from = [" + many +
                                       "] }, "
                                       "{ op = \"conv2d\", out = 1, kernel = 1 }"))),
              HasSubstr("a million inputs"));
  for (const char* opening : {"[", "{a=", "layer = [ { layer = "}) {
    std::string deep = "layer = ";
    for (int i = 0; i < 50'000; ++i) deep += opening;
    EXPECT_THAT(error_of(deep), StartsWith("net.toml:1: "));
  }
  // toml++ bounds how deep values lie within one another, and not how many parts a key has.
  std::string dotted;
  for (int i = 0; i < 200'000; ++i) dotted += "a.";
  for (const std::string& deep : {"[" + dotted + "a]\n", "\n" + dotted + "a = 1\n",
                                  "x = { " + dotted + "a = 1 }\n", "[[" + dotted + "a]]\n"}) {
    EXPECT_THAT(error_of(deep), HasSubstr("a key has more than 16 parts"));
  }
  EXPECT_THAT(error_of("# a.b.c" + dotted + "\nname = \"" + dotted + "\"\nother = '''" + dotted + "'''\n"),
              HasSubstr("has no key 'other'"));
  std::string parameters, used, sum = "a";
  for (int i = 0; i < 99; ++i) sum += "+a";
  for (int i = 0; i < 64; ++i) {
    parameters += "p" + std::to_string(i) + " = 1\n";
    used += ", p" + std::to_string(i) + " = \"" + sum + "\"";
  }
  EXPECT_THAT(
      error_of("parameters = { a = 1 }\n" +
               with(nested(60, "1",
                           "{ op = \"repeat\", times = 90000, layer = [ { op = \"b\"" + used + " } ] }")) +
               "[block.b]\nlayer = [ { op = \"dropout\", rate = 0 } ]\n[block.b.parameters]\n" + parameters),
      HasSubstr("too many settings"));
  EXPECT_THAT(error_of(with("  { op = \"relu\", as = \"" + std::string(100'000, 'x') + "\" },")),
              HasSubstr("too long"));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_LT(seconds, 60) << "minutes even in a slow build would be a hang";
}

/// Pieces of a whole file cut out, doubled and exchanged, numbers and characters replaced: what comes of it
/// is a network or an error that names the file.
TEST(ModelFile, SurvivesEveryKindOfDamage) {
  const std::vector<std::string> examples = documented_examples();
  int networks = 0, errors = 0;
  for (uint32_t round = 0; round < 6000; ++round) {
    const RandomStream random(1, Purpose::test, round);
    uint32_t next = 0;
    const auto draw = [&](size_t below) {
      return static_cast<size_t>(uniform_below(random.word(0, next++), static_cast<uint32_t>(below)));
    };
    std::string text = examples[round % examples.size()];
    for (size_t changes = 1 + draw(4); changes > 0; --changes) {
      const size_t at = draw(text.size()), length = std::min(draw(40), text.size() - at),
                   to = draw(text.size());
      const std::string piece = text.substr(at, length);
      constexpr std::string_view characters = "\"'{}[]=,.#$*/+-()0129eEinft\n\\\x01\xff";
      const size_t kind = draw(5);
      if (kind == 0) text.erase(at, length);
      if (kind == 1) text.insert(to, piece);
      if (kind == 2) text[at] = characters[draw(characters.size())];
      if (kind == 3) std::swap(text[at], text[to]);
      const size_t digit = text.find_first_of("0123456789", at);
      if (kind == 4 && digit != std::string::npos) text.insert(digit, std::string(1 + draw(12), '9'));
      if (text.empty()) text = "x";
    }
    try {
      const Graph graph = parse(text);
      EXPECT_EQ(graph.classes, 10);
      ++networks;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      EXPECT_THAT(error.what(), StartsWith("net.toml:")) << text;
      ++errors;
    }
  }
  EXPECT_GT(networks, 100);
  EXPECT_GT(errors, 3000);
}

TEST(ModelFile, SpecsNamePaths) {
  EXPECT_TRUE(is_model_file("my.toml"));
  EXPECT_TRUE(is_model_file("/a/b.c/my.toml:width=2"));
  EXPECT_FALSE(is_model_file("resnet20:width=2"));
  EXPECT_FALSE(is_model_file("my.tomlx"));
  EXPECT_EQ(split_model_file("a.tomls/b.toml:x=1,y=2").path, "a.tomls/b.toml");
  EXPECT_EQ(split_model_file("a.tomls/b.toml:x=1,y=2").options, "x=1,y=2");
  EXPECT_EQ(split_model_file("b.toml").options, "");
  EXPECT_EQ(model_label("a/b.toml:x=1"), "b");
  EXPECT_EQ(model_label("resnet20:width=2"), "resnet20");
  EXPECT_THROW(make_model("nowhere/my.toml", cifar, 10), Error);
  EXPECT_THROW(require_model("nowhere/my.toml"), Error);
}

TEST(ModelFile, IsReadFromItsPathAndRemadeFromItsText) {
  const std::string path = testing::TempDir() + "/frugal_model_file_test.toml";
  const std::string text =
      with("  { op = \"conv2d\", out = \"$n\", kernel = 1 },", "parameters = { n = 6 }\n");
  std::ofstream(path) << text;
  const Graph graph = make_model(path + ":n=8", cifar, 10);
  EXPECT_NO_THROW(require_model(path + ":n=8"));
  EXPECT_EQ(graph.model, path + ":n=8");
  EXPECT_EQ(graph.model_file, text);
  EXPECT_EQ(graph.nodes[2].out.c, 8);
  std::filesystem::remove(path);
  const Graph again = remake_model(graph.model, graph.model_file, cifar, 10);
  expect_same_graph(again, graph);
  EXPECT_EQ(again.model, graph.model);
  expect_same_graph(remake_model("smallnet", "", cifar, 10), make_model("smallnet", cifar, 10));
}

}  // namespace
}  // namespace frugal
