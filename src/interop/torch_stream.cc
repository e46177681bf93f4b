// The layout of PyTorch's files before 1.6.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/safetensors_header.h"
#include "base/text.h"
#include "interop/pickle.h"
#include "interop/torch_layouts.h"
#include "interop/torch_objects.h"
#include "interop/torch_state_dict.h"
#include "interop/torch_tensors.h"

namespace frugal {
namespace {

// 0x1950a86a20f9469cfc6c, little-endian.
constexpr std::string_view magic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
constexpr int64_t protocol_version = 1001;

[[noreturn]] void fail(const std::string& file, const std::string& why) {
  throw Error(file + ": " + why + "; the file is damaged or was not made by torch.save");
}

/// One pickle behind the other.
class Pickles {
 public:
  Pickles(const InputFile& input, const std::string& file)
      : file_(file), bytes_(static_cast<size_t>(std::min(input.size(), max_torch_pickle))) {
    input.read(0, bytes_);
  }
  Pickle next(PickleObjects& objects) {
    Pickle pickle = read_pickle(std::span(bytes_).subspan(at_), file_, objects);
    at_ += pickle.size();
    return pickle;
  }
  size_t at() const { return at_; }

 private:
  const std::string& file_;
  std::vector<uint8_t> bytes_;
  size_t at_ = 0;
};

void check_magic(const Pickle& pickle, const std::string& file) {
  if (pickle.kind(pickle.root()) != PickleKind::large_integer || pickle.text(pickle.root()) != magic) {
    throw Error(file +
                ": is a pickle, but none of torch.save's; in Python, load it and torch.save the state_dict");
  }
}

void check_machine(const Pickle& pickle, const std::string& file) {
  if (pickle.kind(pickle.root()) != PickleKind::dict) fail(file, "does not say what machine wrote it");
  const std::vector<PickleRef>& items = pickle.items(pickle.root());
  for (size_t i = 0; i < items.size(); i += 2) {
    if (pickle.kind(items[i]) != PickleKind::text || pickle.text(items[i]) != "little_endian") continue;
    if (pickle.kind(items[i + 1]) == PickleKind::boolean && pickle[items[i + 1]].number != 0) return;
  }
  throw Error(file +
              ": was written by a big-endian machine, only little-endian files are read; in Python, load it "
              "and torch.save it on an x86 or ARM machine");
}

class StreamStorages : public TorchStorageSource {
 public:
  StreamStorages(const InputFile& input, const std::string& file) : input_(input), file_(file) {}

  /// Notes where the bytes of each key are, from `at` on. How wide a storage's numbers are, only the tensors
  /// that use it say.
  void locate(const Pickle& keys, const TorchObjects& objects, int64_t at) {
    std::map<std::string_view, int64_t> widths;
    for (const TorchStorage& storage : objects.storages())
      widths.emplace(storage.key, safetensors_element_size(storage.dtype));
    if (keys.kind(keys.root()) != PickleKind::list) fail(file_, "has no list of storages");
    for (const PickleRef item : keys.items(keys.root())) {
      if (keys.kind(item) != PickleKind::text) fail(file_, "has a storage whose key is no text");
      const std::string key(keys.text(item));
      const auto width = widths.find(key);
      if (width == widths.end()) fail(file_, "has a storage " + in_quotes(key) + " that no tensor uses");
      std::array<uint8_t, 8> count{};
      if (input_.size() - at < static_cast<int64_t>(count.size())) cut_short(key);
      input_.read(at, count);
      at += static_cast<int64_t>(count.size());
      uint64_t numbers = 0;
      for (size_t i = 0; i < count.size(); ++i) numbers |= uint64_t{count[i]} << (8 * i);
      if (numbers > static_cast<uint64_t>((input_.size() - at) / width->second)) cut_short(key);
      const int64_t bytes = static_cast<int64_t>(numbers) * width->second;
      if (!places_.emplace(key, Place{at, bytes}).second)
        fail(file_, "has storage " + in_quotes(key) + " twice");
      at += bytes;
    }
  }

  int64_t size(const std::string& key) const override { return place(key).bytes; }
  void read(const std::string& key, std::span<uint8_t> bytes) const override {
    input_.read(place(key).at, bytes);
  }

 private:
  struct Place {
    int64_t at, bytes;
  };
  [[noreturn]] void cut_short(const std::string& key) const {
    throw Error(file_ + ": ends within storage " + in_quotes(key) + "; the file is cut short or damaged");
  }
  const Place& place(const std::string& key) const {
    const auto found = places_.find(key);
    if (found == places_.end()) fail(file_, "lacks the bytes of storage " + in_quotes(key));
    return found->second;
  }

  const InputFile& input_;
  const std::string& file_;
  std::map<std::string, Place> places_;
};

}  // namespace

TensorFile read_torch_stream(const std::filesystem::path& path) {
  const std::string file = path.string();
  const InputFile input(path);
  TorchObjects objects(file);
  StreamStorages storages(input, file);
  TorchStateDict state;
  {
    // Gone before the tensors are read.
    Pickles pickles(input, file);
    check_magic(pickles.next(objects), file);
    const Pickle version = pickles.next(objects);
    if (version.kind(version.root()) != PickleKind::integer ||
        version[version.root()].number != protocol_version)
      fail(file, "is of another version of PyTorch's old layout than " + std::to_string(protocol_version));
    check_machine(pickles.next(objects), file);
    const Pickle object = pickles.next(objects);
    const Pickle keys = pickles.next(objects);
    storages.locate(keys, objects, static_cast<int64_t>(pickles.at()));
    state = find_state_dict(object, objects, file);
  }
  TensorFile result;
  result.format = "PyTorch (before 1.6)";
  load_torch_tensors(state, objects, storages, file, input.size(), result);
  result.metadata = std::move(state.metadata);
  return result;
}

}  // namespace frugal
