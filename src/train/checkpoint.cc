#include "train/checkpoint.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/safetensors.h"
#include "base/text.h"
#include "train/checkpoint_info.h"

namespace frugal {
namespace {

constexpr const char* optimizer_prefix = "optimizer.";
constexpr const char* average_prefix = "ema.";
constexpr const char* tracked_suffix = ".num_batches_tracked";

/// "bn1" of "bn1.running_mean".
std::string module_of(const std::string& name) { return name.substr(0, name.rfind('.')); }

std::string shape_text(const std::vector<int64_t>& shape) {
  std::vector<std::string> extents;
  extents.reserve(shape.size());
  for (int64_t extent : shape) extents.push_back(std::to_string(extent));
  return "[" + join(extents) + "]";
}

std::string state_name(size_t state, const std::string& parameter) {
  return optimizer_prefix + std::to_string(state) + "." + parameter;
}

/// One tensor that a file must hold, and where it comes from or goes to.
struct Entry {
  std::string name, dtype;
  std::vector<int64_t> shape;
  void* data;
  size_t bytes;
};

Entry float_entry(const std::string& name, const Slot& slot, std::span<float> block) {
  float* data = block.data() + slot.offset;
  return {name, "F32", slot.shape, data, static_cast<size_t>(slot.size) * sizeof(float)};
}

/// Everything in the order of PyTorch's state_dict (a module's parameters, then its buffers), but the
/// counters first: eight-byte numbers must not stand behind an odd number of floats, where readers that map
/// the file cannot use them.
std::vector<Entry> entries_of(Parameters& parameters, bool optimizer, Ema* average) {
  std::vector<Entry> counters, tensors;
  std::set<std::string> done;
  const auto add_buffers = [&](const std::string& module) {
    if (!done.insert(module).second) return;
    bool tracked = false;
    for (const Slot& slot : parameters.buffer_slots()) {
      if (module_of(slot.name) != module) continue;
      tensors.push_back(float_entry(slot.name, slot, parameters.buffers()));
      tracked = tracked || slot.name == module + ".running_mean";
    }
    if (tracked)
      counters.push_back({module + tracked_suffix, "I64", {}, &parameters.batches_tracked, sizeof(int64_t)});
  };
  const std::span<const Slot> slots = parameters.slots();
  for (size_t i = 0; i < slots.size(); ++i) {
    tensors.push_back(float_entry(slots[i].name, slots[i], parameters.all_weights()));
    const std::string module = module_of(slots[i].name);
    if (i + 1 == slots.size() || module_of(slots[i + 1].name) != module) add_buffers(module);
  }
  for (const Slot& slot : parameters.buffer_slots())
    add_buffers(module_of(slot.name));  // of modules without weights
  for (size_t s = 0; optimizer && s < parameters.states(); ++s) {
    for (const Slot& slot : slots) {
      if (slot.trainable) tensors.push_back(float_entry(state_name(s, slot.name), slot, parameters.state(s)));
    }
  }
  if (average) {
    for (const Slot& slot : slots) {
      if (slot.trainable)
        tensors.push_back(float_entry(average_prefix + slot.name, slot, average->weights()));
    }
    for (const Slot& slot : parameters.buffer_slots()) {
      tensors.push_back(float_entry(average_prefix + slot.name, slot, average->buffers()));
    }
  }
  counters.insert(counters.end(), tensors.begin(), tensors.end());
  return counters;
}

/// Entries serve both ways, and views of states exist of changeable Parameters only; nothing is written here.
std::vector<TensorRecord> records_of(const Parameters& parameters, bool optimizer, const Ema* average) {
  std::vector<TensorRecord> records;
  for (const Entry& entry :
       entries_of(const_cast<Parameters&>(parameters), optimizer, const_cast<Ema*>(average))) {
    records.push_back(
        {entry.name, entry.dtype, entry.shape, {static_cast<const uint8_t*>(entry.data), entry.bytes}});
  }
  return records;
}

/// The file's tensor for `entry`; an Error names what does not fit.
const TensorRecord& matching(const SafetensorsFile& file, const Entry& entry, const std::string& path) {
  const TensorRecord* tensor = file.find(entry.name);
  if (!tensor) {
    throw Error(path + ": tensor " + in_quotes(entry.name) + " " + shape_text(entry.shape) +
                " is missing; the file belongs to another model");
  }
  if (tensor->shape != entry.shape) {
    throw Error(path + ": tensor " + in_quotes(entry.name) + " has shape " + shape_text(tensor->shape) +
                ", the model needs " + shape_text(entry.shape));
  }
  if (tensor->dtype != entry.dtype) {
    throw Error(path + ": tensor " + in_quotes(entry.name) + " is of type " + tensor->dtype +
                ", the model needs " + entry.dtype);
  }
  return *tensor;
}

}  // namespace

std::vector<TensorRecord> state_dict(const Parameters& parameters) {
  return records_of(parameters, false, nullptr);
}

void save_checkpoint(const std::filesystem::path& path, const CheckpointInfo& info,
                     const Parameters& parameters, bool optimizer, const Ema* average) {
  write_safetensors(path, to_metadata(info), records_of(parameters, optimizer, average));
}

CheckpointInfo read_checkpoint_info(const std::filesystem::path& path) {
  return info_from_metadata(read_safetensors(path).metadata, path.string());
}

void load_checkpoint(const std::filesystem::path& path, Parameters& parameters, bool optimizer,
                     Ema* average) {
  const std::string file_name = path.string();
  const SafetensorsFile file = read_safetensors(path);
  if (is_from_frugal(file.metadata)) check_format_version(file.metadata, file_name);

  const std::vector<Entry> entries = entries_of(parameters, optimizer, average);
  std::set<std::string> known;
  std::vector<std::pair<void*, const TensorRecord*>> copies;
  int64_t tracked = 0;
  for (const Entry& entry : entries) {
    known.insert(entry.name);
    const TensorRecord& tensor = matching(file, entry, file_name);
    if (entry.dtype != "I64") {
      copies.emplace_back(entry.data, &tensor);
      continue;
    }
    int64_t count = 0;
    std::memcpy(&count, tensor.data.data(), sizeof count);
    tracked = std::max(tracked, count);
  }
  for (const TensorRecord& tensor : file.tensors) {
    const bool state = tensor.name.starts_with(optimizer_prefix);
    const bool averaged = tensor.name.starts_with(average_prefix);
    if (known.count(tensor.name) || (state && !optimizer) || (averaged && !average)) continue;
    throw Error(file_name + ": tensor " + in_quotes(tensor.name) + " " + shape_text(tensor.shape) +
                " is unexpected; the file belongs to another " + (state ? "optimizer" : "model"));
  }
  for (const auto& [to, tensor] : copies) std::memcpy(to, tensor->data.data(), tensor->data.size());
  parameters.batches_tracked = tracked;
}

}  // namespace frugal
