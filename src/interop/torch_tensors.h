// From a state_dict to tensors with their bytes: checks every claim about sizes against the storages, then
// reads each storage once, straight to where it stays.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/tensor_file.h"
#include "interop/torch_objects.h"
#include "interop/torch_state_dict.h"

namespace frugal {

/// Where a layout keeps the bytes of its storages.
class TorchStorageSource {
 public:
  virtual ~TorchStorageSource() = default;
  /// Bytes that the file really has for a storage; an Error where there are none of that key.
  virtual int64_t size(const std::string& key) const = 0;
  virtual void read(const std::string& key, std::span<uint8_t> bytes) const = 0;
};

/// Dense tensors share their storage; others are copied into order, and their storage is dropped where nobody
/// needs it. The copies may take four times the file's size, so that a few hostile bytes cannot ask for more
/// (an expanded tensor repeats a number without end).
void load_torch_tensors(const TorchStateDict& state, const TorchObjects& objects,
                        const TorchStorageSource& source, const std::string& file, int64_t file_bytes,
                        TensorFile& into);

}  // namespace frugal
