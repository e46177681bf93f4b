// A web server on 127.0.0.1 that misbehaves to order: it cuts connections, lies about lengths and ranges,
// stalls and redirects. One connection at a time, closed after each answer.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace frugal {

struct WebRequest {
  std::string target;                          // "/file", or what a proxy is asked for
  std::map<std::string, std::string> headers;  // names in lower case
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

struct WebReply {
  int status = 200;
  std::vector<std::string> headers = {};
  std::string body = {};
  int64_t length = -1;       // what Content-Length says; -1: the truth, -2: nothing
  int64_t cut_after = -1;    // bytes of the body, then the connection ends
  int64_t stall_after = -1;  // bytes of the body, then nothing more until the client gives up
  int delay_ms = 0;          // after every 16 KiB
};

class WebServer {
 public:
  using Handler = std::function<WebReply(const WebRequest&)>;

  /// At a port of its own, or at this one.
  explicit WebServer(Handler handler, uint16_t port = 0)
      : handler_(std::move(handler)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    const int yes = 1;  // connections of one that was here before may linger
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 16) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no port to listen on");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;
  ~WebServer() {
    stop_ = true;
    thread_.join();
    close(listener_);
  }

  uint16_t port() const { return port_; }
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }

  std::vector<WebRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    while (!stop_) {
      if (!ready(listener_, POLLIN)) continue;
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) continue;
      answer(client);
      close(client);
    }
  }

  static bool ready(int fd, short events) {
    pollfd polled{fd, events, 0};
    return poll(&polled, 1, 20) > 0;
  }

  void answer(int client) {
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) {
      if (stop_) return;
      if (!ready(client, POLLIN)) continue;
      char buffer[4096];
      const ssize_t got = recv(client, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      head.append(buffer, static_cast<size_t>(got));
    }
    const WebRequest request = parse(head);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    send_reply(client, handler_(request));
  }

  static WebRequest parse(const std::string& head) {
    WebRequest request;
    const size_t begin = head.find(' ') + 1;
    request.target = head.substr(begin, head.find(' ', begin) - begin);
    for (size_t at = head.find("\r\n") + 2; at < head.size();) {
      const size_t end = head.find("\r\n", at);
      const std::string line = head.substr(at, end - at);
      at = end + 2;
      const size_t colon = line.find(": ");
      if (colon == std::string::npos) continue;
      std::string name = line.substr(0, colon);
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
      request.headers[name] = line.substr(colon + 2);
    }
    return request;
  }

  void send_reply(int client, const WebReply& reply) {
    std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " Test\r\nConnection: close\r\n";
    const auto length = reply.length == -1 ? static_cast<int64_t>(reply.body.size()) : reply.length;
    if (length >= 0) head += "Content-Length: " + std::to_string(length) + "\r\n";
    for (const std::string& header : reply.headers) head += header + "\r\n";
    if (!send_all(client, head + "\r\n", 0)) return;
    std::string body = reply.body;
    if (reply.cut_after >= 0) body.resize(static_cast<size_t>(reply.cut_after));
    if (reply.stall_after >= 0) body.resize(static_cast<size_t>(reply.stall_after));
    if (!send_all(client, body, reply.delay_ms)) return;
    if (reply.stall_after >= 0) wait_for_end(client);
    // Without this, unread bytes of the client would make the kernel throw away what is still on its way.
    shutdown(client, SHUT_WR);
  }

  bool send_all(int client, const std::string& bytes, int delay_ms) const {
    for (size_t at = 0; at < bytes.size();) {
      if (stop_) return false;
      if (!ready(client, POLLOUT)) continue;
      const size_t piece = std::min<size_t>(delay_ms > 0 ? 16384 : 1 << 20, bytes.size() - at);
      const ssize_t sent = send(client, bytes.data() + at, piece, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno != EAGAIN) return false;
      if (sent > 0) at += static_cast<size_t>(sent);
      if (delay_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
    }
    return true;
  }

  void wait_for_end(int client) const {
    char byte = 0;
    while (!stop_ && (!ready(client, POLLIN) || recv(client, &byte, 1, 0) > 0)) {
    }
  }

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::vector<WebRequest> requests_;
  std::thread thread_;
};

/// Serves one body as a good server does: with an ETag, ranges, and If-Range.
inline WebReply good_reply(const WebRequest& request, const std::string& body,
                           const std::string& etag = "\"v1\"") {
  WebReply reply{.headers = {"ETag: " + etag, "Accept-Ranges: bytes"}};
  const std::string range = request.header("range");
  const std::string condition = request.header("if-range");
  if (range.starts_with("bytes=") && (condition.empty() || condition == etag)) {
    const size_t begin = std::stoul(range.substr(6));
    if (begin >= body.size()) return {.status = 416};
    reply.status = 206;
    reply.body = body.substr(begin);
    reply.headers.push_back("Content-Range: bytes " + std::to_string(begin) + "-" +
                            std::to_string(body.size() - 1) + "/" + std::to_string(body.size()));
    return reply;
  }
  reply.body = body;
  return reply;
}

}  // namespace frugal
