#include "train/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <limits>

#include "../temp_dir.h"
#include "base/error.h"
#include "base/safetensors.h"
#include "golden_input.h"
#include "graph/builder.h"

namespace frugal {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Graph small_graph(int64_t classes = 3, int64_t channels = 5) {
  GraphBuilder net("test", {4, 6, 3});
  Value x = net.conv2d("conv1", net.input(), channels, {.kernel = 3, .padding = 1});
  x = net.relu(net.batch_norm("bn1", x));
  x = net.batch_norm("bn2", net.conv2d("conv2", x, 2));
  return net.finish(net.linear("fc", net.flatten(x), classes));
}

CheckpointInfo info() {
  CheckpointInfo info;
  info.frugal_version = "0.1.0";
  info.model = "test:\"x\"=1";
  info.input = {4, 6, 3};
  info.classes = {"apple", "b\"ee", "\xC3\xA9toile"};
  info.normalization = {{0.1f, 0.5070757f, 1.0f / 3}, {0.25f, 1e-3f, 3}};
  info.data = "cifar100";
  info.extra = {{"epoch", "3"}, {"val_top1", "0.25"}};
  return info;
}

void fill(std::span<float> block, uint32_t layer) {
  std::ranges::copy(golden_floats(layer, block.size(), 1), block.begin());
}

void fill(Parameters& parameters, uint32_t layer) {
  for (int i = 0; i < static_cast<int>(parameters.slots().size()); ++i) fill(parameters.weight(i), layer++);
  for (int i = 0; i < static_cast<int>(parameters.buffer_slots().size()); ++i)
    fill(parameters.buffer(i), layer++);
  for (size_t s = 0; s < parameters.states(); ++s) {
    for (const Slot& slot : parameters.slots()) {
      fill(parameters.state(s).subspan(static_cast<size_t>(slot.offset), static_cast<size_t>(slot.size)),
           layer++);
    }
  }
  parameters.batches_tracked = 1234567890123;
}

bool same(std::span<const float> a, std::span<const float> b) { return std::ranges::equal(a, b); }

class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest() : parameters_(graph_) {
    parameters_.add_state();
    parameters_.add_state();
    fill(parameters_, 50);
    save_checkpoint(path_, info(), parameters_, true);
  }

  /// The file again, changed by `change`, with a checksum that holds.
  void rewrite(const std::function<void(SafetensorsFile&)>& change) {
    SafetensorsFile file = read_safetensors(path_);
    change(file);
    write_safetensors(path_, file.metadata, file.tensors);
  }

  std::string load_error(bool optimizer = false) {
    Parameters into(graph_);
    if (optimizer) into.add_state(), into.add_state();
    try {
      load_checkpoint(path_, into, optimizer);
    } catch (const Error& error) {
      const Parameters untouched(graph_);
      EXPECT_TRUE(same(into.all_weights(), untouched.all_weights())) << "a refused file changes nothing";
      EXPECT_TRUE(same(into.buffers(), untouched.buffers()));
      EXPECT_EQ(into.batches_tracked, 0);
      return error.what();
    }
    return "";
  }

  std::string info_error() {
    try {
      read_checkpoint_info(path_);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  TempDir directory_;
  const std::filesystem::path path_ = directory_ / "w.safetensors";
  const Graph graph_ = small_graph();
  Parameters parameters_;
};

TEST_F(CheckpointTest, ComesBackToTheBit) {
  Parameters back(graph_);
  back.add_state();
  back.add_state();
  load_checkpoint(path_, back, true);
  EXPECT_TRUE(same(back.weights(), parameters_.weights()));
  EXPECT_TRUE(same(back.buffers(), parameters_.buffers()));
  for (size_t s = 0; s < 2; ++s) EXPECT_TRUE(same(back.state(s), parameters_.state(s)));
  EXPECT_EQ(back.batches_tracked, parameters_.batches_tracked);

  Parameters weights_only(graph_);
  load_checkpoint(path_, weights_only);
  EXPECT_TRUE(same(weights_only.weights(), parameters_.weights()));
}

TEST_F(CheckpointTest, DescribesItself) {
  const CheckpointInfo found = read_checkpoint_info(path_), expected = info();
  EXPECT_EQ(found.format_version, 1);
  EXPECT_EQ(found.frugal_version, expected.frugal_version);
  EXPECT_EQ(found.model, expected.model);
  EXPECT_EQ(found.input, expected.input);
  EXPECT_EQ(found.classes, expected.classes);
  EXPECT_EQ(found.normalization.mean, expected.normalization.mean);
  EXPECT_EQ(found.normalization.std, expected.normalization.std);
  EXPECT_EQ(found.data, expected.data);
  EXPECT_EQ(found.extra, expected.extra);
}

TEST_F(CheckpointTest, HasPyTorchsNamesAndShapes) {
  save_checkpoint(path_, info(), parameters_, false);
  const SafetensorsFile file = read_safetensors(path_);
  std::vector<std::string> names;
  for (const TensorRecord& tensor : file.tensors) names.push_back(tensor.name);
  EXPECT_THAT(names, ElementsAre("bn1.num_batches_tracked", "bn2.num_batches_tracked", "conv1.weight",
                                 "conv1.bias", "bn1.weight", "bn1.bias", "bn1.running_mean",
                                 "bn1.running_var", "conv2.weight", "conv2.bias", "bn2.weight", "bn2.bias",
                                 "bn2.running_mean", "bn2.running_var", "fc.weight", "fc.bias"));
  EXPECT_THAT(file.find("conv1.weight")->shape, ElementsAre(5, 3, 3, 3));
  EXPECT_THAT(file.find("fc.weight")->shape, ElementsAre(3, 16));
  EXPECT_EQ(file.find("bn1.num_batches_tracked")->dtype, "I64");
  EXPECT_TRUE(file.find("bn1.num_batches_tracked")->shape.empty());
}

/// A frozen parameter is saved like the others, but no optimizer has states for it.
TEST_F(CheckpointTest, HoldsWhatIsNotTrainable) {
  GraphBuilder net("test", {4, 6, 3});
  const Value x = net.conv2d("stem", net.input(), 5, {.kernel = {4, 6}, .trainable = false});
  const Graph graph = net.finish(net.linear("fc", x, 2));
  Parameters parameters(graph), back(graph);
  parameters.add_state(), back.add_state();
  for (int i = 0; i < 4; ++i) fill(parameters.weight(i), 70 + static_cast<uint32_t>(i));
  fill(parameters.state(0), 80);
  save_checkpoint(path_, info(), parameters, true);
  std::vector<std::string> names;
  for (const TensorRecord& tensor : read_safetensors(path_).tensors) names.push_back(tensor.name);
  EXPECT_THAT(names, ElementsAre("stem.weight", "stem.bias", "fc.weight", "fc.bias", "optimizer.0.stem.bias",
                                 "optimizer.0.fc.weight", "optimizer.0.fc.bias"));
  load_checkpoint(path_, back, true);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(same(back.weight(i), parameters.weight(i))) << i;
  EXPECT_NE(back.weight(0)[0], 0);
  for (const Slot& slot : parameters.slots()) {
    if (!slot.trainable) continue;
    const auto offset = static_cast<size_t>(slot.offset), size = static_cast<size_t>(slot.size);
    EXPECT_TRUE(same(back.state(0).subspan(offset, size), parameters.state(0).subspan(offset, size)));
  }
}

TEST_F(CheckpointTest, NamesTheTensorThatDoesNotFit) {
  rewrite([](SafetensorsFile& file) {
    std::erase_if(file.tensors, [](auto& t) { return t.name == "bn1.bias"; });
  });
  EXPECT_THAT(load_error(), AllOf(HasSubstr("w.safetensors"), HasSubstr("'bn1.bias' [5] is missing")));
}

TEST_F(CheckpointTest, NamesBothShapes) {
  Parameters other(small_graph(4));
  save_checkpoint(path_, info(), other, false);
  EXPECT_THAT(load_error(), HasSubstr("'fc.weight' has shape [4, 16], the model needs [3, 16]"));
}

TEST_F(CheckpointTest, RefusesATransposedTensorOfTheSameSize) {
  rewrite([](SafetensorsFile& file) {
    for (TensorRecord& t : file.tensors) {
      if (t.name == "fc.weight") t.shape = {16, 3};
    }
  });
  EXPECT_THAT(load_error(), HasSubstr("'fc.weight' has shape [16, 3], the model needs [3, 16]"));
}

TEST_F(CheckpointTest, NamesTheUnexpectedTensor) {
  rewrite([](SafetensorsFile& file) {
    TensorRecord extra = file.tensors.back();
    extra.name = "fc3.bias";
    file.tensors.push_back(extra);
  });
  EXPECT_THAT(load_error(), HasSubstr("'fc3.bias' [3] is unexpected"));
}

TEST_F(CheckpointTest, NamesTheWrongType) {
  rewrite([](SafetensorsFile& file) {
    for (TensorRecord& t : file.tensors) {
      if (t.name == "conv2.bias") t.dtype = "I32";
    }
  });
  EXPECT_THAT(load_error(), HasSubstr("'conv2.bias' is of type I32, the model needs F32"));
}

TEST_F(CheckpointTest, MissingOptimizerStatesMatterOnlyToTheResumed) {
  save_checkpoint(path_, info(), parameters_, false);
  EXPECT_EQ(load_error(false), "");
  EXPECT_THAT(load_error(true), HasSubstr("'optimizer.0.conv1.weight'"));
}

TEST_F(CheckpointTest, NamesTheDamagedFile) {
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-3, std::ios::end);
  file.put(0x55);
  file.close();
  EXPECT_THAT(load_error(), AllOf(HasSubstr("w.safetensors"), HasSubstr("checksum")));
  EXPECT_THAT(info_error(), HasSubstr("checksum"));
}

TEST_F(CheckpointTest, RefusesANewerFormatByName) {
  rewrite([](SafetensorsFile& file) { file.metadata["frugal_format"] = "2"; });
  const auto newer = HasSubstr("was written by a newer frugal (format 2, this one reads up to 1)");
  EXPECT_THAT(info_error(), newer);
  EXPECT_THAT(load_error(), newer);
}

TEST_F(CheckpointTest, KnowsFilesFromElsewhere) {
  rewrite([](SafetensorsFile& file) { file.metadata = {{"format", "pt"}}; });
  EXPECT_THAT(info_error(), HasSubstr("frugal did not write"));
  EXPECT_EQ(load_error(), "") << "tensors that fit may come from anywhere";
}

TEST_F(CheckpointTest, RefusesABrokenDescription) {
  const std::vector<std::pair<std::string, std::string>> broken = {
      {"frugal_format", "one"}, {"frugal_format", "0"}, {"input", "[4,6]"},     {"input", "[4,6,-3]"},
      {"input", "[4,6,1e9]"},   {"input", "4"},         {"classes", "[]"},      {"classes", "[1]"},
      {"classes", "["},         {"mean", "[0,0]"},      {"mean", "[0,null,0]"}, {"std", "[1,1,0]"},
      {"std", "[1,1,1e99]"},    {"mean", "{}"},
  };
  for (const auto& [key, value] : broken) {
    save_checkpoint(path_, info(), parameters_, false);
    rewrite([&](SafetensorsFile& file) { file.metadata[key] = value; });
    EXPECT_THAT(info_error(), HasSubstr("'" + key + "'")) << value;
  }
  for (const char* key : {"model", "input", "classes", "mean", "std", "data", "frugal_version"}) {
    save_checkpoint(path_, info(), parameters_, false);
    rewrite([&](SafetensorsFile& file) { file.metadata.erase(key); });
    EXPECT_THAT(info_error(), HasSubstr(key));
  }
}

}  // namespace
}  // namespace frugal
