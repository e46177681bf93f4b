#include "data/sources.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "base/units.h"
#include "data/cifar.h"
#include "data/dataset.h"
#include "data/idx.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

void check_images(const ImageSet& images, const char* split, int64_t count, size_t classes) {
  if (images.count != count) {
    throw Error(with_thousands(images.count) + " " + split + " images instead of " + with_thousands(count));
  }
  std::vector<int64_t> each(classes);
  for (const int32_t label : images.labels) ++each.at(static_cast<size_t>(label));
  for (size_t label = 0; label < classes; ++label) {
    if (each[label] == count / static_cast<int64_t>(classes)) continue;
    throw Error(with_thousands(each[label]) + " " + split + " images of class " + std::to_string(label) +
                " instead of " + with_thousands(count / static_cast<int64_t>(classes)));
  }
}

/// So many images to train on and 10,000 to test with, as many of each class.
auto expect(void (*read)(const fs::path&, const LoadOptions&, Dataset&), int64_t train_images,
            size_t classes) {
  return [=](const fs::path& directory) {
    Dataset data;
    read(directory, {}, data);
    if (data.classes.size() != classes) {
      throw Error(std::to_string(data.classes.size()) + " classes instead of " + std::to_string(classes));
    }
    check_images(data.train, "training", train_images, classes);
    check_images(data.test, "test", 10000, classes);
  };
}

DataSource cifar(const std::string& digits, const std::string& folder, int64_t bytes,
                 const Checksums& checksums) {
  const std::string file = "cifar-" + digits + "-binary.tar.gz";
  // The second address is where the first leads since the authors' page has moved.
  return {.name = "cifar" + digits,
          .title = "CIFAR-" + digits,
          .files = {{.name = file,
                     .urls = {"https://www.cs.toronto.edu/~kriz/" + file,
                              "https://cave.cs.toronto.edu/kriz/" + file},
                     .bytes = bytes,
                     .checksums = checksums}},
          .archive = true,
          .folder = folder,
          .max_unpacked_bytes = 200'000'000};
}

RemoteFile fashion(const std::string& file, int64_t bytes, const Checksums& checksums) {
  return {.name = file,
          .urls = {"https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/" + file,
                   "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/" + file},
          .bytes = bytes,
          .checksums = checksums};
}

// The publishers state the MD5s alone. The SHA-256s are those that others who distribute or read these files
// publish (TensorFlow Datasets, MLDatasets.jl); both must hold.
std::vector<DataSource> make_sources() {
  DataSource cifar10 = cifar("10", "cifar-10-batches-bin", 170'052'171,
                             {.md5 = "c32a1d4ab5d03f1284b67883e8d87530",
                              .sha256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"});
  cifar10.check = expect(read_cifar10, 50000, 10);
  DataSource cifar100 = cifar("100", "cifar-100-binary", 168'513'733,
                              {.md5 = "03b5dce01913d631647c71ecec9e9cb8",
                               .sha256 = "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"});
  cifar100.check = expect(read_cifar100, 50000, 100);
  DataSource fashion_mnist{
      .name = "fashion-mnist",
      .title = "Fashion-MNIST",
      .files = {fashion("train-images-idx3-ubyte.gz", 26'421'880,
                        {.md5 = "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                         .sha256 = "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"}),
                fashion("train-labels-idx1-ubyte.gz", 29'515,
                        {.md5 = "25c81989df183df01b3e8a0aad5dffbe",
                         .sha256 = "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"}),
                fashion("t10k-images-idx3-ubyte.gz", 4'422'102,
                        {.md5 = "bef4ecab320f06d8554ea6380940ec79",
                         .sha256 = "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"}),
                fashion("t10k-labels-idx1-ubyte.gz", 5'148,
                        {.md5 = "bb300cfdad3c16e7a12a480ee83cd310",
                         .sha256 = "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"})}};
  fashion_mnist.check = expect(read_idx, 60000, 10);
  return {cifar10, cifar100, fashion_mnist};
}

}  // namespace

const std::vector<DataSource>& known_sources() {
  static const std::vector<DataSource> sources = make_sources();
  return sources;
}

DataSource find_source(const std::string& name) {
  const auto found = std::ranges::find(known_sources(), name, &DataSource::name);
  if (found != known_sources().end()) return *found;
  std::vector<std::string> names;
  for (const DataSource& source : known_sources()) names.push_back(source.name);
  throw usage_error("fetch: no data set " + in_quotes(name) + " is known; known are " + join(names));
}

}  // namespace frugal
