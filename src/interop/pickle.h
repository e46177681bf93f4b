// Python's pickles, protocols 2 to 5, read as data. A pickle is a small program for a stack machine; this one
// builds plain values and calls nothing: what names a class or would call it is put to PickleObjects, which
// knows a handful by name and refuses the rest.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "interop/pickle_value.h"

namespace frugal {

/// What a pickle may name. Each throws an Error for what it does not know.
class PickleObjects {
 public:
  virtual ~PickleObjects() = default;
  virtual PickleValue global(std::string_view module, std::string_view name) = 0;
  /// What calling `callable`, a global, would make.
  virtual PickleValue call(Pickle& pickle, PickleRef callable, PickleRef arguments) = 0;
  /// What the pickle refers to outside of itself.
  virtual PickleValue persistent(Pickle& pickle, PickleRef id) = 0;
};

/// The pickle that `bytes`, less than 4 GiB, begin with. Errors begin with `file`. Takes time and memory in
/// proportion to the pickle's length, whatever it says, and no deeper a stack for deeper nesting.
Pickle read_pickle(std::span<const uint8_t> bytes, const std::string& file, PickleObjects& objects);

}  // namespace frugal
