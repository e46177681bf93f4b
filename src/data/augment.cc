#include "data/augment.h"

#include "base/error.h"
#include "base/spec.h"
#include "base/text.h"
#include "base/units.h"

namespace frugal {
namespace {

constexpr const char* flag = "--augment";
constexpr int64_t max_padding = 1024;

Augment make_augment(const Spec& spec) {
  if (spec.name == "flip") {
    spec.expect({});
    return {AugmentKind::flip};
  }
  if (spec.name == "crop") {
    spec.expect({}, 1);
    if (spec.values.empty()) throw usage_error(std::string(flag) + ": crop needs its padding, as in crop:4");
    const int64_t padding = parse_integer(spec.values[0], std::string(flag) + " crop");
    if (padding < 1 || padding > max_padding) {
      throw usage_error(std::string(flag) + ": crop:" + spec.values[0] + " is out of range; 1 to " +
                        std::to_string(max_padding) + " pixels will do");
    }
    return {AugmentKind::crop, static_cast<int>(padding)};
  }
  throw usage_error(std::string(flag) + ": unknown " + in_quotes(spec.name) +
                    "; known are none, flip, crop:PIXELS");
}

}  // namespace

std::vector<Augment> parse_augment(const std::string& text) {
  std::vector<Augment> list;
  if (trim(text).empty() || trim(text) == "none") return list;
  for (const Spec& spec : parse_spec_list(text, flag)) list.push_back(make_augment(spec));
  return list;
}

std::string to_string(const std::vector<Augment>& augment) {
  std::vector<std::string> items;
  items.reserve(augment.size());
  for (const Augment& each : augment) {
    items.push_back(each.kind == AugmentKind::flip ? "flip" : "crop:" + std::to_string(each.padding));
  }
  return items.empty() ? "none" : join(items, ",");
}

}  // namespace frugal
