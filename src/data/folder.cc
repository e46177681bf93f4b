#include "data/folder.h"
namespace frugal {
bool is_folder(const std::filesystem::path&) { return false; }
void read_folder(const std::filesystem::path&, const LoadOptions&, Dataset&) {}
}  // namespace frugal
