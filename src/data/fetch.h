// Fetches a known data set: finds it already there and verified, or downloads, verifies, unpacks, reads and
// only then places it. Nothing is ever half placed, and what was there stays until the new one is whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "data/download.h"
#include "data/interrupted.h"
#include "data/sources.h"

namespace frugal {

constexpr int64_t max_download_bytes = int64_t{1} << 30;  // where the size is not known

struct FetchOptions {
  std::filesystem::path root;  // $FRUGAL_DATA or ~/.cache/frugal: data_home()
  std::string from = {};       // a file, a directory or a URL in place of the publisher's
  std::string sha256 = {};     // of what `from` gives, where that is not the publisher's own archive
  bool force = false;          // fetch even what is there and verified; put aside what is somebody else's
  DownloadLimits limits = {};
};

class FetchObserver {
 public:
  FetchObserver() = default;
  FetchObserver(const FetchObserver&) = delete;
  FetchObserver& operator=(const FetchObserver&) = delete;
  virtual ~FetchObserver() = default;
  virtual void on_message(const std::string& /*text*/) {}
  virtual void on_progress(const std::string& /*file*/, int64_t /*done*/, int64_t /*total, or 0*/) {}
};

struct FetchResult {
  enum class Status { fetched, verified, foreign } status = Status::fetched;
  std::filesystem::path path;   // where it is
  std::filesystem::path aside;  // where something that was there has gone, or empty
};

/// Where fetched data sets go. Neither FRUGAL_DATA nor HOME set is a usage error.
std::filesystem::path data_home();

/// Errors say what failed, what is kept, and what to do; one of all mirrors names each with its reason.
/// Waits while another process fetches the same. `stop` ends it with Interrupted.
FetchResult fetch(const DataSource& source, const FetchOptions& options, const StopFlag& stop,
                  FetchObserver& observer);

}  // namespace frugal
