#include "interop/torch_tensors.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/safetensors_header.h"
#include "base/text.h"
#include "base/units.h"

namespace frugal {
namespace {

constexpr int64_t copies_always_allowed = 64 << 10;

/// C order without gaps; extents of one have no stride.
bool is_dense(const TorchTensor& tensor) {
  int64_t expected = 1;
  for (size_t i = tensor.shape.size(); i-- > 0;) {
    if (tensor.shape[i] == 1) continue;
    if (tensor.strides[i] != expected) return false;
    expected *= tensor.shape[i];
  }
  return true;
}

/// Copies what the strides lead to, a row of the last dimension at a time.
void gather(const TorchTensor& tensor, std::span<const uint8_t> storage, size_t element,
            std::span<uint8_t> out) {
  if (out.empty()) return;
  const size_t last = tensor.shape.size() - 1;  // a scalar is dense
  const auto step = static_cast<size_t>(tensor.strides[last]) * element;
  std::vector<int64_t> index(tensor.shape.size());
  int64_t at = tensor.offset;
  for (size_t written = 0; written < out.size();) {
    const uint8_t* from = storage.data() + static_cast<size_t>(at) * element;
    for (int64_t i = 0; i < tensor.shape[last]; ++i, from += step, written += element)
      std::memcpy(out.data() + written, from, element);
    for (size_t d = last; d-- > 0;) {
      at += tensor.strides[d];
      if (++index[d] < tensor.shape[d]) break;
      at -= tensor.strides[d] * tensor.shape[d];
      index[d] = 0;
    }
  }
}

class Loading {
 public:
  Loading(const TorchStateDict& state, const TorchObjects& objects, const TorchStorageSource& source,
          const std::string& file, int64_t file_bytes, TensorFile& into)
      : state_(state),
        objects_(objects),
        source_(source),
        file_(file),
        copies_left_(4 * file_bytes + copies_always_allowed),
        into_(into) {}

  void run() {
    std::map<std::string, std::vector<size_t>> users;
    for (size_t i = 0; i < state_.tensors.size(); ++i) {
      const auto& [name, tensor] = state_.tensors[i];
      into_.tensors.push_back({name, std::string(tensor->dtype), tensor->shape, {}});
      sizes_.push_back(checked_size(name, *tensor));
      users[objects_.storages()[tensor->storage].key].push_back(i);
    }
    for (const auto& [key, tensors] : users) load(key, tensors);
  }

 private:
  [[noreturn]] void fail(const std::string& name, const std::string& why) const {
    throw Error(file_ + ": tensor " + in_quotes(name) + " " + why +
                "; the file is damaged or was not made by torch.save");
  }

  /// Bytes of the dense tensor, after everything that it claims was checked.
  int64_t checked_size(const std::string& name, const TorchTensor& tensor) {
    const TorchStorage& storage = objects_.storages()[tensor.storage];
    const int64_t element = safetensors_element_size(tensor.dtype);
    const int64_t bytes = source_.size(storage.key);
    int64_t claimed = 0;
    if (__builtin_mul_overflow(storage.elements, safetensors_element_size(storage.dtype), &claimed) ||
        claimed != bytes) {
      fail(name, "claims a storage of " + std::to_string(storage.elements) + " numbers of type " +
                     std::string(storage.dtype) + "; the file has " + with_thousands(bytes) +
                     " bytes for it");
    }
    if (tensor.shape.size() != tensor.strides.size()) fail(name, "has a shape and strides that do not match");
    int64_t size = element, last = tensor.offset;  // the place of its last number
    bool overflow = false;
    for (size_t i = 0; i < tensor.shape.size(); ++i) {
      int64_t reach = 0;
      // An empty tensor, too, must have extents that others can multiply.
      const int64_t extent = std::max<int64_t>(tensor.shape[i], 1);
      overflow |= __builtin_mul_overflow(size, extent, &size);
      overflow |= __builtin_mul_overflow(extent - 1, tensor.strides[i], &reach);
      overflow |= __builtin_add_overflow(last, reach, &last);
    }
    const bool empty = std::ranges::find(tensor.shape, 0) != tensor.shape.end();
    if (overflow || (!empty && last >= bytes / element)) fail(name, "reaches beyond its storage");
    if (empty) return 0;
    if (!is_dense(tensor)) {
      if (size > copies_left_) {
        throw Error(file_ + ": refused: tensor " + in_quotes(name) +
                    " and others repeat the same numbers until they take more than four times the file's "
                    "size; in Python, .clone() them before saving");
      }
      copies_left_ -= size;
    }
    return size;
  }

  void load(const std::string& key, const std::vector<size_t>& tensors) {
    std::vector<uint8_t> storage(static_cast<size_t>(source_.size(key)));
    source_.read(key, storage);
    bool shared = false;
    for (const size_t i : tensors) {
      const TorchTensor& tensor = *state_.tensors[i].second;
      const auto element = static_cast<size_t>(safetensors_element_size(tensor.dtype));
      const auto size = static_cast<size_t>(sizes_[i]);
      if (size == 0) continue;
      if (is_dense(tensor)) {
        into_.tensors[i].data =
            std::span(storage).subspan(static_cast<size_t>(tensor.offset) * element, size);
        shared = true;
        continue;
      }
      std::vector<uint8_t> copy(size);
      gather(tensor, storage, element, copy);
      into_.tensors[i].data = copy;
      into_.storages.push_back(std::move(copy));
    }
    if (shared) into_.storages.push_back(std::move(storage));
  }

  const TorchStateDict& state_;
  const TorchObjects& objects_;
  const TorchStorageSource& source_;
  const std::string& file_;
  int64_t copies_left_;
  TensorFile& into_;
  std::vector<int64_t> sizes_;
};

}  // namespace

void load_torch_tensors(const TorchStateDict& state, const TorchObjects& objects,
                        const TorchStorageSource& source, const std::string& file, int64_t file_bytes,
                        TensorFile& into) {
  Loading(state, objects, source, file, file_bytes, into).run();
}

}  // namespace frugal
