#include "data/download.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <thread>

#include "base/file_writer.h"
#include "base/text.h"
#include "base/units.h"
#include "data/part_file.h"

namespace frugal {
namespace {

constexpr int most_attempts = 100;  // even if each of them brings a byte

/// How an attempt ended.
struct Outcome {
  /// unreachable: worth another try if something came from there before.
  enum class Next { complete, again, unreachable, give_up } next;
  std::string why;
};

struct FreeCurl {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

void start_curl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) throw Error(std::string("cannot start libcurl: ") + curl_easy_strerror(started));
}

/// What servers and libcurl say goes to a terminal.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return text;
}

/// One request and its answer.
class Attempt {
 public:
  Attempt(const Download& wanted, const DownloadLimits& limits, const StopFlag& stop,
          const DownloadProgress& progress)
      : wanted_(wanted), stop_(stop), progress_(progress), curl_(curl_easy_init()) {
    if (!curl_) throw std::bad_alloc();
    held_ = resumable_part(wanted.part, wanted.url);
    set_up(limits);
  }

  Outcome run() {
    const CURLcode code = curl_easy_perform(curl_.get());
    // An answer without a body never reached on_body.
    if (code == CURLE_OK && !file_ && refusal_.empty() && !local_failure_) guarded([this] { begin_body(); });
    if (local_failure_) std::rethrow_exception(local_failure_);
    throw_if_stopped(stop_);
    if (!refusal_.empty()) return {try_again_ ? Outcome::Next::again : Outcome::Next::give_up, refusal_};
    if (code != CURLE_OK) return {after(code), reason(code)};
    if (total_ > 0 && file_->size() != total_) {
      return {Outcome::Next::again, "the connection ended after " + with_thousands(file_->size()) + " of " +
                                        with_thousands(total_) + " bytes"};
    }
    file_->finish();
    return {Outcome::Next::complete, {}};
  }

 private:
  template <class T>
  void set(CURLoption option, T value) {
    const CURLcode code = curl_easy_setopt(curl_.get(), option, value);
    if (code != CURLE_OK) throw Error(std::string("cannot set up libcurl: ") + curl_easy_strerror(code));
  }

  void set_up(const DownloadLimits& limits) {
    set(CURLOPT_URL, wanted_.url.c_str());
    set(CURLOPT_USERAGENT, "frugal");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // do not wait for a name server that does not answer
    set(CURLOPT_ERRORBUFFER, message_.data());
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect_seconds * 1000));
    set(CURLOPT_LOW_SPEED_LIMIT, 1000L);
    set(CURLOPT_LOW_SPEED_TIME, std::max(1L, static_cast<long>(limits.stall_seconds)));
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, static_cast<long>(limits.redirects));
    // Never from an encrypted address to one in the clear, nor to anything that is not the web.
    const bool encrypted = wanted_.url.size() > 5 && std::tolower(wanted_.url[4]) == 's';
    set(CURLOPT_REDIR_PROTOCOLS_STR, encrypted ? "https" : "http,https");
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (held_.bytes > 0) {
      set(CURLOPT_RANGE, (std::to_string(held_.bytes) + "-").c_str());
      headers_.reset(curl_slist_append(nullptr, ("If-Range: " + held_.validator).c_str()));
      if (!headers_) throw std::bad_alloc();
      set(CURLOPT_HTTPHEADER, headers_.get());
    }
    set(
        CURLOPT_HEADERFUNCTION, +[](char* data, size_t size, size_t count, Attempt* self) {
          self->on_header({data, size * count});
          return size * count;
        });
    set(CURLOPT_HEADERDATA, this);
    set(
        CURLOPT_WRITEFUNCTION, +[](char* data, size_t size, size_t count, Attempt* self) {
          const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(data), size * count);
          return self->guarded([&] { self->on_body(bytes); }) ? size * count : CURL_WRITEFUNC_ERROR;
        });
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_NOPROGRESS, 0L);
    set(
        CURLOPT_XFERINFOFUNCTION,
        +[](Attempt* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) { return self->on_progress(); });
    set(CURLOPT_XFERINFODATA, this);
  }

  /// No exception may fly through libcurl. False: end the transfer.
  template <class F>
  bool guarded(F&& action) {
    try {
      action();
    } catch (...) {
      local_failure_ = std::current_exception();
    }
    return !local_failure_ && refusal_.empty();
  }

  void on_header(std::string_view line) {
    if (line.starts_with("HTTP/")) answer_ = {};  // of a redirect, until now
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    const std::string value(trim(line.substr(colon + 1)));
    if (name == "etag") answer_.etag = value;
    if (name == "last-modified") answer_.last_modified = value;
    if (name == "content-range") answer_.range = parse_content_range(value);
  }

  void on_body(std::span<const uint8_t> bytes) {
    if (!file_) begin_body();
    if (!refusal_.empty()) return;
    const int64_t limit = total_ > 0 ? total_ : wanted_.max_bytes;
    if (file_->size() + static_cast<int64_t>(bytes.size()) > limit) {
      refuse("it sends more than the " + with_thousands(limit) + " bytes that are expected");
      return;
    }
    file_->write(bytes);
  }

  int on_progress() {
    if (stop_ != 0) return 1;
    if (!file_) return 0;
    const auto now = std::chrono::steady_clock::now();
    if (now - reported_ < std::chrono::milliseconds(200)) return 0;
    reported_ = now;
    return guarded([this] { progress_(file_->size(), total_); }) ? 0 : 1;
  }

  /// The headers are complete: decides whether what follows is the file, or the rest of it, and opens it.
  void begin_body() {
    long status = 0;
    curl_off_t length = -1;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (held_.bytes > 0 && (status == 416 || status == 206) && !continues(status)) {
      remove_part(wanted_.part);
      refuse("it answered with another range than was asked for", true);
      return;
    }
    if (status != 200 && (status != 206 || held_.bytes == 0)) {
      refuse("it answered with status " + std::to_string(status),
             status == 408 || status == 429 || status >= 500);
      return;
    }
    const int64_t begin = status == 206 ? held_.bytes : 0;
    const int64_t announced = length >= 0 ? begin + length : 0;
    const int64_t limit = wanted_.bytes > 0 ? wanted_.bytes : wanted_.max_bytes;
    if (length >= 0 && (announced > limit || (wanted_.bytes > 0 && announced != limit))) {
      refuse("it offers " + with_thousands(announced) + " bytes where " +
             (wanted_.bytes > 0 ? "" : "at most ") + with_thousands(limit) + " are expected");
      return;
    }
    total_ = wanted_.bytes > 0 ? wanted_.bytes : announced;
    if (begin == 0) begin_part(wanted_.part, wanted_.url, answer_.etag, answer_.last_modified);
    file_.emplace(wanted_.part, FileWriter::Start::append);
  }

  bool continues(long status) const {
    return status == 206 && answer_.range && answer_.range->begin == held_.bytes &&
           (wanted_.bytes == 0 || answer_.range->total == 0 || answer_.range->total == wanted_.bytes);
  }

  void refuse(const std::string& why, bool try_again = false) {
    refusal_ = why;
    try_again_ = try_again;
  }

  /// Whether the same request may well succeed in a moment.
  Outcome::Next after(CURLcode code) const {
    using Next = Outcome::Next;
    long proxy_status = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_HTTP_CONNECTCODE, &proxy_status);
    if (proxy_status >= 300) return Next::give_up;
    constexpr std::array<CURLcode, 3> absent{CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST,
                                             CURLE_COULDNT_RESOLVE_PROXY};
    if (std::ranges::find(absent, code) != absent.end()) return Next::unreachable;
    constexpr std::array<CURLcode, 7> passing{CURLE_PARTIAL_FILE,      CURLE_RECV_ERROR,   CURLE_SEND_ERROR,
                                              CURLE_GOT_NOTHING,       CURLE_HTTP2_STREAM, CURLE_HTTP2,
                                              CURLE_OPERATION_TIMEDOUT};
    // A timeout before anything was answered is a server that is not there.
    if (code == CURLE_OPERATION_TIMEDOUT && !file_) return Next::unreachable;
    return std::ranges::find(passing, code) != passing.end() ? Next::again : Next::give_up;
  }

  std::string reason(CURLcode code) const {
    std::string text = message_[0] != '\0' ? message_.data() : curl_easy_strerror(code);
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
      text += " (are the certificates of the package ca-certificates there, and is the clock right?)";
    }
    return printable(text);
  }

  const Download& wanted_;
  const StopFlag& stop_;
  const DownloadProgress& progress_;
  std::unique_ptr<CURL, FreeCurl> curl_;
  std::unique_ptr<curl_slist, FreeCurl> headers_;
  std::array<char, CURL_ERROR_SIZE> message_{};
  HeldPart held_;
  ServerAnswer answer_;
  std::optional<FileWriter> file_;
  int64_t total_ = 0;
  std::chrono::steady_clock::time_point reported_;
  std::string refusal_;
  bool try_again_ = false;
  std::exception_ptr local_failure_;
};

void wait(double seconds, const StopFlag& stop) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (Clock::now() < end) {
    throw_if_stopped(stop);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace

DownloadResult download(const Download& wanted, const DownloadLimits& limits, const StopFlag& stop,
                        const DownloadProgress& progress) {
  start_curl();
  DownloadResult result{.pieced = part_bytes(wanted.part) > 0};
  if (wanted.bytes > 0 && part_bytes(wanted.part) == wanted.bytes) return result;
  if (wanted.bytes > 0 && part_bytes(wanted.part) > wanted.bytes) remove_part(wanted.part);
  int fruitless = 0;
  bool reached = false;
  // What was there a moment ago deserves more of it: half a minute, where each pause is twice the last.
  const auto patience = [&] { return reached ? 2 * limits.attempts : limits.attempts; };
  double pause = limits.wait_seconds;
  for (int attempt = 0; attempt < most_attempts && fruitless < patience(); ++attempt) {
    throw_if_stopped(stop);
    if (attempt > 0) wait(pause, stop);
    const int64_t before = part_bytes(wanted.part);
    const Outcome outcome = Attempt(wanted, limits, stop, progress).run();
    result.failure = outcome.why;
    result.pieced = result.pieced || attempt > 0;
    const bool gained = part_bytes(wanted.part) > before;
    reached = reached || gained;
    if (outcome.next == Outcome::Next::unreachable ? !reached : outcome.next != Outcome::Next::again) {
      return result;
    }
    fruitless = gained ? 0 : fruitless + 1;
    pause = gained ? limits.wait_seconds : 2 * pause;
  }
  return result;
}

bool is_web_address(const std::string& text) {
  const size_t end = text.find("://");
  if (end == std::string::npos) return false;
  std::string scheme = text.substr(0, end);
  std::ranges::transform(scheme, scheme.begin(), [](unsigned char c) { return std::tolower(c); });
  return scheme == "http" || scheme == "https";
}

std::string shown_url(const std::string& url) {
  const size_t host = url.find("://") == std::string::npos ? 0 : url.find("://") + 3;
  const size_t path = std::min(url.find('/', host), url.size());
  const size_t at = url.substr(0, path).rfind('@');
  if (at == std::string::npos || at < host) return printable(url);
  return printable(url.substr(0, host) + "..." + url.substr(at));
}

}  // namespace frugal
