// The cache of decoded pictures. A file is believed only with its checksum, which no fuzzer finds; so the
// input also becomes the parts of a file whose checksum is right.
#include "data/decoded_cache.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/safetensors.h"
#include "scratch.h"

using namespace frugal;

namespace {

struct TextPieces : Pieces {
  std::string text() {
    const size_t length = std::min<size_t>(byte(), rest.size());
    std::string text(rest.begin(), rest.begin() + static_cast<long>(length));
    rest = rest.subspan(length);
    return text;
  }
};

/// A file that the container takes: names, types and shapes by the input, or as they should be.
void write_file(TextPieces pieces) {
  const uint8_t odd = pieces.byte();
  std::map<std::string, std::string> metadata{
      {"kind", "frugal decoded pictures 1"}, {"key", "key"}, {"skipped", "[\"a\"]"}};
  if ((odd & 1) != 0) metadata["skipped"] = pieces.text();
  if ((odd & 2) != 0) metadata[pieces.text()] = pieces.text();
  constexpr std::array<const char*, 4> names{"train.pixels", "test.pixels", "train.labels", "test.labels"};
  constexpr std::array<const char*, 3> types{"U8", "I32", "I64"};
  std::vector<std::vector<uint8_t>> storage;
  std::vector<TensorRecord> tensors;
  for (const char* name : names) {
    const bool labels = std::string(name).ends_with("labels");
    TensorRecord tensor{name, labels ? "I32" : "U8", {pieces.byte() % 4}, {}};
    if (!labels) tensor.shape.insert(tensor.shape.end(), {2, 3, 3});
    if ((odd & 4) != 0) {
      tensor.dtype = types[pieces.byte() % 3];
      tensor.shape.clear();
      for (int i = pieces.byte() % 5; i > 0; --i) tensor.shape.push_back(pieces.byte() % 5);
    }
    int64_t bytes = tensor.dtype == "U8" ? 1 : tensor.dtype == "I32" ? 4 : 8;
    for (const int64_t side : tensor.shape) bytes *= side;
    std::vector<uint8_t> data(static_cast<size_t>(bytes));
    for (size_t i = 0; i < data.size(); ++i)
      data[i] = labels && i % 4 != 0 && (odd & 8) == 0 ? 0 : pieces.byte();
    storage.push_back(std::move(data));
    tensors.push_back(std::move(tensor));
  }
  for (size_t i = 0; i < tensors.size(); ++i) tensors[i].data = storage[i];
  write_safetensors(scratch() / "file", metadata, tensors);
}

void read_file_and_check() {
  const DecodedPictures pictures = read_decoded(scratch() / "file", "key", {2, 3}, 3);
  for (const ImageSet* set : {&pictures.train, &pictures.test}) {
    demand(set->image_bytes() == 18);
    demand(static_cast<int64_t>(set->pixels.size()) == set->count * 18);
    demand(static_cast<int64_t>(set->labels.size()) == set->count);
    for (const int32_t label : set->labels) demand(label >= 0 && label < 3);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  try_to([&] {
    if (data[0] % 4 == 0) {
      put(scratch() / "file", std::span(data + 1, size - 1));
    } else {
      write_file({{std::span(data + 1, size - 1)}});
    }
    read_file_and_check();
  });
  return 0;
}
