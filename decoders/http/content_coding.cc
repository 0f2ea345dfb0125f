#include "decoders/http/content_coding.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "dataplane/bytes/bytes.h"

namespace spanbeat::http {
namespace {

constexpr std::string_view kTooLarge = "body truncated due to size limitation";
constexpr std::string_view kCutShort = "unexpected EOF";
constexpr std::string_view kCorrupt = "flate: corrupt input";
constexpr std::string_view kNoGzip = "gzip: invalid header";
constexpr std::string_view kBadSum = "gzip: invalid checksum";
constexpr std::string_view kUnknown = "decoder not found";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool same(std::string_view name, std::string_view lower) {
  return name.size() == lower.size() && std::equal(name.begin(), name.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b;
         });
}

bool has_zlib_wrapper(std::string_view body) {  // RFC 1950 section 2.2
  if (body.size() < 2) return false;
  const auto cmf = static_cast<std::uint8_t>(body[0]);
  const auto flags = static_cast<std::uint8_t>(body[1]);
  return (cmf & 0x0f) == 8 && (cmf >> 4) <= 7 && (cmf * 256 + flags) % 31 == 0;
}

}  // namespace

// One z_stream for all bodies: its 40 KB are allocated once.
struct ContentDecoder::Inflater {
  z_stream stream{};
  bool ready = false;

  Inflater() { ready = inflateInit2(&stream, MAX_WBITS + 16) == Z_OK; }
  ~Inflater() {
    if (ready) inflateEnd(&stream);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Appends to `out`; an error or nothing.
  std::string_view inflate_all(std::string_view in, bool gzip, std::size_t max, Text& out) {
    const int window = gzip ? MAX_WBITS + 16 : has_zlib_wrapper(in) ? MAX_WBITS : -MAX_WBITS;
    if (!ready || inflateReset2(&stream, window) != Z_OK) return kUnknown;
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data()));
    stream.avail_in = static_cast<uInt>(in.size());
    while (true) {
      const std::size_t used = out.size();
      const std::size_t room = std::min(max - used + 1, std::max<std::size_t>(used, 4096));
      stream.next_out = reinterpret_cast<Bytef*>(out.room(room));
      stream.avail_out = static_cast<uInt>(room);
      const int result = inflate(&stream, Z_NO_FLUSH);
      out.advance(room - stream.avail_out);
      if (out.size() > max) {
        out.cut(max);
        return kTooLarge;
      }
      if (result == Z_STREAM_END) {
        // Several gzip members in a row are one body, RFC 1952 section 2.2.
        if (!gzip || stream.avail_in == 0) return {};
        if (inflateReset2(&stream, window) != Z_OK) return kUnknown;
        continue;
      }
      if (result == Z_BUF_ERROR) return kCutShort;
      if (result != Z_OK) {
        const std::string_view message = stream.msg != nullptr ? stream.msg : "";
        if (message.find("header") != std::string_view::npos ||
            message.find("compression method") != std::string_view::npos) {
          return gzip ? kNoGzip : kCorrupt;
        }
        return message.find("check") != std::string_view::npos && gzip ? kBadSum : kCorrupt;
      }
    }
  }
};

ContentDecoder::ContentDecoder() = default;
ContentDecoder::~ContentDecoder() = default;

ContentDecoder::Result ContentDecoder::decode(std::string_view body, std::string_view codings,
                                              std::string_view transfer, std::size_t max) {
  // A buffer that one large body made large is not kept.
  for (Text& text : output_) text.release_above(std::size_t{1} << 20);
  std::array<std::string_view, kMaxCodings> steps;
  std::size_t count = 0;
  Result result{body, {}};
  const auto fail = [&](std::string_view coding, std::string_view why) {
    error_.clear();
    error_.add("unable to decode body using ");
    error_.add(coding);
    error_.add(" encoding: ");
    error_.add(why);
    result.error = error_.view();
  };
  for (std::string_view list : {codings, transfer}) {
    while (!list.empty()) {
      const std::size_t comma = std::min(list.find(','), list.size());
      const std::string_view coding = trimmed(list.substr(0, comma));
      list.remove_prefix(std::min(comma + 1, list.size()));
      if (coding.empty() || same(coding, "identity") || same(coding, "chunked")) continue;
      if (count == kMaxCodings) {
        fail(coding, "too many codings");
        result.body = {};
        return result;
      }
      steps[count++] = coding;
    }
  }
  for (std::size_t i = count; i > 0; --i) {
    const std::string_view coding = steps[i - 1];
    const bool gzip = same(coding, "gzip") || same(coding, "x-gzip");
    std::string_view error = kUnknown;
    Text& out = output_[i % 2];
    out.clear();
    if (gzip || same(coding, "deflate") || same(coding, "x-deflate")) {
      if (inflater_ == nullptr) inflater_ = std::make_unique<Inflater>();
      error = inflater_->inflate_all(result.body, gzip, max, out);
    }
    result.body = out.view();
    if (!error.empty()) {
      fail(coding, error);
      if (i != 1) result.body = {};  // a half-decoded step in between is of no use
      return result;
    }
  }
  return result;
}

}  // namespace spanbeat::http
