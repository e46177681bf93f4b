// IDX files, plain and gzipped: the input becomes, by its first byte, one of the four files of a data set.
#include "data/idx.h"

#include "scratch.h"

using namespace frugal;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr const char* names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                   "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
  const std::string images{'\0', '\0',   '\x08', '\x03', '\0', '\0',   '\0', '\x02', '\0', '\0',
                           '\0', '\x01', '\0',   '\0',   '\0', '\x02', 'a',  'b',    'c',  'd'};
  const std::string labels{'\0', '\0', '\x08', '\x01', '\0', '\0', '\0', '\x02', '\x01', '\0'};
  for (const int i : {0, 2}) put(scratch() / names[i], images);
  for (const int i : {1, 3}) put(scratch() / names[i], labels);
  put(scratch() / names[data[0] % 4], std::span(data + 1, size - 1));
  try_to([] {
    LoadOptions options;
    options.memory = 64 << 20;
    Dataset dataset;
    read_idx(scratch(), options, dataset);
    for (const ImageSet* set : {&dataset.train, &dataset.test}) {
      demand(static_cast<int64_t>(set->pixels.size()) == set->count * set->image_bytes());
      demand(static_cast<int64_t>(set->labels.size()) == set->count);
      for (const int32_t label : set->labels) demand(static_cast<size_t>(label) < dataset.classes.size());
    }
  });
  return 0;
}
