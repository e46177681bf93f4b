// PyTorch's files. A zip file's checksums and a pickle's structure are found by no fuzzer, so most inputs are
// recipes: bytes that choose opcodes and whole tensors, which become a pickle in a good file of either
// layout.
#include <string>
#include <vector>

#include "base/tensor_file.h"
#include "interop/torch_file.h"
#include "interop/zip_writer.h"
#include "scratch.h"

using namespace frugal;

namespace {

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string little_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

struct Recipe : Pieces {
  /// Mostly small, sometimes huge.
  int64_t number() {
    const uint8_t kind = byte();
    if (kind < 224) return kind % 8;
    return static_cast<int64_t>((uint64_t{byte()} << (kind % 64)) - kind % 2);
  }
};

std::string text(const std::string& value) { return "X" + little_endian(value.size(), 4) + value; }
std::string integer(int64_t value) { return "\x8a\x08" + little_endian(static_cast<uint64_t>(value), 8); }

std::string integers(Recipe& recipe) {
  std::string all = "(";
  for (int count = recipe.byte() % 5; count > 0; --count) all += integer(recipe.number());
  return all + "t";
}

std::string name(Recipe& recipe) {
  constexpr const char* names[] = {"w",        "state_dict", "model", "ema",
                                   "module.w", "optimizer",  "b",     "_orig_mod.w"};
  return text(names[recipe.byte() % 8]);
}

std::string storage(Recipe& recipe) {
  constexpr const char* types[] = {"FloatStorage", "HalfStorage", "LongStorage", "BoolStorage",
                                   "UntypedStorage"};
  const uint8_t which = recipe.byte();
  const std::string key(1, static_cast<char>('0' + which % 3));
  return "(" + text("storage") + "ctorch\n" + types[which / 3 % 5] + "\n" + text(key) + text("cpu") +
         integer(which < 200 ? 16 : recipe.number()) + "tQ";
}

std::string tensor(Recipe& recipe) {
  const std::string tail = integer(recipe.number()) + integers(recipe) + integers(recipe);
  switch (recipe.byte() % 4) {
    case 0:
      return "ctorch._utils\n_rebuild_tensor\n(" + storage(recipe) + tail + "tR";
    case 1:
      return "ctorch._utils\n_rebuild_tensor_v3\n(" + storage(recipe) + tail + "\x89}ctorch\nuint16\ntR";
    case 2:
      return "ctorch._utils\n_rebuild_parameter\n(ctorch._utils\n_rebuild_tensor_v2\n(" + storage(recipe) +
             tail + "\x89}tR\x88}tR";
    default:
      return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage(recipe) + tail + "\x89}tR";
  }
}

std::string opcode(Recipe& recipe) {
  static const std::string plain =
      "()]}NtuesaqhbRQ01." + std::string("\x85\x86\x87\x88\x89\x81\x8f\x90\x91\x93\x94");
  const uint8_t which = recipe.byte();
  switch (which % 8) {
    case 0:
      return name(recipe);
    case 1:
    case 2:
      return name(recipe) + tensor(recipe);
    case 3:
      return integer(recipe.number());
    case 4:
      return (which & 8) != 0 ? "ccollections\nOrderedDict\n" : "}(";
    case 5: {
      const char place = static_cast<char>(recipe.byte() % 8);
      return std::string((which & 8) != 0 ? "q" : "h") + place;
    }
    case 6:
      return std::string(1, static_cast<char>(recipe.byte()));
    default:
      return std::string(1, plain[recipe.byte() % plain.size()]);
  }
}

std::string pickle(Recipe& recipe) {
  std::string all = "\x80\x02}(";
  while (!recipe.rest.empty()) all += opcode(recipe);
  return all + "u.";
}

void write_zip_layout(const std::string& pickle) {
  const std::string data(64, '\1');
  const std::vector<ZipContent> contents{{"a/data.pkl", bytes_of(pickle)},
                                         {"a/data/0", bytes_of(data)},
                                         {"a/data/1", bytes_of(data).first(32)},
                                         {"a/data/2", bytes_of(data).first(16)}};
  write_zip(scratch() / "file", contents);
}

void write_stream_layout(const std::string& pickle, Recipe recipe) {
  std::string file = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
  file +=
      "\x80\x02" + integer(1001) + ".\x80\x02}" + text("little_endian") + "\x88s." + pickle + "\x80\x02](";
  const int count = recipe.byte() % 4;
  for (int i = 0; i < count; ++i) file += text(std::string(1, static_cast<char>('0' + i)));
  file += "e.";
  for (int i = 0; i < count; ++i)
    file += little_endian(static_cast<uint64_t>(recipe.number()) * 8, 8) + std::string(64, '\1');
  put(scratch() / "file", file);
}

/// Every tensor is as long as its shape says, and its bytes are there to be read.
void read_and_check() {
  const auto path = scratch() / "file";
  const TensorFile file = within_memory(
      std::filesystem::file_size(path), [&] { return read_torch_file(path); }, libzip_memory);
  size_t held = 0;
  for (const auto& storage : file.storages) held += storage.size();
  demand(held <= 5 * std::filesystem::file_size(path) + (64 << 10));
  for (const TensorRecord& tensor : file.tensors) {
    int64_t numbers = 1;
    for (const int64_t extent : tensor.shape) numbers *= extent;
    demand(static_cast<int64_t>(to_floats(tensor).size()) == numbers);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::span<const uint8_t> rest(data + 1, size - 1);
  try_to([&] {
    Recipe recipe{{rest}};
    switch (data[0] % 4) {
      case 0:
        put(scratch() / "file", rest);
        break;
      case 1:
        write_zip_layout(std::string(rest.begin(), rest.end()));
        break;
      case 2:
        write_zip_layout(pickle(recipe));
        break;
      default:
        write_stream_layout(pickle(recipe), Recipe{{rest}});
    }
    read_and_check();
  });
  return 0;
}
