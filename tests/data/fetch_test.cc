// Fetching from a server of our own: what is placed, what is kept, and what is said when something goes
// wrong.
#include "data/fetch.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/mount.h>

#include <memory>
#include <optional>
#include <thread>

#include "../archives.h"
#include "../web_server.h"
#include "data/cifar.h"
#include "data/dataset.h"
#include "data/placed.h"
#include "fixtures.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Status = FetchResult::Status;

class Heard : public FetchObserver {
 public:
  void on_message(const std::string& text) override { messages += text + "\n"; }
  std::string messages;
};

void check_fixture(const fs::path& directory) {
  Dataset data;
  read_cifar100(directory, {}, data);
  if (data.train.count != 4) throw Error("not four images");
}

class FetchTest : public testing::Test {
 protected:
  FetchTest() {
    make_cifar100(scratch / "set");
    write_tar_gz(scratch / "a.tar.gz", tar_entries(scratch / "set", "cifar-100-binary"));
    archive = get(scratch / "a.tar.gz");
    serve([this](const WebRequest& request) { return good_reply(request, archive); });
  }
  void serve(WebServer::Handler handler) {
    server.emplace(std::move(handler));
    source = {.name = "cifar100",
              .title = "CIFAR-100",
              .files = {{.name = "c.tar.gz", .urls = {server->url("/1"), server->url("/2")}}},
              .archive = true,
              .folder = "cifar-100-binary",
              .max_unpacked_bytes = 1 << 20,
              .check = check_fixture};
    publish(archive);
  }
  /// The checksums that the publisher states are those of these bytes.
  void publish(const std::string& bytes) {
    put(scratch / "published", bytes);
    source.files[0].bytes = static_cast<int64_t>(bytes.size());
    source.files[0].checksums = checksums_of(scratch / "published", StopFlag{0});
  }
  FetchResult get_it() { return fetch(source, options, stop, heard); }
  /// The error's text.
  std::string failure() {
    try {
      get_it();
    } catch (const Error& error) {
      return error.what();
    }
    ADD_FAILURE() << "nothing was wrong";
    return {};
  }
  void expect_placed() const {
    const ScopedEnv root("FRUGAL_DATA", options.root.c_str());
    EXPECT_EQ(load_dataset("cifar100").train.count, 4);
    EXPECT_EQ(examine(options.root / "cifar100").state, Found::State::verified);
    EXPECT_THAT(left_over(), IsEmpty());
  }
  void expect_nothing_placed() const {
    EXPECT_FALSE(fs::exists(options.root / "cifar100"));
    EXPECT_FALSE(fs::exists(options.root / ".cifar100.tmp"));
  }
  /// Downloads and scratch directories; the lock is to stay.
  std::vector<std::string> left_over() const {
    std::vector<std::string> names;
    for (const fs::path& directory : {options.root, options.root / ".fetch"}) {
      for (const auto& entry : fs::directory_iterator(directory)) {
        const std::string name = entry.path().filename();
        if (name != "cifar100" && name != ".fetch" && name != "cifar100.lock") names.push_back(name);
      }
    }
    std::ranges::sort(names);
    return names;
  }

  const ScopedEnv no_proxy{"no_proxy", "*"};
  const TempDir scratch;
  std::string archive;
  std::optional<WebServer> server;
  DataSource source;
  FetchOptions options{.root = scratch / "root",
                       .limits = {.connect_seconds = 5, .stall_seconds = 5, .wait_seconds = 0.01}};
  StopFlag stop{0};
  Heard heard;
};

TEST_F(FetchTest, IsPlacedWhereItIsLookedFor) {
  const FetchResult result = get_it();
  EXPECT_EQ(result.status, Status::fetched);
  EXPECT_EQ(result.path, options.root / "cifar100");
  expect_placed();
}

TEST_F(FetchTest, TheSecondTimeItIsVerified) {
  get_it();
  EXPECT_EQ(get_it().status, Status::verified);
  EXPECT_EQ(server->requests().size(), 1U);
  options.force = true;
  EXPECT_EQ(get_it().status, Status::fetched);
  EXPECT_EQ(server->requests().size(), 2U);
  expect_placed();
}

TEST_F(FetchTest, ADamagedCopyIsFetchedAgain) {
  for (const auto& damage : std::vector<std::function<void(const fs::path&)>>{
           [](const fs::path& file) { fs::remove(file); },
           [](const fs::path& file) { fs::resize_file(file, 10); },
           [](const fs::path& file) {
             std::string bytes = get(file);
             bytes[5000] = static_cast<char>(bytes[5000] + 1);
             put(file, bytes);
           }}) {
    get_it();
    damage(options.root / "cifar100" / "train.bin");
    heard.messages.clear();
    EXPECT_EQ(get_it().status, Status::fetched);
    EXPECT_THAT(heard.messages, AllOf(HasSubstr("is damaged"), HasSubstr("train.bin")));
    expect_placed();
  }
}

TEST_F(FetchTest, ADamagedCopyStaysUntilTheNewOneIsWhole) {
  get_it();
  put(options.root / "cifar100" / "train.bin", std::string("damaged"));
  serve([](const WebRequest&) { return WebReply{.status = 404}; });
  failure();
  EXPECT_EQ(get(options.root / "cifar100" / "train.bin"), "damaged");
  EXPECT_TRUE(fs::exists(options.root / "cifar100" / "test.bin"));
}

TEST_F(FetchTest, WhatTheUserAddedIsNotThrownAway) {
  get_it();
  put(options.root / "cifar100" / "notes.txt", std::string("mine"));
  put(options.root / "cifar100" / "train.bin", std::string("damaged"));
  const FetchResult result = get_it();
  EXPECT_EQ(get(result.aside / "notes.txt"), "mine");
  EXPECT_FALSE(fs::exists(result.aside / "train.bin"));
  EXPECT_EQ(examine(result.path).state, Found::State::verified);
}

TEST_F(FetchTest, WhatIsSomebodyElsesIsReadAndLeftAlone) {
  make_cifar100(options.root / "cifar100");
  EXPECT_EQ(get_it().status, Status::foreign);
  put(options.root / "cifar100" / "train.bin", std::string("mine"));
  EXPECT_THAT(failure(), AllOf(HasSubstr("not from frugal fetch"), HasSubstr("--force")));
  EXPECT_THAT(server->requests(), IsEmpty());
  options.force = true;
  const FetchResult result = get_it();
  EXPECT_EQ(result.aside, (options.root / "cifar100").string() + ".old");
  EXPECT_EQ(get(result.aside / "train.bin"), "mine");
  EXPECT_EQ(examine(result.path).state, Found::State::verified);
}

TEST_F(FetchTest, AManifestCannotNameFilesElsewhere) {
  put(scratch / "precious", std::string("mine"));
  fs::create_directories(options.root / "cifar100");
  put(options.root / "cifar100" / "frugal-fetch.json",
      std::string(R"({"files": [{"path": "../../precious", "bytes": 9, "xxh3_128": "00"}]})"));
  options.force = true;
  get_it();
  EXPECT_EQ(get(scratch / "precious"), "mine");
}

TEST_F(FetchTest, ACutConnectionIsGoneOnFrom) {
  serve([this, first = true](const WebRequest& request) mutable {
    WebReply reply = good_reply(request, archive);
    if (first) reply.cut_after = 1000;
    first = false;
    return reply;
  });
  get_it();
  expect_placed();
  EXPECT_EQ(server->requests()[1].header("range"), "bytes=1000-");
}

TEST_F(FetchTest, MirrorsAreTriedInOrder) {
  serve([this](const WebRequest& request) {
    return request.target == "/1" ? WebReply{.status = 404} : good_reply(request, archive);
  });
  get_it();
  expect_placed();
  EXPECT_EQ(server->requests()[0].target, "/1");
  EXPECT_EQ(server->requests()[1].target, "/2");
}

TEST_F(FetchTest, WhenAllMirrorsFailEachIsNamedWithItsReason) {
  serve([](const WebRequest& request) { return WebReply{.status = request.target == "/1" ? 404 : 403}; });
  EXPECT_THAT(failure(), AllOf(HasSubstr(server->url("/1") + ": it answered with status 404"),
                               HasSubstr(server->url("/2") + ": it answered with status 403"),
                               HasSubstr("frugal fetch cifar100 --from FILE"), HasSubstr("https_proxy")));
  expect_nothing_placed();
}

TEST_F(FetchTest, AWrongChecksumIsNeverPlaced) {
  std::string other = archive;
  other[other.size() - 5] =
      static_cast<char>(other[other.size() - 5] ^ 1);  // in gzip's own checksum: it unpacks
  serve([&](const WebRequest& request) {
    return good_reply(request, request.target == "/1" ? other : archive);
  });
  get_it();  // from the other mirror
  expect_placed();
  EXPECT_EQ(server->requests().size(), 2U);
  fs::remove_all(options.root);
  serve([&](const WebRequest& request) { return good_reply(request, other); });
  EXPECT_THAT(failure(), AllOf(HasSubstr("not the published file"), HasSubstr("SHA-256")));
  expect_nothing_placed();
  EXPECT_THAT(left_over(), IsEmpty());
  source.files[0].checksums.sha256.clear();  // where only an MD5 is known
  EXPECT_THAT(failure(), HasSubstr("its MD5 is"));
  expect_nothing_placed();
}

TEST_F(FetchTest, PiecesThatDoNotFitAreFetchedOnceMore) {
  std::string other = archive;
  other[10] = static_cast<char>(other[10] ^ 1);
  serve([&, n = 0](const WebRequest& request) mutable {  // one version, called by the same name as another
    WebReply reply = good_reply(request, n == 0 ? other : archive);
    if (n++ == 0) reply.cut_after = 1000;
    return reply;
  });
  get_it();
  expect_placed();
  EXPECT_THAT(heard.messages, HasSubstr("do not fit together"));
  EXPECT_EQ(server->requests().size(), 3U);
}

TEST_F(FetchTest, WrongPiecesAreNotFetchedForEver) {
  std::string other = archive;
  other[10] = static_cast<char>(other[10] ^ 1);
  serve([&](const WebRequest& request) {
    WebReply reply = good_reply(request, other);
    if (request.header("range").empty()) reply.cut_after = 1000;
    return reply;
  });
  EXPECT_THAT(failure(), HasSubstr("not the published file"));
  EXPECT_EQ(server->requests().size(), 8U);  // two mirrors, twice each, in two pieces
  expect_nothing_placed();
}

TEST_F(FetchTest, TheMirrorThatAPartCameFromIsAskedFirst) {
  serve([this, first = true](const WebRequest& request) mutable {
    WebReply reply = good_reply(request, archive);
    if (request.target == "/1") return WebReply{.status = 404};
    if (request.header("range").empty()) {
      reply.cut_after = 1000;
    } else if (first) {
      first = false;
      stop = 15;
      return WebReply{.status = 503};
    }
    return reply;
  });
  EXPECT_THROW(get_it(), Interrupted);
  stop = 0;
  get_it();
  expect_placed();
  EXPECT_EQ(server->requests().back().target, "/2");
  EXPECT_EQ(server->requests().back().header("range"), "bytes=1000-");
  EXPECT_EQ(server->requests().size(), 4U);
}

TEST_F(FetchTest, AHostileArchivePlacesNothingAnywhere) {
  for (const TarEntry& evil : {TarEntry{.path = "../../escaped", .bytes = "x"},
                               TarEntry{.path = (scratch / "escaped").string(), .bytes = "x"},
                               TarEntry{.path = "cifar-100-binary/link", .type = AE_IFLNK, .symlink = "/etc"},
                               TarEntry{.path = "bomb", .bytes = std::string(2 << 20, '\0')}}) {
    auto entries = tar_entries(scratch / "set", "cifar-100-binary");
    entries.push_back(evil);
    write_tar_gz(scratch / "evil.tar.gz", entries);
    archive = get(scratch / "evil.tar.gz");
    publish(archive);
    EXPECT_THAT(failure(), AllOf(HasSubstr("will not be unpacked"), HasSubstr("was not placed")))
        << evil.path;
    expect_nothing_placed();
    EXPECT_FALSE(fs::exists(scratch / "escaped"));
  }
}

TEST_F(FetchTest, WhatIsNotTheWholeDataSetIsNotPlaced) {
  get_it();
  put(options.root / "cifar100" / "train.bin", std::string("damaged"));
  fs::remove(scratch / "set" / "test.bin");
  write_tar_gz(scratch / "a.tar.gz", tar_entries(scratch / "set", "cifar-100-binary"));
  archive = get(scratch / "a.tar.gz");
  publish(archive);
  EXPECT_THAT(failure(), AllOf(HasSubstr("does not hold the whole CIFAR-100"), HasSubstr("test.bin")));
  EXPECT_EQ(get(options.root / "cifar100" / "train.bin"), "damaged");
  EXPECT_FALSE(fs::exists(options.root / ".cifar100.tmp"));
}

TEST_F(FetchTest, FromAFileADirectoryOrAnotherAddress) {
  put(scratch / "c.tar.gz", archive);
  for (const std::string& from : {(scratch / "a.tar.gz").string(), scratch.path().string()}) {
    options.from = from;
    get_it();
    expect_placed();
    EXPECT_THAT(server->requests(), IsEmpty());
    fs::remove_all(options.root);
  }
  EXPECT_EQ(get(scratch / "c.tar.gz"), archive);  // it is the user's
  options.from = server->url("/other");
  get_it();
  expect_placed();
  fs::remove_all(options.root);
  options.from = server->url("/folder/");
  get_it();
  EXPECT_EQ(server->requests()[0].target, "/other");
  EXPECT_EQ(server->requests()[1].target, "/folder/c.tar.gz");
}

TEST_F(FetchTest, FromIsHeldToTheSameChecksum) {
  put(scratch / "bad.tar.gz", archive + "x");
  options.from = (scratch / "bad.tar.gz").string();
  EXPECT_THAT(failure(), AllOf(HasSubstr("bad.tar.gz"), HasSubstr("SHA-256"), HasSubstr("was not placed")));
  options.from = (scratch / "none").string();
  EXPECT_THAT(failure(), HasSubstr("there is no file"));
  options.from = "ftp://127.0.0.1/x";
  EXPECT_THAT(failure(), HasSubstr("http and https"));
  expect_nothing_placed();
  // A checksum of one's own replaces the publisher's, and is held to as well.
  options.from = (scratch / "a.tar.gz").string();
  options.sha256 = std::string(64, '0');
  EXPECT_THAT(failure(), HasSubstr("instead of 0000"));
  options.sha256 = source.files[0].checksums.sha256;
  source.files[0].checksums = {.md5 = "00", .sha256 = "00"};
  get_it();
  expect_placed();
}

TEST_F(FetchTest, FilesThatArePlacedAsTheyAre) {
  serve([](const WebRequest& request) { return good_reply(request, "content of " + request.target); });
  source.archive = false;
  source.check = nullptr;
  source.files.clear();
  for (const std::string name : {"a.gz", "b.gz"}) {
    put(scratch / "published", "content of /" + name);
    source.files.push_back({.name = name,
                            .urls = {server->url("/" + name)},
                            .checksums = checksums_of(scratch / "published", stop)});
  }
  get_it();
  EXPECT_EQ(get(options.root / "cifar100" / "a.gz"), "content of /a.gz");
  EXPECT_EQ(get(options.root / "cifar100" / "b.gz"), "content of /b.gz");
  EXPECT_EQ(get_it().status, Status::verified);
  // Without a manifest, the publisher's checksums tell.
  fs::remove(options.root / "cifar100" / "frugal-fetch.json");
  EXPECT_EQ(get_it().status, Status::foreign);
  put(options.root / "cifar100" / "b.gz", std::string("other"));
  EXPECT_THAT(failure(), HasSubstr("b.gz"));
  options.from = (scratch / "published").string();
  options.force = true;
  EXPECT_THAT(failure(), HasSubstr("takes the directory"));
}

TEST_F(FetchTest, InterruptedItKeepsThePartAndSaysHowToGoOn) {
  serve([this, first = true](const WebRequest& request) mutable {
    WebReply reply = good_reply(request, archive);
    if (first) {
      reply.stall_after = 1000;
      stop = 2;  // Ctrl-C
    }
    first = false;
    return reply;
  });
  try {
    get_it();
    ADD_FAILURE();
  } catch (const Interrupted& interrupted) {
    EXPECT_EQ(interrupted.code(), ExitCode::interrupted);
    EXPECT_THAT(interrupted.what(), HasSubstr("interrupted"));
  }
  expect_nothing_placed();
  stop = 0;
  get_it();
  expect_placed();
}

TEST_F(FetchTest, TwoDoNotCollide) {
  fs::create_directories(options.root / ".fetch");
  const int other =
      open((options.root / ".fetch" / "cifar100.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  ASSERT_EQ(flock(other, LOCK_EX), 0);
  std::thread waiter([this] { get_it(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_THAT(server->requests(), IsEmpty());
  close(other);
  waiter.join();
  EXPECT_THAT(heard.messages, HasSubstr("waiting for it"));
  expect_placed();
}

TEST_F(FetchTest, WhatAKilledOneLeftIsInNobodysWay) {
  fs::create_directories(options.root / ".cifar100.tmp" / "cifar-100-binary");
  put(options.root / ".cifar100.tmp" / "cifar-100-binary" / "train.bin", std::string("half"));
  fs::create_directories(options.root / ".fetch");
  put(options.root / ".fetch" / "c.tar.gz", std::string("damaged"));
  get_it();
  expect_placed();
}

TEST_F(FetchTest, ALinkToADirectoryElsewhereStaysALink) {
  get_it();
  fs::rename(options.root / "cifar100", scratch / "elsewhere");
  fs::create_directory_symlink(scratch / "elsewhere", options.root / "cifar100");
  EXPECT_EQ(get_it().status, Status::verified);
  put(scratch / "elsewhere" / "train.bin", std::string("damaged"));
  get_it();
  EXPECT_TRUE(fs::is_symlink(options.root / "cifar100"));
  expect_placed();
}

/// A root on a small file system. Needs root.
class FetchOnASmallDisk : public FetchTest {
 protected:
  bool mount_disk(const char* size, unsigned long flags = 0) {
    fs::create_directory(scratch / "disk");
    options.root = scratch / "disk" / "root";
    mounted = mount("tmpfs", (scratch / "disk").c_str(), "tmpfs", flags, size) == 0;
    return mounted;
  }
  ~FetchOnASmallDisk() override {
    if (mounted) umount((scratch / "disk").c_str());
  }
  bool mounted = false;
};

TEST_F(FetchOnASmallDisk, FullWhileDownloading) {
  std::string noise;
  for (uint32_t i = 0, x = 7; i < 300'000; ++i)
    noise += static_cast<char>((x = x * 1664525u + 1013904223u) >> 24);
  put(scratch / "set" / "noise", noise);
  write_tar_gz(scratch / "a.tar.gz", tar_entries(scratch / "set", "cifar-100-binary"));
  archive = get(scratch / "a.tar.gz");
  publish(archive);
  if (!mount_disk("size=200k")) GTEST_SKIP() << "cannot mount a tmpfs here";
  EXPECT_THAT(failure(), AllOf(HasSubstr("No space left on device"), HasSubstr("kept in"),
                               HasSubstr("the same command")));
  expect_nothing_placed();
  EXPECT_EQ(server->requests().size(), 1U);  // the next mirror would help nobody
  ASSERT_TRUE(mount_disk("size=4m", MS_REMOUNT));
  get_it();
  expect_placed();
  EXPECT_NE(server->requests().back().header("range"), "");
}

TEST_F(FetchOnASmallDisk, FullWhileUnpacking) {
  put(scratch / "set" / "zeros", std::string(900'000, '\0'));
  write_tar_gz(scratch / "a.tar.gz", tar_entries(scratch / "set", "cifar-100-binary"));
  archive = get(scratch / "a.tar.gz");
  publish(archive);
  if (!mount_disk("size=300k")) GTEST_SKIP() << "cannot mount a tmpfs here";
  EXPECT_THAT(failure(),
              AllOf(HasSubstr("No space left on device"), HasSubstr("was not placed"), HasSubstr("kept in")));
  expect_nothing_placed();
  EXPECT_THAT(left_over(), ElementsAre("c.tar.gz"));
  ASSERT_TRUE(mount_disk("size=4m", MS_REMOUNT));
  get_it();
  expect_placed();
  EXPECT_EQ(server->requests().size(), 1U);  // the archive was kept
}

TEST(Sources, AreWhole) {
  EXPECT_EQ(known_sources().size(), 3U);
  for (const DataSource& source : known_sources()) {
    for (const RemoteFile& file : source.files) {
      EXPECT_EQ(file.checksums.md5.size(), 32U) << file.name;
      EXPECT_EQ(file.checksums.sha256.size(), 64U) << file.name;
      EXPECT_GT(file.bytes, 0) << file.name;
      EXPECT_GE(file.urls.size(), 2U) << file.name;
    }
  }
  EXPECT_THROW(find_source("mnist"), Error);
}

TEST(Sources, TheWholeCifar100IsRecognisedAndAPartIsNot) {
  const auto full = full_cifar100();
  if (!full) GTEST_SKIP() << "the full CIFAR-100 is not here";
  const DataSource source = find_source("cifar100");
  EXPECT_NO_THROW(source.check(*full));
  const TempDir scratch;
  make_cifar100(scratch / "part");
  EXPECT_THROW(source.check(scratch / "part"), Error);
}

}  // namespace
}  // namespace frugal
