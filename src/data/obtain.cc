#include "data/obtain.h"

#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "data/part_file.h"

namespace frugal {

namespace fs = std::filesystem;

Obtainer::Obtainer(const DataSource& source, const FetchOptions& options, fs::path downloads,
                   const StopFlag& stop, FetchObserver& observer)
    : source_(source), options_(options), downloads_(std::move(downloads)), stop_(stop), observer_(observer) {
  if (!options.sha256.empty() && (options.from.empty() || source.files.size() != 1)) {
    throw usage_error("fetch: --sha256 goes with --from and a data set of one archive");
  }
  if (!is_web_address(options.from) && options.from.find("://") != std::string::npos) {
    throw usage_error("fetch: --from takes http and https addresses, files and directories, not " +
                      in_quotes(shown_url(options.from)));
  }
}

fs::path Obtainer::obtain(const RemoteFile& file) {
  if (!options_.from.empty() && !is_web_address(options_.from)) return given(file);
  fs::path here = downloads_ / file.name;
  std::error_code ignored;
  if (fs::exists(here, ignored)) {
    if (checksum_difference(expected(file), checksums_of(here, stop_)).empty()) return here;
    fs::remove(here, ignored);
  }
  std::vector<std::string> urls = options_.from.empty() ? file.urls : std::vector{given_url(file)};
  // Where a part of it came from can be gone on with.
  std::stable_partition(urls.begin(), urls.end(), [&](const std::string& url) {
    return resumable_part(downloads_ / (file.name + ".part"), url).bytes > 0;
  });
  std::string failures;
  for (const std::string& url : urls) {
    const std::string failure = obtain_from(url, file);
    if (failure.empty()) return here;
    failures += "\n  " + shown_url(url) + ": " + failure;
  }
  const bool several = source_.files.size() > 1;
  throw Error("cannot fetch " + source_.name + ": " + file.name + " could not be had from" + failures +
              "\nwithout internet here, get " + (several ? "its files" : "the file") +
              " elsewhere and give " + (several ? "their directory" : "it") + ": frugal fetch " +
              source_.name + " --from " + (several ? "DIR" : "FILE") +
              "; proxies are taken from https_proxy and http_proxy");
}

/// Empty, or why not from there.
std::string Obtainer::obtain_from(const std::string& url, const RemoteFile& file) {
  const fs::path part = downloads_ / (file.name + ".part");
  for (bool once_more = true;; once_more = false) {
    const int64_t held = resumable_part(part, url).bytes;
    observer_.on_message(file.name + " from " + shown_url(url) +
                         (held > 0 ? ", " + human_bytes(held) + " of it are here" : ""));
    const Download wanted{.url = url,
                          .part = part,
                          .bytes = options_.sha256.empty() ? file.bytes : 0,
                          .max_bytes = max_download_bytes};
    const DownloadResult result = download(wanted, options_.limits, stop_, [&](int64_t done, int64_t total) {
      observer_.on_progress(file.name, done, total);
    });
    if (!result.failure.empty()) return result.failure;
    const std::string difference = checksum_difference(expected(file), checksums_of(part, stop_));
    if (difference.empty()) break;
    remove_part(part);
    if (!result.pieced || !once_more) return "what it sent is not the published file: " + difference;
    observer_.on_message("the pieces of " + file.name + " do not fit together (" + difference +
                         "); once more from the start");
  }
  std::error_code failure;
  fs::rename(part, downloads_ / file.name, failure);
  if (failure) throw Error("cannot rename " + part.string() + ": " + failure.message());
  remove_part(part);  // the note beside it
  return {};
}

/// A file of --from, verified where it lies.
fs::path Obtainer::given(const RemoteFile& file) const {
  fs::path path = options_.from;
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    path /= file.name;
  } else if (source_.files.size() > 1) {
    throw usage_error("fetch: " + source_.name + " is " + std::to_string(source_.files.size()) +
                      " files; --from takes the directory that they are in, not " + in_quotes(options_.from));
  }
  if (!fs::exists(path, ignored)) {
    throw Error("there is no file " + path.string() + " to fetch " + source_.name + " from");
  }
  if (!fs::is_regular_file(path, ignored)) throw Error(path.string() + " is not a file");
  const std::string difference = checksum_difference(expected(file), checksums_of(path, stop_));
  if (difference.empty()) return path;
  if (!options_.sha256.empty()) throw Error(path.string() + " is not what --sha256 says: " + difference);
  throw Error(path.string() + " is not the file that " + source_.title + "'s publisher offers as " +
              file.name + ": " + difference);
}

std::string Obtainer::given_url(const RemoteFile& file) const {
  if (options_.from.ends_with('/')) return options_.from + file.name;
  return source_.files.size() > 1 ? options_.from + "/" + file.name : options_.from;
}

Checksums Obtainer::expected(const RemoteFile& file) const {
  return options_.sha256.empty() ? file.checksums : Checksums{.md5 = {}, .sha256 = options_.sha256};
}

std::string Obtainer::kept() const {
  int64_t bytes = 0, total = 0;
  for (const RemoteFile& file : source_.files) {
    const fs::path here = downloads_ / file.name;
    bytes += part_bytes(here) + part_bytes(here.string() + ".part");
    total += file.bytes;
  }
  if (bytes == 0) return {};
  return "; " + human_bytes(bytes) +
         (options_.sha256.empty() && total > 0 ? " of " + human_bytes(total) : "") +
         " that were downloaded are kept in " + downloads_.string() + "; the same command goes on from there";
}

}  // namespace frugal
