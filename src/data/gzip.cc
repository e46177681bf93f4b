#include "data/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace frugal {
namespace {

struct Inflater {
  z_stream stream{};
  Inflater() {
    constexpr int gzip_only = 16;
    if (inflateInit2(&stream, MAX_WBITS + gzip_only) != Z_OK) throw Error("zlib: no memory to unpack with");
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream); }
};

unsigned clamped(size_t size) {
  return static_cast<unsigned>(std::min<size_t>(size, std::numeric_limits<unsigned>::max()));
}

}  // namespace

bool is_gzip(std::span<const uint8_t> bytes) {
  return bytes.size() >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B;
}

std::vector<uint8_t> gunzip(std::span<const uint8_t> bytes, int64_t most, const std::string& file) {
  const auto fail = [&](const std::string& why) {
    throw Error(file + ": " + why + "; the file is damaged: get it again");
  };
  Inflater inflater;
  z_stream& stream = inflater.stream;
  std::vector<uint8_t> out(static_cast<size_t>(most));
  size_t used = 0, made = 0;
  while (made < out.size()) {
    stream.next_in = const_cast<Bytef*>(bytes.data() + used);  // zlib only reads it
    stream.avail_in = clamped(bytes.size() - used);
    stream.next_out = out.data() + made;
    stream.avail_out = clamped(out.size() - made);
    const unsigned in_before = stream.avail_in, out_before = stream.avail_out;
    const int result = inflate(&stream, Z_NO_FLUSH);
    used += in_before - stream.avail_in;
    made += out_before - stream.avail_out;
    if (result == Z_STREAM_END) {
      if (used == bytes.size()) break;
      // Members may follow one another (RFC 1952).
      if (!is_gzip(bytes.subspan(used))) fail("there are bytes behind its gzipped data");
      inflateReset(&stream);
    } else if (result == Z_BUF_ERROR || (result == Z_OK && used == bytes.size() && made < out.size())) {
      fail("its gzipped data is cut short");
    } else if (result != Z_OK) {
      fail(std::string("its gzipped data is broken") +
           (stream.msg == nullptr ? "" : std::string(" (") + stream.msg + ")"));
    }
  }
  out.resize(made);
  return out;
}

}  // namespace frugal
