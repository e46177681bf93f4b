// The few Python names that torch.save needs for tensors, and what they make. Everything else that a file
// names (posix.system, numpy's, a class of the author's own) is refused by that name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "interop/pickle.h"

namespace frugal {

/// A run of numbers that tensors are views of; its bytes lie elsewhere in the file, under `key`.
struct TorchStorage {
  std::string key;
  std::string_view dtype;  // safetensors' word
  int64_t elements = 0;
};

/// As the file claims it; nothing here has been held against the storage.
struct TorchTensor {
  size_t storage = 0;  // in TorchObjects::storages
  std::string_view dtype;
  int64_t offset = 0;                   // in elements
  std::vector<int64_t> shape, strides;  // in elements
};

/// "FloatStorage" of "F32"; empty where PyTorch has none for safetensors' word.
std::string_view torch_storage_name(std::string_view dtype);

class TorchObjects : public PickleObjects {
 public:
  explicit TorchObjects(const std::string& file) : file_(file) {}

  PickleValue global(std::string_view module, std::string_view name) override;
  PickleValue call(Pickle& pickle, PickleRef callable, PickleRef arguments) override;
  PickleValue persistent(Pickle& pickle, PickleRef id) override;

  const std::vector<TorchStorage>& storages() const { return storages_; }
  const TorchTensor& tensor(const PickleValue& value) const {
    return tensors_[static_cast<size_t>(value.number)];
  }

 private:
  [[noreturn]] void fail(const std::string& why) const;
  PickleValue make_dict(Pickle& pickle, const std::vector<PickleRef>& arguments);
  PickleValue make_tensor(const Pickle& pickle, const std::vector<PickleRef>& arguments, size_t most);
  PickleValue make_parameter(const Pickle& pickle, const std::vector<PickleRef>& arguments) const;
  int64_t integer(const Pickle& pickle, PickleRef value) const;
  std::vector<int64_t> integers(const Pickle& pickle, PickleRef value) const;

  const std::string& file_;
  std::vector<TorchStorage> storages_;
  std::vector<TorchTensor> tensors_;
  size_t copied_ = 0;  // items of lists into dictionaries
};

}  // namespace frugal
