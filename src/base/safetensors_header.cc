#include "base/safetensors_header.h"

#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace frugal {
namespace {

using Json = nlohmann::json;

/// Follows the parser event by event. A tree of the text would be simpler to read, but duplicates would be
/// lost in it and a hostile text could make it fifty times its own size.
class HeaderReader : public nlohmann::json_sax<Json> {
 public:
  explicit HeaderReader(const std::string& file) : file_(file) {}
  SafetensorsHeader header;

  bool null() override { return unexpected("null"); }
  bool boolean(bool /*value*/) override { return unexpected("a truth value"); }
  bool number_integer(Json::number_integer_t /*value*/) override { return unexpected("a negative number"); }
  bool number_float(Json::number_float_t /*value*/, const std::string& /*text*/) override {
    return unexpected("a number that is not whole");
  }
  bool binary(Json::binary_t& /*value*/) override { return unexpected("binary data"); }

  bool number_unsigned(Json::number_unsigned_t value) override {
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      return unexpected("a huge number");
    if (state_ == State::shape) {
      header.entries.back().shape.push_back(static_cast<int64_t>(value));
    } else if (state_ == State::offsets && offsets_ < 2) {
      (offsets_ == 0 ? header.entries.back().begin : header.entries.back().end) = static_cast<int64_t>(value);
      ++offsets_;
    } else {
      return unexpected("a number");
    }
    return true;
  }

  bool string(std::string& value) override {
    if (state_ == State::metadata) {
      header.metadata[key_] = std::move(value);
    } else if (state_ == State::tensor && key_ == "dtype") {
      header.entries.back().dtype = std::move(value);
    } else {
      return unexpected("a text");
    }
    return true;
  }

  bool start_object(std::size_t /*elements*/) override {
    if (state_ == State::start) {
      state_ = State::top;
    } else if (state_ == State::top && key_ == "__metadata__") {
      state_ = State::metadata;
    } else if (state_ == State::top) {
      state_ = State::tensor;
      header.entries.emplace_back().name = key_;
    } else {
      return unexpected("an object");
    }
    return true;
  }

  bool key(std::string& value) override {
    const bool inner = state_ == State::tensor || state_ == State::metadata;
    if (!(inner ? inner_keys_ : names_).insert(value).second) fail(in_quotes(value) + " is there twice");
    if (state_ == State::tensor && value != "dtype" && value != "shape" && value != "data_offsets") {
      fail(place() + " has an unknown field " + in_quotes(value));
    }
    key_ = std::move(value);
    return true;
  }

  bool end_object() override {
    if (state_ == State::tensor && inner_keys_.size() != 3)
      fail(place() + " lacks dtype, shape or data_offsets");
    inner_keys_.clear();
    state_ = state_ == State::top ? State::end : State::top;
    return true;
  }

  bool start_array(std::size_t /*elements*/) override {
    if (state_ == State::tensor && key_ == "shape") {
      state_ = State::shape;
    } else if (state_ == State::tensor && key_ == "data_offsets") {
      state_ = State::offsets;
      offsets_ = 0;
    } else {
      return unexpected("a list");
    }
    return true;
  }

  bool end_array() override {
    if (state_ == State::offsets && offsets_ != 2) fail(place() + " needs two data_offsets");
    state_ = State::tensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const Json::exception& /*error*/) override {
    fail("it is no JSON (byte " + std::to_string(position) + ")");
  }

 private:
  enum class State { start, top, metadata, tensor, shape, offsets, end };

  [[noreturn]] void fail(const std::string& why) const {
    throw Error(file_ + ": the safetensors header is broken: " + why +
                "; the file is damaged or of another kind");
  }
  bool unexpected(const std::string& what) const { fail("unexpected " + what + " in " + place()); }
  std::string place() const {
    switch (state_) {
      case State::start:
      case State::end:
        return "its first value";
      case State::top:
        return "entry " + in_quotes(key_);
      case State::metadata:
        return "metadata " + in_quotes(key_);
      default:
        return "tensor " + in_quotes(header.entries.back().name);
    }
  }

  const std::string& file_;
  State state_ = State::start;
  std::string key_;
  std::set<std::string> names_, inner_keys_;
  int offsets_ = 0;
};

}  // namespace

int64_t safetensors_element_size(std::string_view dtype) {
  static constexpr std::array<std::pair<std::string_view, int64_t>, 15> sizes{{{"BOOL", 1},
                                                                               {"U8", 1},
                                                                               {"I8", 1},
                                                                               {"F8_E4M3", 1},
                                                                               {"F8_E5M2", 1},
                                                                               {"U16", 2},
                                                                               {"I16", 2},
                                                                               {"F16", 2},
                                                                               {"BF16", 2},
                                                                               {"U32", 4},
                                                                               {"I32", 4},
                                                                               {"F32", 4},
                                                                               {"U64", 8},
                                                                               {"I64", 8},
                                                                               {"F64", 8}}};
  for (const auto& [name, size] : sizes) {
    if (name == dtype) return size;
  }
  return 0;
}

SafetensorsHeader parse_safetensors_header(std::span<const uint8_t> text, const std::string& file) {
  HeaderReader reader(file);
  Json::sax_parse(text.begin(), text.end(), &reader);
  return std::move(reader.header);
}

std::string safetensors_header_text(const std::map<std::string, std::string>& metadata,
                                    std::span<const TensorRecord> tensors) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  int64_t offset = 0;
  for (const TensorRecord& tensor : tensors) {
    const int64_t end = offset + static_cast<int64_t>(tensor.data.size());
    header[tensor.name] = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  // A path in the metadata may be no UTF-8; it is replaced rather than the save refused.
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace frugal
