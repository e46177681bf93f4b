// What a pickle builds, as values in tables: nesting and sharing are numbers of other values, so that a list
// that holds itself or a hundred thousand levels do no harm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace frugal {

enum class PickleKind : uint32_t {
  none,
  boolean,
  integer,
  large_integer,  // beyond 64 bits; its bytes are kept, little-endian
  real,
  text,
  bytes,
  list,  // sets, too: nobody asks for the difference
  tuple,
  dict,    // keys and values by turns
  global,  // this and the two below: a number that PickleObjects gave
  storage,
  tensor,
  other,  // harmless, and of no use here
};

using PickleRef = uint32_t;  // a value's number

/// Small, since a hostile byte can make one: texts stay in the pickle, items in Pickle.
struct PickleValue {
  PickleKind kind = PickleKind::none;
  uint32_t length = 0;  // of text, bytes, large_integer; 1 for a tensor that a state may be hung onto
  int64_t number = 0;   // boolean, integer; place of text or items; what PickleObjects gave
};

/// The values of one pickle; texts point into its bytes, which must stay.
class Pickle {
 public:
  explicit Pickle(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  const PickleValue& operator[](PickleRef value) const { return values_[value]; }
  PickleKind kind(PickleRef value) const { return values_[value].kind; }
  std::string_view text(PickleRef value) const;  // of text, bytes or large_integer
  double real(PickleRef value) const;
  const std::vector<PickleRef>& items(PickleRef value) const;  // of list, tuple or dict

  PickleRef root() const { return root_; }
  size_t size() const { return size_; }  // bytes from PROTO to STOP
  size_t available() const { return bytes_.size(); }

  // For building it.
  PickleRef add(const PickleValue& value);
  PickleValue add_items(PickleKind kind, std::vector<PickleRef> items);
  std::vector<PickleRef>& items_of(PickleRef value);
  void finish(PickleRef root, size_t size) { root_ = root, size_ = size; }

 private:
  std::span<const uint8_t> bytes_;
  std::vector<PickleValue> values_;
  std::vector<std::vector<PickleRef>> items_;
  PickleRef root_ = 0;
  size_t size_ = 0;
};

}  // namespace frugal
