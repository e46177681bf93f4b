// The zip layout of PyTorch's files.
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"
#include "interop/pickle.h"
#include "interop/torch_layouts.h"
#include "interop/torch_objects.h"
#include "interop/torch_state_dict.h"
#include "interop/torch_tensors.h"
#include "interop/zip_archive.h"

namespace frugal {
namespace {

constexpr std::string_view pickle_name = "/data.pkl";

/// "NAME" of "NAME/data.pkl".
std::string find_prefix(const ZipArchive& archive, const std::string& file) {
  for (const ZipArchive::Entry& entry : archive.entries()) {
    const std::string_view name = entry.name;
    if (!name.ends_with(pickle_name) || name.find('/') != name.size() - pickle_name.size()) continue;
    std::string prefix(name.substr(0, name.size() - pickle_name.size()));
    if (archive.find(prefix + "/constants.pkl")) {
      throw Error(file +
                  ": is a TorchScript program (torch.jit.save), not a state_dict; in Python, "
                  "torch.save(torch.jit.load(FILE).state_dict(), OTHER)");
    }
    return prefix;
  }
  throw Error(file + ": is a zip file without a data.pkl, none of torch.save's");
}

std::string read_entry(const ZipArchive& archive, size_t entry, int64_t max_bytes, const std::string& file) {
  const auto& [name, size] = archive.entries()[entry];
  if (size > max_bytes) {
    throw Error(file + ": refused: entry " + in_quotes(name) + " has " + human_bytes(size) + ", at most " +
                human_bytes(max_bytes) + " are expected; in Python, torch.save the state_dict alone");
  }
  std::string text(static_cast<size_t>(size), '\0');
  archive.read(entry, {reinterpret_cast<uint8_t*>(text.data()), text.size()});
  return text;
}

void check_byte_order(const ZipArchive& archive, const std::string& prefix, const std::string& file) {
  const auto entry = archive.find(prefix + "/byteorder");
  if (!entry) return;  // written since 2.1
  const std::string order = read_entry(archive, *entry, 64, file);
  if (order != "little") {
    throw Error(file + ": its byte order is " + in_quotes(order) +
                ", only little-endian files are read; in Python, load it and torch.save it on an x86 or ARM "
                "machine");
  }
}

class ZipStorages : public TorchStorageSource {
 public:
  ZipStorages(const ZipArchive& archive, const std::string& prefix, const std::string& file)
      : archive_(archive), prefix_(prefix), file_(file) {}
  int64_t size(const std::string& key) const override { return archive_.entries()[entry(key)].size; }
  void read(const std::string& key, std::span<uint8_t> bytes) const override {
    archive_.read(entry(key), bytes);
  }

 private:
  size_t entry(const std::string& key) const {
    const auto entry = archive_.find(prefix_ + "/data/" + key);
    if (!entry)
      throw Error(file_ + ": the bytes of storage " + in_quotes(key) + " are missing; the file is damaged");
    return *entry;
  }

  const ZipArchive& archive_;
  const std::string& prefix_;
  const std::string& file_;
};

}  // namespace

TensorFile read_torch_zip(const std::filesystem::path& path) {
  const std::string file = path.string();
  const ZipArchive archive(path);
  const std::string prefix = find_prefix(archive, file);
  check_byte_order(archive, prefix, file);
  const std::string bytes =
      read_entry(archive, *archive.find(prefix + std::string(pickle_name)), max_torch_pickle, file);
  TorchObjects objects(file);
  const Pickle pickle =
      read_pickle({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, file, objects);
  TorchStateDict state = find_state_dict(pickle, objects, file);
  TensorFile result;
  result.format = "PyTorch";
  load_torch_tensors(state, objects, ZipStorages(archive, prefix, file), file, InputFile(path).size(),
                     result);
  result.metadata = std::move(state.metadata);
  return result;
}

}  // namespace frugal
