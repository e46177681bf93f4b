// The data sets that `frugal fetch` knows: where their publishers keep them, and by what they are recognised.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/checksum.h"

namespace frugal {

struct RemoteFile {
  std::string name;               // as the publisher calls it
  std::vector<std::string> urls;  // in the order in which they are tried
  int64_t bytes = 0;              // exact; 0: not known
  Checksums checksums = {};
};

struct DataSource {
  std::string name;   // "cifar100": also the directory that it is placed in
  std::string title;  // "CIFAR-100"
  std::vector<RemoteFile> files;
  /// One .tar.gz that is unpacked (then `folder` is the directory inside it that counts), or files that are
  /// placed as they are.
  bool archive = false;
  std::string folder = {};
  int64_t max_unpacked_bytes = 0;
  /// Reads what is in the directory, and throws an Error when that is not the whole data set. Null: the
  /// checksums must do.
  std::function<void(const std::filesystem::path&)> check = {};
};

/// cifar10, cifar100, fashion-mnist.
const std::vector<DataSource>& known_sources();

/// One of them; an unknown name is a usage error that lists all.
DataSource find_source(const std::string& name);

}  // namespace frugal
