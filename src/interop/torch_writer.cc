// Writes PyTorch's zip layout: a pickle of protocol 2, made of the opcodes that torch.load(weights_only=True)
// knows, and an entry for each tensor.
#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/safetensors_header.h"
#include "base/text.h"
#include "interop/torch_file.h"
#include "interop/torch_objects.h"
#include "interop/zip_writer.h"

namespace frugal {
namespace {

std::span<const uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

void put(std::string& out, int64_t value, int count) {
  for (int i = 0; i < count; ++i) out += static_cast<char>(value >> (8 * i));
}

void put_text(std::string& out, std::string_view text) {
  out += 'X';
  put(out, static_cast<int64_t>(text.size()), 4);
  out += text;
}

void put_global(std::string& out, std::string_view module, std::string_view name) {
  out += 'c';
  out.append(module).append("\n").append(name).append("\n");
}

void put_integer(std::string& out, int64_t value) {
  if (value == static_cast<int32_t>(value)) {
    out += 'J';
    put(out, value, 4);
  } else {
    out += "\x8a\x08";
    put(out, value, 8);
  }
}

void put_integers(std::string& out, const std::vector<int64_t>& values) {
  out += '(';
  for (const int64_t value : values) put_integer(out, value);
  out += 't';
}

void put_empty_dict(std::string& out) {
  put_global(out, "collections", "OrderedDict");
  out += ")R";
}

std::vector<int64_t> dense_strides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= std::max<int64_t>(shape[i], 1);
  }
  return strides;
}

/// _rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())
void put_tensor(std::string& out, const TensorRecord& tensor, const std::string& key) {
  put_global(out, "torch._utils", "_rebuild_tensor_v2");
  out += "((";
  put_text(out, "storage");
  put_global(out, "torch", torch_storage_name(tensor.dtype));
  put_text(out, key);
  put_text(out, "cpu");
  put_integer(out, static_cast<int64_t>(tensor.data.size()) / safetensors_element_size(tensor.dtype));
  out += "tQ";
  put_integer(out, 0);
  put_integers(out, tensor.shape);
  put_integers(out, dense_strides(tensor.shape));
  out += '\x89';
  put_empty_dict(out);
  out += "tR";
}

std::string pickle_of(std::span<const TensorRecord> tensors) {
  std::string out = "\x80\x02";
  put_empty_dict(out);
  out += '(';
  for (size_t i = 0; i < tensors.size(); ++i) {
    put_text(out, tensors[i].name);
    put_tensor(out, tensors[i], std::to_string(i));
  }
  out += "u.";
  return out;
}

void check(const std::filesystem::path& path, std::span<const TensorRecord> tensors) {
  std::set<std::string_view> names;
  for (const TensorRecord& tensor : tensors) {
    const auto fail = [&](const std::string& why) {
      throw Error("cannot write " + path.string() + ": tensor " + in_quotes(tensor.name) + " " + why);
    };
    if (!names.insert(tensor.name).second) fail("is there twice");
    if (torch_storage_name(tensor.dtype).empty())
      fail("is of type " + tensor.dtype + ", which PyTorch's files cannot hold; write .safetensors");
    int64_t bytes = safetensors_element_size(tensor.dtype);
    bool empty = false;
    for (const int64_t extent : tensor.shape) {
      empty |= extent == 0;
      if (__builtin_mul_overflow(bytes, std::max<int64_t>(extent, 1), &bytes))
        fail("has a shape beyond 64 bits");
    }
    if (empty) bytes = 0;
    if (bytes != static_cast<int64_t>(tensor.data.size()))
      fail("has " + std::to_string(tensor.data.size()) + " bytes, its shape needs " + std::to_string(bytes));
  }
}

}  // namespace

void write_torch_file(const std::filesystem::path& path, std::span<const TensorRecord> tensors) {
  check(path, tensors);
  const std::string pickle = pickle_of(tensors);
  std::vector<ZipContent> contents{{"archive/data.pkl", bytes_of(pickle)},
                                   {"archive/byteorder", bytes_of("little")}};
  for (size_t i = 0; i < tensors.size(); ++i)
    contents.push_back({"archive/data/" + std::to_string(i), tensors[i].data});
  contents.push_back({"archive/version", bytes_of("3\n")});
  write_zip(path, contents);
}

}  // namespace frugal
