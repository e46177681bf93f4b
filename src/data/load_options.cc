#include "data/load_options.h"

#include <cstdlib>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/units.h"

namespace frugal {

std::optional<ImageSize> parse_image_size(const std::string& text, const std::string& flag) {
  if (text == "auto") return std::nullopt;
  const size_t cross = text.find('x');
  const auto side = [&](const std::string& number) {
    const int64_t value = parse_integer(number, flag);
    if (value < 1 || value > max_image_side) {
      throw usage_error(flag + ": " + in_quotes(text) + " is out of range; sides have 1 to " +
                        with_thousands(max_image_side) + " pixels");
    }
    return value;
  };
  if (cross == std::string::npos) {
    const int64_t both = side(text);
    return ImageSize{both, both};
  }
  return ImageSize{side(text.substr(0, cross)), side(text.substr(cross + 1))};
}

void require_memory(int64_t bytes, const std::string& what, const LoadOptions& options) {
  const int64_t available = options.memory ? *options.memory : available_memory();
  if (bytes <= available) return;
  throw Error(what + " take " + human_bytes(bytes) + " of memory, but only " + human_bytes(available) +
              " are available (of the machine, or of the control group that this runs in); take fewer or "
              "smaller images (--image-size), or allow more memory");
}

std::filesystem::path user_cache() {
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') return {};
  return std::filesystem::path(home) / ".cache" / "frugal";
}

}  // namespace frugal
