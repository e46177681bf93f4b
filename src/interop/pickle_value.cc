#include "interop/pickle_value.h"

#include <bit>
#include <utility>

namespace frugal {

std::string_view Pickle::text(PickleRef value) const {
  const PickleValue& text = values_[value];
  return {reinterpret_cast<const char*>(bytes_.data()) + text.number, text.length};
}

double Pickle::real(PickleRef value) const { return std::bit_cast<double>(values_[value].number); }

const std::vector<PickleRef>& Pickle::items(PickleRef value) const {
  return items_[static_cast<size_t>(values_[value].number)];
}

std::vector<PickleRef>& Pickle::items_of(PickleRef value) {
  return items_[static_cast<size_t>(values_[value].number)];
}

PickleRef Pickle::add(const PickleValue& value) {
  values_.push_back(value);
  return static_cast<PickleRef>(values_.size() - 1);
}

PickleValue Pickle::add_items(PickleKind kind, std::vector<PickleRef> items) {
  items_.push_back(std::move(items));
  return {kind, 0, static_cast<int64_t>(items_.size() - 1)};
}

}  // namespace frugal
