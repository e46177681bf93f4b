// Downloads from a server that cuts, lies, stalls and redirects.
#include "data/download.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>

#include "../web_server.h"
#include "data/checksum.h"
#include "data/part_file.h"
#include "fixtures.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const StopFlag go{0};

class DownloadTest : public testing::Test {
 protected:
  DownloadTest() {
    for (uint32_t i = 0, x = 7; i < 200'000; ++i)
      body += static_cast<char>((x = x * 1664525u + 1013904223u) >> 24);
  }
  void serve(WebServer::Handler handler) { server.emplace(std::move(handler)); }
  /// Everything with one answer first, then as a good server.
  void serve_first(std::vector<WebReply> first) {
    serve([this, first, next = size_t{0}](const WebRequest& request) mutable {
      return next < first.size() ? first[next++] : good_reply(request, body);
    });
  }
  /// Ends early, as a good server whose cable is pulled.
  WebReply cut(int64_t after) const {
    WebReply reply = good_reply({}, body);
    reply.cut_after = after;
    return reply;
  }
  std::string get_it(int64_t bytes = 200'000) {
    const Download wanted{.url = server->url("/f"), .part = part, .bytes = bytes, .max_bytes = 1 << 20};
    return download(wanted, limits, go, [](int64_t, int64_t) {}).failure;
  }
  void expect_whole() const { EXPECT_TRUE(get(part) == body); }
  const ScopedEnv no_proxy{"no_proxy", "*"}, no_http_proxy{"http_proxy", nullptr},
      no_all_proxy{"all_proxy", nullptr};
  const TempDir scratch;
  const fs::path part = scratch / "f.part";
  DownloadLimits limits{.connect_seconds = 5, .stall_seconds = 5, .wait_seconds = 0.01};
  std::string body;
  std::optional<WebServer> server;
};

TEST_F(DownloadTest, ComesWhole) {
  serve_first({});
  EXPECT_EQ(get_it(), "");
  expect_whole();
  EXPECT_EQ(server->requests().size(), 1U);
  EXPECT_EQ(server->requests()[0].header("range"), "");
  EXPECT_EQ(get_it(), "");  // nothing is left to ask for
  EXPECT_EQ(server->requests().size(), 1U);
}

TEST_F(DownloadTest, ACutConnectionGoesOnWhereItEnded) {
  serve_first({cut(50'000)});
  EXPECT_EQ(get_it(), "");
  expect_whole();
  ASSERT_EQ(server->requests().size(), 2U);
  EXPECT_EQ(server->requests()[1].header("range"), "bytes=50000-");
  EXPECT_EQ(server->requests()[1].header("if-range"), "\"v1\"");
}

TEST_F(DownloadTest, ALaterCallGoesOnToo) {
  serve_first({cut(50'000)});
  limits.attempts = 1;
  server.reset();
  serve_first({cut(50'000), {.status = 404}});
  EXPECT_THAT(get_it(), HasSubstr("404"));
  EXPECT_EQ(fs::file_size(part), 50'000U);
  EXPECT_EQ(get_it(), "");
  expect_whole();
  EXPECT_EQ(server->requests().back().header("range"), "bytes=50000-");
}

TEST_F(DownloadTest, AnotherVersionOfTheFileStartsAnew) {
  serve([this, first = true](const WebRequest& request) mutable {
    WebReply reply =
        good_reply(request, first ? std::string(200'000, 'o') : body, first ? "\"old\"" : "\"new\"");
    if (first) reply.cut_after = 50'000;
    first = false;
    return reply;
  });
  EXPECT_EQ(get_it(), "");
  expect_whole();
}

TEST_F(DownloadTest, WithoutAVersionToGoByItStartsAnew) {
  for (const char* header : {"X-Nothing: 1", "ETag: W/\"weak\""}) {
    WebReply first{.headers = {header}, .body = body, .cut_after = 50'000};
    serve_first({first});
    EXPECT_EQ(get_it(), "");
    expect_whole();
    EXPECT_EQ(server->requests()[1].header("range"), "");
    remove_part(part);
  }
}

TEST_F(DownloadTest, ADateWillDoForAVersion) {
  const std::string date = "Tue, 15 Nov 1994 12:45:26 GMT";
  serve([&](const WebRequest& request) {
    WebReply reply = good_reply(request, body, date);  // which it compares with If-Range
    reply.headers[0] = "Last-Modified: " + date;
    if (request.header("range").empty()) reply.cut_after = 50'000;
    return reply;
  });
  EXPECT_EQ(get_it(), "");
  expect_whole();
  EXPECT_EQ(server->requests()[1].header("if-range"), date);
}

TEST_F(DownloadTest, AnotherAddressStartsAnew) {
  put(part, body.substr(0, 1000));
  begin_part(part, "http://elsewhere/f", "\"v1\"", "");
  put(part, body.substr(0, 1000));
  serve_first({});
  EXPECT_EQ(get_it(), "");
  expect_whole();
  EXPECT_EQ(server->requests()[0].header("range"), "");
}

TEST_F(DownloadTest, ARangeThatWasNotAskedForIsNotTaken) {
  WebReply shifted{
      .status = 206, .headers = {"Content-Range: bytes 49999-199999/200000"}, .body = body.substr(49'999)};
  WebReply other_total{
      .status = 206, .headers = {"Content-Range: bytes 50000-199999/200001"}, .body = body.substr(50'000)};
  WebReply no_range{.status = 206, .body = body.substr(50'000)};
  for (const WebReply& wrong : {shifted, other_total, no_range, WebReply{.status = 416}}) {
    serve_first({cut(50'000), wrong});
    EXPECT_EQ(get_it(), "");
    expect_whole();
    ASSERT_EQ(server->requests().size(), 3U);
    EXPECT_EQ(server->requests()[2].header("range"), "");
    remove_part(part);
  }
  serve_first({{.status = 206, .headers = {"Content-Range: bytes 0-9/10"}, .body = "0123456789"}});
  EXPECT_THAT(get_it(), HasSubstr("status 206"));
}

TEST_F(DownloadTest, AWrongLengthIsRefusedBeforeABodyIsTaken) {
  serve_first({{.body = body + "more"}});
  EXPECT_THAT(get_it(), HasSubstr("offers 200,004 bytes where 200,000 are expected"));
  EXPECT_FALSE(fs::exists(part));
  serve_first({{.body = body.substr(1)}});
  EXPECT_THAT(get_it(), HasSubstr("offers 199,999 bytes"));
  serve_first({{.body = std::string(2 << 20, 'x')}});
  EXPECT_THAT(get_it(0), HasSubstr("at most 1,048,576"));
}

TEST_F(DownloadTest, AServerThatSaysNoLengthIsHeldToItAllTheSame) {
  serve_first({{.body = body + "more", .length = -2}});
  EXPECT_THAT(get_it(), HasSubstr("more than the 200,000 bytes"));
  remove_part(part);
  serve_first({{.headers = {"ETag: \"v1\""}, .body = body, .length = -2, .cut_after = 60'000}});
  EXPECT_EQ(get_it(), "");
  expect_whole();
  remove_part(part);
  serve_first({{.body = std::string(2 << 20, 'x'), .length = -2}});
  EXPECT_THAT(get_it(0), HasSubstr("more than the 1,048,576 bytes"));
}

TEST_F(DownloadTest, ALengthThatIsNotKeptIsACutConnection) {
  limits.attempts = 2;
  serve([this](const WebRequest&) { return WebReply{.body = body.substr(0, 10), .length = 200'000}; });
  EXPECT_NE(get_it(), "");
  EXPECT_GE(server->requests().size(), 2U);
}

TEST_F(DownloadTest, AnEmptyAnswerIsNoFile) {
  limits.attempts = 1;
  serve_first({{.length = -2}});
  EXPECT_THAT(get_it(), HasSubstr("0 of 200,000 bytes"));
}

TEST_F(DownloadTest, WhatIsNotThereIsNotAskedForTwice) {
  serve([](const WebRequest&) { return WebReply{.status = 404, .body = "<html>no</html>"}; });
  EXPECT_THAT(get_it(), HasSubstr("status 404"));
  EXPECT_EQ(server->requests().size(), 1U);
  EXPECT_FALSE(fs::exists(part));
}

TEST_F(DownloadTest, ABusyServerIsAskedAgain) {
  serve_first({{.status = 503}, {.status = 429}});
  EXPECT_EQ(get_it(), "");
  expect_whole();
  serve([](const WebRequest&) { return WebReply{.status = 503}; });
  remove_part(part);
  EXPECT_THAT(get_it(), HasSubstr("status 503"));
  EXPECT_EQ(server->requests().size(), 3U);
}

TEST_F(DownloadTest, RedirectsAreFollowedToAnEnd) {
  serve([this](const WebRequest& request) {
    if (request.target == "/f") return WebReply{.status = 302, .headers = {"Location: /g"}, .body = "moved"};
    return good_reply(request, body);
  });
  EXPECT_EQ(get_it(), "");
  expect_whole();
  remove_part(part);
  serve([](const WebRequest&) { return WebReply{.status = 302, .headers = {"Location: /f"}}; });
  EXPECT_THAT(get_it(), HasSubstr("redirects"));
  EXPECT_EQ(server->requests().size(), 6U);
}

TEST_F(DownloadTest, RedirectsStayOnTheWeb) {
  put(scratch / "secret", body);
  for (const std::string& place :
       {"file://" + (scratch / "secret").string(), std::string("ftp://127.0.0.1/f")}) {
    serve_first({{.status = 302, .headers = {"Location: " + place}}});
    EXPECT_THAT(get_it(), HasSubstr("rotocol")) << place;
    EXPECT_FALSE(fs::exists(part));
  }
}

TEST_F(DownloadTest, AServerThatStallsIsGivenUp) {
  limits.stall_seconds = 1;
  limits.attempts = 1;
  WebReply stalled = good_reply({}, body);
  stalled.stall_after = 300;
  serve([stalled](const WebRequest&) { return stalled; });
  const auto begin = std::chrono::steady_clock::now();
  // The first try brings bytes, so there is a second.
  EXPECT_THAT(get_it(), HasSubstr("too slow"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

TEST_F(DownloadTest, AnOutageIsWaitedFor) {
  limits.wait_seconds = 0.1;
  serve([this](const WebRequest&) { return cut(50'000); });
  const uint16_t port = server->port();
  const Download wanted{.url = server->url("/f"), .part = part, .bytes = 200'000, .max_bytes = 1 << 20};
  std::thread outage([&] {
    while (part_bytes(part) < 50'000) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    server.reset();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    server.emplace([this](const WebRequest& request) { return good_reply(request, body); }, port);
  });
  const std::string failure = download(wanted, limits, go, [](int64_t, int64_t) {}).failure;
  outage.join();
  EXPECT_EQ(failure, "");
  expect_whole();
  EXPECT_EQ(server->requests().at(0).header("range"), "bytes=50000-");
}

TEST_F(DownloadTest, NobodyListens) {
  serve_first({});
  const std::string url = server->url("/f");
  server.reset();
  const Download wanted{.url = url, .part = part, .bytes = 200'000, .max_bytes = 0};
  EXPECT_THAT(download(wanted, limits, go, [](int64_t, int64_t) {}).failure, HasSubstr("onnect"));
}

TEST_F(DownloadTest, StopsWhenAskedAndKeepsThePart) {
  WebReply slow = good_reply({}, body);
  slow.delay_ms = 50;
  serve_first({slow});
  StopFlag stop{0};
  const Download wanted{.url = server->url("/f"), .part = part, .bytes = 200'000, .max_bytes = 0};
  EXPECT_THROW(download(wanted, limits, stop, [&](int64_t done, int64_t) { stop = done > 0 ? 15 : 0; }),
               Interrupted);
  EXPECT_GT(part_bytes(part), 0);
  EXPECT_LT(part_bytes(part), 200'000);
  EXPECT_EQ(get_it(), "");
  expect_whole();
  EXPECT_NE(server->requests().back().header("range"), "");
}

TEST_F(DownloadTest, ProxiesAreTakenFromTheEnvironment) {
  serve_first({});
  const ScopedEnv proxy("http_proxy", server->url("").c_str()), everywhere("no_proxy", nullptr);
  const Download wanted{.url = "http://data.invalid/f", .part = part, .bytes = 200'000, .max_bytes = 0};
  EXPECT_EQ(download(wanted, limits, go, [](int64_t, int64_t) {}).failure, "");
  expect_whole();
  EXPECT_EQ(server->requests()[0].target, "http://data.invalid/f");
}

TEST_F(DownloadTest, WhatServersSayCannotWriteToTheTerminal) {
  serve_first({{.status = 302, .headers = {"Location: gopher://\x1b[2J/"}}});
  EXPECT_THAT(get_it(), testing::Not(HasSubstr("\x1b")));
}

TEST(PartFile, ContentRanges) {
  const auto range = parse_content_range("bytes 5-9/20");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->begin, 5);
  EXPECT_EQ(range->end, 9);
  EXPECT_EQ(range->total, 20);
  EXPECT_EQ(parse_content_range("bytes 5-9/*")->total, 0);
  for (const char* bad : {"", "bytes", "bytes 5-9", "bytes 9-5/20", "bytes 5-9/9", "bytes -1-9/20",
                          "bytes */20", "bytes 5-9/20x", "bytes 99999999999999999999-9/20", "items 5-9/20"}) {
    EXPECT_FALSE(parse_content_range(bad)) << bad;
  }
}

TEST(PartFile, ANoteThatIsNotOursIsNotGoneOnFrom) {
  const TempDir scratch;
  for (const char* note : {"", "[]", "{", "{\"url_xxh3_128\": 5}", "{\"validator\": \"\\\"v1\\\"\"}"}) {
    put(scratch / "p", std::string("bytes"));
    put(scratch / "p.json", std::string(note));
    EXPECT_EQ(resumable_part(scratch / "p", "http://a/b").bytes, 0) << note;
  }
  // What would smuggle a header in is not kept.
  begin_part(scratch / "p", "http://a/b", "\"x\"\r\nEvil: 1", "");
  put(scratch / "p", std::string("bytes"));
  EXPECT_EQ(resumable_part(scratch / "p", "http://a/b").bytes, 0);
}

TEST(Checksum, KnownValues) {
  const TempDir scratch;
  put(scratch / "f", std::string("abc"));
  const Checksums found = checksums_of(scratch / "f", go);
  EXPECT_EQ(found.md5, "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(found.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(checksum_difference(found, found), "");
  EXPECT_EQ(checksum_difference({.md5 = found.md5, .sha256 = ""}, found), "");
  EXPECT_THAT(checksum_difference({.md5 = found.md5, .sha256 = "00"}, found), HasSubstr("SHA-256"));
  EXPECT_THAT(checksum_difference({.md5 = "00", .sha256 = found.sha256}, found), HasSubstr("MD5"));
  EXPECT_THROW(checksum_difference({}, found), std::logic_error);
  EXPECT_THROW(checksums_of(scratch / "none", go), Error);
}

TEST(Url, PasswordsAreNotShown) {
  EXPECT_EQ(shown_url("http://me:secret@host/a@b"), "http://...@host/a@b");
  EXPECT_EQ(shown_url("http://host/a@b"), "http://host/a@b");
  EXPECT_TRUE(is_web_address("HTTPS://host/"));
  EXPECT_FALSE(is_web_address("ftp://host/"));
  EXPECT_FALSE(is_web_address("dir/file"));
}

}  // namespace
}  // namespace frugal
