#include "frugal/classifier.h"

#include <utility>

#include "base/error.h"
#include "data/image_file.h"
#include "eval/loaded_model.h"
#include "eval/predict.h"

namespace frugal {

struct Classifier::Parts {
  LoadedModel model;
};

Classifier::Classifier(const std::filesystem::path& run_or_file, int threads) {
  EngineOptions options;
  options.precision = choose_precision("auto");
  options.threads = threads;
  parts_ = std::make_unique<Parts>(Parts{load_model(find_model(run_or_file), options)});
}

Classifier::~Classifier() = default;
Classifier::Classifier(Classifier&&) noexcept = default;
Classifier& Classifier::operator=(Classifier&&) noexcept = default;

const std::vector<std::string>& Classifier::classes() const { return parts_->model.info.classes; }
int64_t Classifier::channels() const { return parts_->model.info.input.c; }

std::vector<Guess> Classifier::classify(const Image& picture, int top) {
  return classify(std::span(&picture, 1), top).front();
}

std::vector<std::vector<Guess>> Classifier::classify(std::span<const Image> pictures, int top) {
  if (top < 1) throw usage_error("classify: " + std::to_string(top) + " classes were asked for");
  const Shape input = parts_->model.info.input;
  ImageSet set{0, input.h, input.w, input.c, {}, {}, {}};
  for (const Image& picture : pictures) {
    constexpr int64_t longest = int64_t{1} << 24;  // products of more could overflow
    if (picture.channels != input.c || picture.height < 1 || picture.width < 1 || picture.height > longest ||
        picture.width > longest ||
        std::ssize(picture.pixels) != picture.height * picture.width * picture.channels) {
      throw usage_error("classify: a picture of " + std::to_string(picture.channels) + " x " +
                        std::to_string(picture.height) + " x " + std::to_string(picture.width) + " with " +
                        std::to_string(picture.pixels.size()) + " values; the network takes " +
                        std::to_string(input.c) + " channels");
    }
    add_picture(set, picture);
  }
  return predict(*parts_->model.engine, set, parts_->model.info.normalization, parts_->model.graph.classes,
                 top);
}

Image read_picture(const std::filesystem::path& path, int channels) {
  if (channels != 1 && channels != 3) throw usage_error("read_picture: a picture has 1 or 3 channels");
  return read_image(path, channels);
}

}  // namespace frugal
