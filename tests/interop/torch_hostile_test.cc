// PyTorch files that nobody's torch.save wrote: what would run code, take memory without end or lie about
// sizes is refused with its reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "../temp_dir.h"
#include "base/error.h"
#include "interop/torch_file.h"
#include "pickles.h"

namespace frugal {
namespace {

using namespace pickles;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

struct Hostile {
  const char* name;
  std::string pickle;
  const char* message;
};

const std::string floats = storage("FloatStorage", "0", 4);

/// {"w": value}
std::string named(const std::string& value) { return whole(dict({{"w", value}})); }

std::string repeated(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

/// Lists of the list before, twice in each: 2^30 leaves for whoever follows them.
std::string exponential() {
  std::string all = "]q\x01"s;
  for (char i = 1; i < 31; ++i) all += "]q"s + static_cast<char>(i + 1) + "(h"s + i + "h"s + i + "e";
  return all;
}

/// The same of dictionaries with usual names.
std::string exponential_dicts() {
  std::string all = "}q\x01"s;
  for (char i = 1; i < 31; ++i) {
    all += "}q"s + static_cast<char>(i + 1) + "("s;
    for (const char* key : {"model", "state_dict", "ema", "net"}) all += text(key) + "h"s + i;
    all += "u";
  }
  return all;
}

std::vector<Hostile> that_run_code() {
  const std::string call = mark + text("touch /tmp/owned") + tuple + reduce;
  return {
      {"os.system", whole(global("posix", "system") + call), "'posix.system'"},
      {"os.system beside a tensor",
       whole(dict({{"w", tensor(floats, 0, {4}, {1})}, {"x", global("os", "system") + call}})),
       "'os.system'"},
      {"eval", whole(global("builtins", "eval") + call), "'builtins.eval'"},
      {"by protocol 4", whole(text("posix") + text("system") + "\x93" + call), "'posix.system'"},
      {"a class of the author's", whole(global("__main__", "Net") + ")\x81}b"), "'__main__.Net'"},
      {"a known name of another module", whole(global("mine", "OrderedDict") + ")R"), "'mine.OrderedDict'"},
      {"numpy", whole(global("numpy.core.multiarray", "_reconstruct") + ")R"),
       "'numpy.core.multiarray._reconstruct'"},
      {"escape sequences in a name", whole(global("\x1b[31m", "x")), "'?[31m.x'"},
      {"INST", whole("(iposix\nsystem\n"), "opcode 105"},
      {"OBJ", whole("(" + global("posix", "system") + "o"), "'posix.system'"},
      {"NEWOBJ_EX", whole(global("torch", "Size") + ")}\x92"), "opcode 146"},
      {"an extension", whole("\x82\x01"), "opcode 130"},
      {"state for a tensor", named(tensor(floats, 0, {4}, {1}) + "}b"), "opcode 98"},
      {"a text that is called", whole(text("eval") + ")R"), "calls what cannot be called"},
      {"a type that is called", whole(global("torch", "FloatStorage") + ")R"), "calls FloatStorage"},
  };
}

std::vector<Hostile> that_are_no_pickles() {
  return {
      {"nothing", "", "does not begin"},
      {"text", "hello", "does not begin"},
      {"protocol 0", "\x80"s + "\0."s, "protocol 0"},
      {"protocol 6", "\x80\x06.", "protocol 6"},
      {"text opcodes", whole("I12\n"), "opcode 73"},
      {"no end", start + "}", "claims 1 bytes where 0 are left"},
      {"a result that is not there", start + ".", "empty stack"},
      {"results left over", whole("}}"), "left over"},
      {"a mark left over", whole("(}"), "left over"},
      {"no mark", whole("}u"), "mark"},
      {"a value below a mark", whole("}(a"), "empty stack"},
      {"a key without a value", whole("}(" + text("a") + "u"), "without a value"},
      {"items for a number",
       whole("K\x01(K\x02"
             "e"),
       "no container"},
      {"a memory that is empty", whole("h\x05"), "recalls"},
      {"huge memory", whole("}r\xff\xff\xff\xff"), "remembers"},
      {"huge text", start + "X\xff\xff\xff\xff.", "claims 4294967295 bytes"},
      {"huge text of 8 bytes", start + "\x8d" + std::string(8, '\xff') + ".", "claims 18446744073709551615"},
      {"huge number", start + "\x8b\xff\xff\xff\x7f.", "claims 2147483647"},
      {"huge frame", "\x80\x04\x95" + std::string(8, '\xff') + "}.", "frame"},
      {"a name without an end", start + "cposix", "claims 1 bytes where 0 are left"},
      {"a name that is a number", whole("K\x01K\x02\x93"), "by what is no text"},
      {"too long", whole(repeated("N0", 1'000'001) + "}"), "2,000,000 opcodes"},
  };
}

std::vector<Hostile> that_lie() {
  const auto of = [](int64_t offset, const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
    return named(tensor(floats, offset, shape, strides));
  };
  constexpr int64_t huge = int64_t{1} << 62;
  const std::string big = storage("FloatStorage", "0", huge);
  return {
      {"no tensors", whole("}"), "no dictionary of named tensors"},
      {"a tensor alone", whole(tensor(floats, 0, {4}, {1})), "no dictionary of named tensors"},
      {"huge storage", named(tensor(big, 0, {huge}, {1})), "claims a storage of"},
      {"storage too small", named(tensor(storage("FloatStorage", "0", 3), 0, {3}, {1})), "16 bytes for it"},
      {"storage of another type", named(tensor(storage("DoubleStorage", "0", 4), 0, {4}, {1})),
       "16 bytes for it"},
      {"storage that is not there", named(tensor(storage("FloatStorage", "1", 4), 0, {4}, {1})),
       "'1' are missing"},
      {"storage elsewhere", named(tensor(storage("FloatStorage", "../data.pkl", 4), 0, {4}, {1})), "missing"},
      {"key without end", named(tensor(storage("FloatStorage", std::string(201, '0'), 4), 0, {4}, {1})),
       "more than 200 bytes"},
      {"beyond its storage", of(0, {5}, {1}), "reaches beyond"},
      {"from beyond", of(5, {0}, {1}), nullptr},  // empty: takes nothing
      {"offset", of(1, {4}, {1}), "reaches beyond"},
      {"strides", of(0, {2, 2}, {3, 1}), "reaches beyond"},
      {"stride that overflows", of(0, {3}, {huge}), "reaches beyond"},
      {"shape that overflows", of(0, {huge, 4}, {0, 1}), "reaches beyond"},
      {"empty, of a shape that overflows", of(0, {huge, 4, 0}, {0, 1, 1}), "reaches beyond"},
      {"negative offset", of(-1, {4}, {1}), "no number from 0 on"},
      {"negative shape", of(0, {-4}, {1}), "no number from 0 on"},
      {"negative stride", of(3, {4}, {-1}), "no number from 0 on"},
      {"fewer strides", of(0, {2, 2}, {1}), "do not match"},
      {"many dimensions", of(0, std::vector<int64_t>(17, 1), std::vector<int64_t>(17, 1)), "16 dimensions"},
      {"expanded without end", of(0, {int64_t{1} << 40}, {0}), "four times the file's size"},
      {"no arguments", named(global("torch._utils", "_rebuild_tensor_v2") + ")R"), "with 0 arguments"},
      {"no storage", named(global("torch._utils", "_rebuild_tensor") + "(NNNNtR"), "without a storage"},
      {"a parameter of nothing", named(global("torch._utils", "_rebuild_parameter") + "(NNNtR"), "no tensor"},
      {"a dictionary of a number", whole(global("collections", "OrderedDict") + "K\x01\x85R"), "no list"},
      {"a dictionary of no pairs",
       whole(global("collections", "OrderedDict") + "](K\x01"
                                                    "e\x85R"),
       "no pairs"},
      {"another persistent id", whole("NQ"), "no tuple"},
      {"a persistent module", whole(mark + text("module") + "NNNN" + tuple + "Q"), "no storage"},
      {"a name twice", whole(dict({{"w", tensor(floats, 0, {4}, {1})}, {"w", tensor(floats, 0, {4}, {1})}})),
       "'w' is there twice"},
      {"two networks",
       whole(dict({{"a", dict({{"w", tensor(floats, 0, {4}, {1})}})},
                   {"b", dict({{"w", tensor(floats, 0, {4}, {1})}})}})),
       "['a'], ['b']"},
      {"a negated view",
       named(global("torch._utils", "_rebuild_tensor_v2") + mark + floats + integer(0) + integers({4}) +
             integers({1}) + "\x89}" + dict({{"neg", "\x88"}}) + tuple + reduce),
       "negated"},
      {"deep lists", whole(repeated("]", 100'000) + repeated("a", 99'999)), "no dictionary"},
      {"deep tuples", whole("]" + repeated("\x85", 100'000)), "no dictionary"},
      {"deep marks", start + repeated("(", 1'000'000) + stop, "empty stack"},
      {"exponential lists", whole(exponential()), "left over"},
      {"exponential dictionaries", whole(exponential_dicts()), "left over"},
      {"a list in itself",
       whole("]q\x01h\x01"
             "a"),
       "no dictionary"},
  };
}

void expect_refused(const std::vector<Hostile>& files) {
  const TempDir dir(fast_root());
  for (const Hostile& hostile : files) {
    SCOPED_TRACE(hostile.name);
    put_torch_zip(dir / "f", hostile.pickle);
    if (hostile.message == nullptr) {
      EXPECT_NO_THROW(read_torch_file(dir / "f"));
      continue;
    }
    EXPECT_THAT([&] { read_torch_file(dir / "f"); },
                ThrowsMessage<Error>(AllOf(HasSubstr((dir / "f").string()), HasSubstr(hostile.message))));
  }
}

TEST(TorchHostile, NothingRunsAndItIsSaidWhatWould) { expect_refused(that_run_code()); }
TEST(TorchHostile, BrokenPicklesAreRefused) { expect_refused(that_are_no_pickles()); }
TEST(TorchHostile, LiesAreRefused) { expect_refused(that_lie()); }

TEST(TorchHostile, Python2sOrderedDictLoads) {
  const TempDir dir;
  put_torch_zip(dir / "f", whole(global("collections", "OrderedDict") + "](]("s + text("w") +
                                 tensor(floats, 0, {4}, {1}) + "ee\x85R"));
  EXPECT_EQ(read_torch_file(dir / "f").tensors.at(0).name, "w");
}

TEST(TorchHostile, ALongListCannotBecomeManyDictionaries) {
  const TempDir dir;
  // memo 1: OrderedDict, memo 2: a list of 10,000 pairs; then OrderedDict(list) 10,000 times, at six bytes
  // each.
  std::string pickle = global("collections", "OrderedDict") + "q\x01" + "0](";
  for (int i = 0; i < 10'000; ++i) pickle += "NN\x86";
  pickle += "e\x85q\x02"s + "0";
  for (int i = 0; i < 10'000; ++i) pickle += "h\x01h\x02R0";
  put_torch_zip(dir / "f", whole(pickle + "}"));
  EXPECT_THAT([&] { read_torch_file(dir / "f"); }, ThrowsMessage<Error>(HasSubstr("again and again")));
}

/// PyTorch before 0.4: Parameter(tensor), then BUILD with what autograd knows of it.
TEST(TorchHostile, OldParametersLoad) {
  const TempDir dir;
  const std::string parameter = global("torch.nn.parameter", "Parameter") + tensor(floats, 0, {4}, {1}) +
                                "\x85\x81" + "(\x88\x89}" + tuple + "b";
  put_torch_zip(dir / "f", named(parameter));
  EXPECT_EQ(read_torch_file(dir / "f").tensors.at(0).shape, std::vector<int64_t>{4});
}

TEST(TorchHostile, ATensorBesideANetworkIsNotTheNetwork) {
  const TempDir dir;
  const std::string one = tensor(floats, 0, {4}, {1});
  put_torch_zip(dir / "f", whole(dict({{"student", dict({{"a", one}, {"b", one}})}, {"best", one}})));
  EXPECT_EQ(read_torch_file(dir / "f").tensors.size(), 2u);
}

TEST(TorchHostile, ExponentialValuesBesideTensorsDoNoHarm) {
  const TempDir dir;
  const std::string with_tensor = whole("}(" + text("w") + tensor(floats, 0, {4}, {1}) + text("x") + "](" +
                                        exponential() + "e" + text("y") + "](" + exponential_dicts() + "eu");
  put_torch_zip(dir / "f", with_tensor);
  EXPECT_EQ(read_torch_file(dir / "f").tensors.size(), 1u);
}

TEST(TorchHostile, CopiesAreBoundedTogether) {
  // Each a transposed view of the same megabyte, at a hundred bytes of pickle.
  const TempDir dir(fast_root());
  std::vector<std::pair<std::string, std::string>> items;
  items.reserve(100);
  for (int i = 0; i < 100; ++i)
    items.emplace_back("w" + std::to_string(i),
                       tensor(storage("FloatStorage", "big", 512 * 512), 0, {512, 512}, {1, 512}));
  put_torch_zip(dir / "f", whole(dict(items)), {{"archive/data/big", std::string(512 * 512 * 4, '\0')}});
  EXPECT_THAT([&] { read_torch_file(dir / "f"); },
              ThrowsMessage<Error>(HasSubstr("four times the file's size")));
}

const std::string good = whole(dict({{"w", tensor(floats, 0, {4}, {1})}}));

TEST(TorchHostile, BigEndianFilesAreRefused) {
  const TempDir dir;
  put_torch_zip(dir / "f", good, {{"archive/byteorder", "big"}});
  EXPECT_THAT([&] { read_torch_file(dir / "f"); }, ThrowsMessage<Error>(HasSubstr("byte order is 'big'")));
  put(dir / "f", torch_stream(good, {{"0", 4, std::string(16, '\0')}}, /*little=*/false));
  EXPECT_THAT([&] { read_torch_file(dir / "f"); }, ThrowsMessage<Error>(HasSubstr("big-endian")));
}

TEST(TorchHostile, TorchScriptIsToldApart) {
  const TempDir dir;
  put_torch_zip(dir / "f", good, {{"archive/constants.pkl", ""}, {"archive/code/net.py", ""}});
  EXPECT_THAT([&] { read_torch_file(dir / "f"); }, ThrowsMessage<Error>(HasSubstr("TorchScript")));
}

TEST(TorchHostile, StreamsAreHeldToTheirSizes) {
  const TempDir dir;
  const std::string four(16, '\0');
  const auto refused = [&](const std::string& file, const char* message) {
    put(dir / "f", file);
    EXPECT_THAT([&] { read_torch_file(dir / "f"); }, ThrowsMessage<Error>(HasSubstr(message))) << message;
  };
  put(dir / "f", torch_stream(good, {{"0", 4, four}}));
  EXPECT_EQ(read_torch_file(dir / "f").tensors.size(), 1u);
  refused(torch_stream(good, {{"0", 5, four}}), "ends within storage '0'");
  refused(torch_stream(good, {{"0", ~uint64_t{0}, four}}), "ends within storage '0'");
  refused(torch_stream(good, {{"0", 3, four}}), "12 bytes for it");
  refused(torch_stream(good, {}), "lacks the bytes of storage '0'");
  refused(torch_stream(good, {{"0", 1, std::string(4, '\0')}, {"0", 4, four}}), "twice");
  refused(torch_stream(good, {{"0", 4, four}, {"1", 4, four}}), "no tensor uses");
  refused(torch_stream(good, {{"0", 4, four}}, true, 1000), "another version");
  refused(good, "none of torch.save's");
  refused(torch_stream(whole(global("posix", "system")), {}), "'posix.system'");
}

}  // namespace
}  // namespace frugal
