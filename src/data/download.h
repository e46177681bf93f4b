// One file from one web server, over libcurl: goes on where an earlier attempt ended, and trusts nothing that
// the server says about length or range. What it brings is complete, not yet verified.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "data/interrupted.h"

namespace frugal {

struct DownloadLimits {
  double connect_seconds = 10;
  double stall_seconds = 30;  // below 1,000 bytes/s for that long, the server has stalled
  int redirects = 5;
  int attempts = 3;         // in a row that bring no byte; twice as many once something has come
  double wait_seconds = 1;  // before the second attempt; doubled before each further one
};

struct Download {
  std::string url;             // http or https; proxies as the environment names them
  std::filesystem::path part;  // grows; "<part>.json" beside it says what it is part of
  int64_t bytes = 0;           // exactly so many, or 0: not known
  int64_t max_bytes = 0;       // where `bytes` is not known
};

/// Bytes of the file that are here, and of how many (0: not known). Called a few times a second.
using DownloadProgress = std::function<void(int64_t done, int64_t total)>;

struct DownloadResult {
  std::string failure = {};  // empty when `part` is whole, else why this server did not give it
  bool pieced = false;       // together from several answers
};

/// What came stays in `part`, and the next call goes on from there if the file at the URL is still the same
/// (If-Range with its ETag or Last-Modified). A disk that is full, or another fault of this machine, is an
/// Error; `stop` makes it throw Interrupted.
DownloadResult download(const Download& wanted, const DownloadLimits& limits, const StopFlag& stop,
                        const DownloadProgress& progress);

/// Whether the text is a URL that download() takes.
bool is_web_address(const std::string& text);

/// The URL without a password that it may hold, for messages.
std::string shown_url(const std::string& url);

}  // namespace frugal
