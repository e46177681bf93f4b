// CIFAR's binary layouts: the input becomes, by its first byte, the records or the names of a data set.
#include "data/cifar.h"

#include "scratch.h"

using namespace frugal;

namespace {

void check(const Dataset& dataset) {
  for (const ImageSet* set : {&dataset.train, &dataset.test}) {
    demand(static_cast<int64_t>(set->pixels.size()) == set->count * set->image_bytes());
    demand(static_cast<int64_t>(set->labels.size()) == set->count);
    for (const int32_t label : set->labels) demand(static_cast<size_t>(label) < dataset.classes.size());
    for (const int32_t label : set->coarse_labels) {
      demand(static_cast<size_t>(label) < dataset.coarse_classes.size());
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string record(3074, '\0');
  put(scratch() / "fine_label_names.txt", "a\nb\nc\n");
  put(scratch() / "coarse_label_names.txt", "x\ny\n");
  put(scratch() / "batches.meta.txt", "a\nb\nc\n");
  put(scratch() / "train.bin", record);
  put(scratch() / "test.bin", record);
  for (int i = 1; i <= 5; ++i)
    put(scratch() / ("data_batch_" + std::to_string(i) + ".bin"), record.substr(1));
  put(scratch() / "test_batch.bin", record.substr(1));
  constexpr const char* names[] = {
      "train.bin",        "test.bin",       "fine_label_names.txt", "coarse_label_names.txt",
      "data_batch_3.bin", "test_batch.bin", "batches.meta.txt"};
  put(scratch() / names[data[0] % 7], std::span(data + 1, size - 1));
  LoadOptions options;
  options.threads = 1;
  options.memory = 64 << 20;
  try_to([&] {
    Dataset dataset;
    data[0] % 7 < 4 ? read_cifar100(scratch(), options, dataset) : read_cifar10(scratch(), options, dataset);
    check(dataset);
  });
  return 0;
}
