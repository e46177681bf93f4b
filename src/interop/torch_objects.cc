#include "interop/torch_objects.h"

#include <array>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace frugal {
namespace {

// Both are copied for each use that a pickle makes of one text or tuple.
constexpr size_t max_key = 200, max_dimensions = 16;

enum class Makes { dict, tensor, tensor_v2, tensor_v3, parameter, old_parameter, storage, dtype, other };

struct Known {
  std::string_view module, name;
  Makes makes;
  std::string_view dtype = {};
};

constexpr std::array known{
    Known{"collections", "OrderedDict", Makes::dict},
    Known{"torch._utils", "_rebuild_tensor", Makes::tensor},
    Known{"torch._utils", "_rebuild_tensor_v2", Makes::tensor_v2},
    Known{"torch._utils", "_rebuild_tensor_v3", Makes::tensor_v3},
    Known{"torch._utils", "_rebuild_parameter", Makes::parameter},
    Known{"torch.nn.parameter", "Parameter", Makes::old_parameter},  // before 0.4
    Known{"torch._utils", "_rebuild_parameter_with_state", Makes::parameter},
    Known{"torch", "DoubleStorage", Makes::storage, "F64"},
    Known{"torch", "FloatStorage", Makes::storage, "F32"},
    Known{"torch", "HalfStorage", Makes::storage, "F16"},
    Known{"torch", "BFloat16Storage", Makes::storage, "BF16"},
    Known{"torch", "LongStorage", Makes::storage, "I64"},
    Known{"torch", "IntStorage", Makes::storage, "I32"},
    Known{"torch", "ShortStorage", Makes::storage, "I16"},
    Known{"torch", "CharStorage", Makes::storage, "I8"},
    Known{"torch", "ByteStorage", Makes::storage, "U8"},
    Known{"torch", "BoolStorage", Makes::storage, "BOOL"},
    Known{"torch.storage", "UntypedStorage", Makes::storage, "U8"},
    Known{"torch", "UntypedStorage", Makes::storage, "U8"},
    Known{"torch", "float64", Makes::dtype, "F64"},
    Known{"torch", "float32", Makes::dtype, "F32"},
    Known{"torch", "float16", Makes::dtype, "F16"},
    Known{"torch", "bfloat16", Makes::dtype, "BF16"},
    Known{"torch", "float8_e4m3fn", Makes::dtype, "F8_E4M3"},
    Known{"torch", "float8_e5m2", Makes::dtype, "F8_E5M2"},
    Known{"torch", "int64", Makes::dtype, "I64"},
    Known{"torch", "int32", Makes::dtype, "I32"},
    Known{"torch", "int16", Makes::dtype, "I16"},
    Known{"torch", "int8", Makes::dtype, "I8"},
    Known{"torch", "uint64", Makes::dtype, "U64"},
    Known{"torch", "uint32", Makes::dtype, "U32"},
    Known{"torch", "uint16", Makes::dtype, "U16"},
    Known{"torch", "uint8", Makes::dtype, "U8"},
    Known{"torch", "bool", Makes::dtype, "BOOL"},
    // Harmless values that stand beside tensors in checkpoints: sizes, devices, a schedule's milestones, and
    // how protocol 2 spells sets and bytes.
    Known{"torch", "Size", Makes::other},
    Known{"torch", "device", Makes::other},
    Known{"collections", "Counter", Makes::other},
    Known{"builtins", "set", Makes::other},
    Known{"__builtin__", "set", Makes::other},
    Known{"builtins", "frozenset", Makes::other},
    Known{"__builtin__", "frozenset", Makes::other},
    Known{"_codecs", "encode", Makes::other},
};

const Known& known_of(const Pickle& pickle, PickleRef global) {
  return known[static_cast<size_t>(pickle[global].number)];
}

/// What a callable of `known` is called with, at least and at most.
std::pair<size_t, size_t> argument_counts(Makes makes) {
  switch (makes) {
    case Makes::dict:
      return {0, 1};
    case Makes::tensor:
      return {4, 4};
    case Makes::tensor_v2:
      return {6, 7};
    case Makes::tensor_v3:
      return {7, 8};
    case Makes::parameter:
      return {3, 4};
    case Makes::old_parameter:
      return {1, 2};
    default:
      return {0, 16};
  }
}

}  // namespace

std::string_view torch_storage_name(std::string_view dtype) {
  for (const Known& each : known) {
    if (each.makes == Makes::storage && each.dtype == dtype) return each.name;
  }
  return {};
}

void TorchObjects::fail(const std::string& why) const {
  throw Error(file_ + ": its pickle " + why + "; the file is damaged or was not made by torch.save");
}

PickleValue TorchObjects::global(std::string_view module, std::string_view name) {
  for (size_t i = 0; i < known.size(); ++i) {
    if (known[i].module == module && known[i].name == name)
      return {PickleKind::global, 0, static_cast<int64_t>(i)};
  }
  throw Error(
      file_ + ": refused: it names " + in_quotes(std::string(module) + "." + std::string(name)) +
      ", which tensors do not need and which could run code; if you trust the file, load it in Python and "
      "torch.save the state_dict alone");
}

PickleValue TorchObjects::call(Pickle& pickle, PickleRef callable, PickleRef arguments) {
  const Known& function = known_of(pickle, callable);
  const std::vector<PickleRef>& given = pickle.items(arguments);
  const auto [least, most] = argument_counts(function.makes);
  if (given.size() < least || given.size() > most) {
    fail("calls " + std::string(function.name) + " with " + std::to_string(given.size()) + " arguments");
  }
  switch (function.makes) {
    case Makes::dict:
      return make_dict(pickle, given);
    case Makes::tensor:
    case Makes::tensor_v2:
    case Makes::tensor_v3:
      return make_tensor(pickle, given, most);
    case Makes::parameter:
      return make_parameter(pickle, given);
    case Makes::old_parameter: {
      PickleValue parameter = make_parameter(pickle, given);
      parameter.length = 1;
      return parameter;
    }
    case Makes::other:
      return {PickleKind::other, 0, 0};
    default:
      fail("calls " + std::string(function.name));
  }
}

/// OrderedDict(), or OrderedDict([[key, value], ...]) as Python 2 wrote it.
PickleValue TorchObjects::make_dict(Pickle& pickle, const std::vector<PickleRef>& arguments) {
  std::vector<PickleRef> items;
  if (!arguments.empty()) {
    if (pickle.kind(arguments[0]) != PickleKind::list) fail("makes a dictionary of what is no list");
    for (const PickleRef pair : pickle.items(arguments[0])) {
      const PickleKind kind = pickle.kind(pair);
      if ((kind != PickleKind::list && kind != PickleKind::tuple) || pickle.items(pair).size() != 2)
        fail("makes a dictionary of what are no pairs");
      items.insert(items.end(), pickle.items(pair).begin(), pickle.items(pair).end());
    }
    // A list costs its bytes once, and could be called for again and again.
    copied_ += items.size();
    if (copied_ > pickle.available()) fail("makes dictionaries of the same list again and again");
  }
  return pickle.add_items(PickleKind::dict, std::move(items));
}

/// (storage, offset, size, stride, requires_grad, hooks, [dtype,] metadata): version 1 ends with the strides,
/// version 3 has the type. `most` arguments tell the version.
PickleValue TorchObjects::make_tensor(const Pickle& pickle, const std::vector<PickleRef>& arguments,
                                      size_t most) {
  if (pickle.kind(arguments[0]) != PickleKind::storage) fail("makes a tensor without a storage");
  TorchTensor tensor;
  tensor.storage = static_cast<size_t>(pickle[arguments[0]].number);
  tensor.dtype = storages_[tensor.storage].dtype;
  tensor.offset = integer(pickle, arguments[1]);
  tensor.shape = integers(pickle, arguments[2]);
  tensor.strides = integers(pickle, arguments[3]);
  if (most == 8) {
    if (pickle.kind(arguments[6]) != PickleKind::global ||
        known_of(pickle, arguments[6]).makes != Makes::dtype)
      fail("makes a tensor of no type");
    tensor.dtype = known_of(pickle, arguments[6]).dtype;
  }
  if (most > 4 && arguments.size() == most) {
    // Says that the numbers are to be negated or conjugated.
    const PickleRef metadata = arguments.back();
    const PickleKind kind = pickle.kind(metadata);
    if (kind != PickleKind::none && (kind != PickleKind::dict || !pickle.items(metadata).empty())) {
      throw Error(file_ +
                  ": has a tensor that is a negated or conjugate view; in Python, .resolve_neg() or "
                  ".resolve_conj() it before saving");
    }
  }
  tensors_.push_back(std::move(tensor));
  return {PickleKind::tensor, 0, static_cast<int64_t>(tensors_.size() - 1)};
}

PickleValue TorchObjects::make_parameter(const Pickle& pickle,
                                         const std::vector<PickleRef>& arguments) const {
  if (pickle.kind(arguments[0]) != PickleKind::tensor) fail("makes a parameter of what is no tensor");
  return pickle[arguments[0]];
}

/// ("storage", type, key, device, elements[, view]); the older layout has the last.
PickleValue TorchObjects::persistent(Pickle& pickle, PickleRef id) {
  if (pickle.kind(id) != PickleKind::tuple) fail("refers to something by what is no tuple");
  const std::vector<PickleRef>& parts = pickle.items(id);
  if ((parts.size() != 5 && parts.size() != 6) || pickle.kind(parts[0]) != PickleKind::text ||
      pickle.text(parts[0]) != "storage")
    fail("refers to something that is no storage");
  if (pickle.kind(parts[1]) != PickleKind::global || known_of(pickle, parts[1]).makes != Makes::storage)
    fail("has a storage of no type");
  if (pickle.kind(parts[2]) != PickleKind::text || pickle.text(parts[2]).size() > max_key)
    fail("has a storage without a key, or with one of more than " + std::to_string(max_key) + " bytes");
  if (parts.size() == 6 && pickle.kind(parts[5]) != PickleKind::none) {
    throw Error(file_ +
                ": has a storage that is a view of another, as no PyTorch since 1.0 writes them; load it in "
                "Python and torch.save the state_dict again");
  }
  const int64_t elements = integer(pickle, parts[4]);
  storages_.push_back({std::string(pickle.text(parts[2])), known_of(pickle, parts[1]).dtype, elements});
  return {PickleKind::storage, 0, static_cast<int64_t>(storages_.size() - 1)};
}

int64_t TorchObjects::integer(const Pickle& pickle, PickleRef value) const {
  if (pickle.kind(value) != PickleKind::integer || pickle[value].number < 0)
    fail("has a size that is no number from 0 on");
  return pickle[value].number;
}

std::vector<int64_t> TorchObjects::integers(const Pickle& pickle, PickleRef value) const {
  if (pickle.kind(value) != PickleKind::tuple && pickle.kind(value) != PickleKind::list)
    fail("has a shape that is no tuple");
  if (pickle.items(value).size() > max_dimensions)
    fail("has a tensor of more than " + std::to_string(max_dimensions) + " dimensions");
  std::vector<int64_t> numbers;
  for (const PickleRef item : pickle.items(value)) numbers.push_back(integer(pickle, item));
  return numbers;
}

}  // namespace frugal
