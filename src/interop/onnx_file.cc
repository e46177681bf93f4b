#include "interop/onnx_file.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/file.h"
#include "base/tensor_file.h"
#include "base/text.h"
#include "interop/onnx_types.h"

namespace frugal {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr int64_t most_bytes = int64_t{1} << 30;
constexpr int64_t first_opset = 9, last_opset = 22;

enum class Message { model, graph, node, attribute, tensor, value, type, tensor_type, shape, leaf, none };

/// What lies in a field of a message, as onnx.proto declares it.
Message inside(Message message, int field) {
  switch (message) {
    case Message::model:
      return field == 7 ? Message::graph : field == 8 || field == 14 ? Message::leaf : Message::none;
    case Message::graph:
      if (field == 1) return Message::node;
      if (field == 5) return Message::tensor;
      return field == 11 || field == 12 ? Message::value : Message::none;
    case Message::node:
      return field == 5 ? Message::attribute : Message::none;
    case Message::attribute:
      return field == 5 ? Message::tensor : Message::none;
    case Message::tensor:
      return field == 13 ? Message::leaf : Message::none;
    case Message::value:
      return field == 2 ? Message::type : Message::none;
    case Message::type:
      return field == 1 ? Message::tensor_type : Message::none;
    case Message::tensor_type:
      return field == 2 ? Message::shape : Message::none;
    case Message::shape:
      return field == 1 ? Message::leaf : Message::none;
    case Message::leaf:
    case Message::none:
      break;
  }
  return Message::none;
}

/// Counts texts and messages before they become objects: an empty one takes two bytes of the file and a
/// hundred of memory. False where the bytes are no message.
bool count_pieces(CodedInputStream& stream, Message message, int64_t& pieces) {
  while (const uint32_t tag = stream.ReadTag()) {
    if (WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      if (!WireFormatLite::SkipField(&stream, tag)) return false;
      continue;
    }
    ++pieces;
    uint32_t size = 0;
    if (!stream.ReadVarint32(&size) || size > static_cast<uint32_t>(most_bytes)) return false;
    const Message child = inside(message, WireFormatLite::GetTagFieldNumber(tag));
    if (child == Message::none) {
      if (!stream.Skip(static_cast<int>(size))) return false;
      continue;
    }
    const CodedInputStream::Limit limit = stream.PushLimit(static_cast<int>(size));
    if (!count_pieces(stream, child, pieces) || stream.BytesUntilLimit() != 0) return false;
    stream.PopLimit(limit);
  }
  return stream.ConsumedEntireMessage();
}

void check_opset(const onnx::Model& model, const std::string& file) {
  for (const onnx::OperatorSet& set : model.opset_import()) {
    if (!set.domain().empty() && set.domain() != "ai.onnx") continue;
    if (set.version() >= first_opset && set.version() <= last_opset) return;
    throw Error(file + ": it uses version " + std::to_string(set.version()) +
                " of ONNX's operators; frugal reads " + std::to_string(first_opset) + " to " +
                std::to_string(last_opset) + ", so export it with opset_version=17");
  }
  throw Error(file + ": it does not say which version of ONNX's operators it uses; is it an ONNX file?");
}

template <class List>
void append(std::vector<uint8_t>& bytes, const List& list) {
  using Number = typename List::value_type;
  bytes.resize(static_cast<size_t>(list.size()) * sizeof(Number));
  if (!bytes.empty()) std::memcpy(bytes.data(), list.data(), bytes.size());
}

/// Half floats, bytes and the like are kept in int32_data one by one.
void append_narrow(std::vector<uint8_t>& bytes, const onnx::Tensor& tensor, size_t width) {
  bytes.reserve(static_cast<size_t>(tensor.int32_data_size()) * width);
  for (const int32_t number : tensor.int32_data()) {
    for (size_t i = 0; i < width; ++i) {
      bytes.push_back(static_cast<uint8_t>(static_cast<uint32_t>(number) >> (8 * i)));
    }
  }
}

struct ElementType {
  onnx::TensorElement element;
  const char* name;
  size_t bytes;
};
constexpr ElementType element_types[] = {
    {onnx::TensorElement::float32, "F32", 4}, {onnx::TensorElement::float64, "F64", 8},
    {onnx::TensorElement::float16, "F16", 2}, {onnx::TensorElement::bfloat16, "BF16", 2},
    {onnx::TensorElement::int64, "I64", 8},   {onnx::TensorElement::int32, "I32", 4},
    {onnx::TensorElement::int16, "I16", 2},   {onnx::TensorElement::int8, "I8", 1},
    {onnx::TensorElement::uint8, "U8", 1},    {onnx::TensorElement::boolean, "BOOL", 1},
};

const ElementType& type_of(const onnx::Tensor& tensor, const std::string& file) {
  const auto* found = std::ranges::find_if(element_types, [&](const ElementType& type) {
    return static_cast<int32_t>(type.element) == tensor.data_type();
  });
  if (found != std::end(element_types)) return *found;
  throw Error(file + ": tensor " + in_quotes(tensor.name()) + " is of ONNX's type number " +
              std::to_string(tensor.data_type()) + ", which cannot be used as numbers");
}

std::string external_file(const onnx::Tensor& tensor) {
  for (const onnx::Pair& pair : tensor.external_data()) {
    if (pair.key() == "location") return pair.value();
  }
  return "?";
}

}  // namespace

onnx::Model parse_onnx_model(std::span<const uint8_t> bytes, const std::string& file) {
  if (std::ssize(bytes) > most_bytes) throw Error(file + ": it is larger than 1 GiB");
  const auto size = static_cast<int>(bytes.size());
  CodedInputStream stream(bytes.data(), size);
  int64_t pieces = 0;
  onnx::Model model;
  if (!count_pieces(stream, Message::model, pieces)) {
    throw Error(file + ": it is no ONNX file, or damaged");
  }
  constexpr int64_t few = 1000, bytes_a_piece = 6;
  if (pieces > few + std::ssize(bytes) / bytes_a_piece) {
    throw Error(file + ": it consists of " + std::to_string(pieces) + " pieces, most of them empty; refused");
  }
  if (!model.ParseFromArray(bytes.data(), size)) throw Error(file + ": it is no ONNX file, or damaged");
  check_opset(model, file);
  return model;
}

onnx::Model read_onnx_model(const std::filesystem::path& path) {
  return parse_onnx_model(read_file(path, most_bytes), path.string());
}

bool holds_only(const onnx::Tensor& tensor, float number, const std::string& file) {
  const std::vector<float> numbers = floats_of(tensor, file);
  return std::ranges::all_of(numbers, [&](float value) { return value == number; });
}

int64_t elements_of(const onnx::Tensor& tensor, const std::string& file) {
  int64_t elements = 1;
  for (const int64_t extent : tensor.dims()) {
    if (extent < 0 || extent > most_bytes || (elements *= extent) > most_bytes) {
      throw Error(file + ": tensor " + in_quotes(tensor.name()) + " has impossible dimensions");
    }
  }
  return elements;
}

OnnxNumbers numbers_of(const onnx::Tensor& tensor, const std::string& file) {
  if (tensor.data_location() != 0 || tensor.external_data_size() != 0) {
    throw Error(file + ": the numbers of tensor " + in_quotes(tensor.name()) + " lie in another file, " +
                in_quotes(external_file(tensor)) +
                ", which frugal does not follow; save the network as one file");
  }
  const ElementType& type = type_of(tensor, file);
  const int64_t elements = elements_of(tensor, file);
  const auto expected = static_cast<size_t>(elements) * type.bytes;
  OnnxNumbers numbers{type.name, {tensor.dims().begin(), tensor.dims().end()}, {}};
  const auto expect = [&](size_t bytes) {
    if (bytes == expected) return;
    throw Error(file + ": tensor " + in_quotes(tensor.name()) + " has " + std::to_string(elements) +
                " elements by its dimensions and " + std::to_string(bytes) + " bytes; the file is damaged");
  };
  if (tensor.has_raw_data()) {
    expect(tensor.raw_data().size());
    numbers.bytes.assign(tensor.raw_data().begin(), tensor.raw_data().end());
    return numbers;
  }
  if (type.element == onnx::TensorElement::float32) {
    append(numbers.bytes, tensor.float_data());
  } else if (type.element == onnx::TensorElement::float64) {
    append(numbers.bytes, tensor.double_data());
  } else if (type.element == onnx::TensorElement::int64) {
    append(numbers.bytes, tensor.int64_data());
  } else {
    append_narrow(numbers.bytes, tensor, type.bytes);
  }
  expect(numbers.bytes.size());
  return numbers;
}

std::optional<std::vector<int64_t>> integers_of(const onnx::Tensor& tensor, const std::string& file,
                                                int64_t most) {
  if (elements_of(tensor, file) > most) return std::nullopt;
  const OnnxNumbers numbers = numbers_of(tensor, file);
  std::vector<int64_t> values;
  if (numbers.dtype == "I64") {
    values.resize(numbers.bytes.size() / sizeof(int64_t));
    if (!values.empty()) std::memcpy(values.data(), numbers.bytes.data(), numbers.bytes.size());
    return values;
  }
  if (numbers.dtype != "I32") return std::nullopt;
  for (size_t at = 0; at < numbers.bytes.size(); at += sizeof(int32_t)) {
    int32_t value = 0;
    std::memcpy(&value, numbers.bytes.data() + at, sizeof value);
    values.push_back(value);
  }
  return values;
}

std::vector<float> floats_of(const onnx::Tensor& tensor, const std::string& file) {
  const OnnxNumbers numbers = numbers_of(tensor, file);
  return to_floats({tensor.name(), numbers.dtype, numbers.shape, numbers.bytes});
}

}  // namespace frugal
