// `frugal weights`: what is in files of weights, and how they differ.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/safetensors.h"
#include "program.h"

namespace frugal {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

const std::string goldens = std::string(FRUGAL_SOURCE_DIR) + "/tests/goldens/interop/";

class WeightsCommand : public testing::Test {
 protected:
  /// A file of one float tensor a name.
  std::string put_floats(const std::string& name,
                         const std::map<std::string, std::vector<float>>& tensors) const {
    std::vector<TensorRecord> records;
    records.reserve(tensors.size());
    for (const auto& [tensor, values] : tensors) {
      records.push_back({tensor,
                         "F32",
                         {static_cast<int64_t>(values.size())},
                         {reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(float)}});
    }
    write_safetensors(scratch / name, {{"epoch", "3"}}, records);
    return scratch / name;
  }

  TempDir scratch;
};

TEST_F(WeightsCommand, TellsWhatIsInAFile) {
  const std::string file = put_floats("f", {{"a", {3, -4}}, {"\x1b[31m", {}}});
  const Outcome text = frugal({"weights", file});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("(safetensors)"), HasSubstr("epoch: 3"),
                              HasSubstr("2 tensors, 2 numbers, 8 B"), HasSubstr("?[31m  0      F32")));
  const json object = json_lines(frugal({"weights", file, "--json"}).out).at(0);
  EXPECT_EQ(object.at("metadata").at("epoch"), "3");
  EXPECT_EQ(object.at("numbers"), 2);
  EXPECT_EQ(
      object.at("tensors").at(1),
      json({{"name", "a"}, {"shape", {2}}, {"dtype", "F32"}, {"norm", 5.0}, {"min", -4.0}, {"max", 3.0}}));
}

TEST_F(WeightsCommand, ReadsPyTorchsFiles) {
  const Outcome zip = frugal({"weights", goldens + "trained.pt"});
  EXPECT_THAT(zip.out, AllOf(HasSubstr("(PyTorch)"), HasSubstr("torch.state_dict: model_state_dict"),
                             HasSubstr("8 tensors, 33 numbers (32 F32, 1 I64), 136 B")));
  EXPECT_THAT(frugal({"weights", goldens + "trained.old.pt"}).out, HasSubstr("(PyTorch (before 1.6))"));
  const Outcome same = frugal({"weights", goldens + "trained.pt", "--diff", goldens + "trained.old.pt"});
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_THAT(same.out, HasSubstr("tensors: 8 the same, 0 with other"));
}

TEST_F(WeightsCommand, TellsHowTwoFilesDiffer) {
  const std::string a = put_floats("a", {{"same", {1}}, {"moved", {3, 4}}, {"shape", {1}}, {"left", {1}}});
  const std::string b =
      put_floats("b", {{"same", {1}}, {"moved", {3, 5}}, {"shape", {1, 2}}, {"right", {1}}});
  const Outcome text = frugal({"weights", a, "--diff", b});
  EXPECT_EQ(text.code, 1);
  EXPECT_EQ(text.err, "");
  EXPECT_THAT(text.out,
              AllOf(HasSubstr("tensors: 1 the same, 1 with other numbers, 1 of another shape"),
                    HasSubstr("only in " + a + ": 1\nleft"), HasSubstr("only in " + b + ": 1\nright")));
  const json object = json_lines(frugal({"weights", a, "--diff", b, "--json"}).out).at(0);
  EXPECT_EQ(object.at("equal"), false);
  EXPECT_EQ(object.at("changed").at(0).at("max_abs"), 1.0);
  EXPECT_EQ(object.at("changed").at(0).at("relative_l2"), 0.2);
  EXPECT_EQ(object.at("shapes").at(0), json({{"name", "shape"}, {"a", {1}}, {"b", {2}}}));
  EXPECT_EQ(object.at("only_a"), json({"left"}));
  EXPECT_EQ(object.at("only_b"), json({"right"}));
}

TEST_F(WeightsCommand, NumbersThatAreNoneAreSeen) {
  const std::string a = put_floats("a", {{"w", {1, NAN}}}), b = put_floats("b", {{"w", {1, 2}}});
  EXPECT_THAT(frugal({"weights", a}).out, HasSubstr("nan"));
  EXPECT_EQ(frugal({"weights", a, "--diff", a}).code, 0);
  EXPECT_EQ(frugal({"weights", a, "--diff", b}).code, 1);
}

TEST_F(WeightsCommand, OtherFilesAreRefused) {
  put(scratch / "f", std::string("no weights"));
  const Outcome outcome = frugal({"weights", scratch / "f"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("no file of weights that is known here"));
}

}  // namespace
}  // namespace frugal
