#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <climits>

#include "dataplane/source/byte_reader.h"

namespace spanbeat {
namespace {

// RFC 8878, 3.1.1.1.2 allows windows of up to 3.75 TiB; this is what `zstd` itself accepts unless told otherwise.
constexpr int kMaxWindowLog = 27;

class GzipDecompressor final : public Decompressor {
 public:
  GzipDecompressor() {
    constexpr int gzip_only = 16 + MAX_WBITS;
    ready_ = ::inflateInit2(&stream_, gzip_only) == Z_OK;
  }
  ~GzipDecompressor() override {
    if (ready_) ::inflateEnd(&stream_);
  }
  GzipDecompressor(const GzipDecompressor&) = delete;
  GzipDecompressor& operator=(const GzipDecompressor&) = delete;

  void reset() override {
    if (ready_) ::inflateReset(&stream_);
    any_ = false;
  }

  Inflated run(Bytes in, std::uint8_t* out, std::size_t room) override {
    Inflated step;
    if (!ready_) {
      step.damage = "no memory for the gzip decompressor";
      return step;
    }
    stream_.next_in = const_cast<Bytef*>(in.data());  // zlib does not write to it
    stream_.avail_in = static_cast<uInt>(std::min<std::size_t>(in.size(), UINT_MAX));
    stream_.next_out = out;
    stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(room, UINT_MAX));
    const std::size_t given = stream_.avail_in;
    const std::size_t offered = stream_.avail_out;
    const int outcome = ::inflate(&stream_, Z_NO_FLUSH);
    step.consumed = given - stream_.avail_in;
    step.produced = offered - stream_.avail_out;
    if (outcome == Z_STREAM_END) {
      step.member_end = true;
      any_member_ = true;
    } else if (outcome != Z_OK && outcome != Z_BUF_ERROR) {
      const bool after_member = any_member_ && !any_;
      step.damage = after_member ? "other data follows the gzip data"
                                 : std::string("broken gzip data: ") + (stream_.msg ? stream_.msg : "unknown error");
    }
    any_ = any_ || step.produced > 0;
    return step;
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
  bool any_ = false;         // this member gave something
  bool any_member_ = false;  // a whole member was read
};

class ZstdDecompressor final : public Decompressor {
 public:
  ZstdDecompressor() : context_(::ZSTD_createDCtx()) {
    if (context_ != nullptr) ::ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kMaxWindowLog);
  }
  ~ZstdDecompressor() override { ::ZSTD_freeDCtx(context_); }
  ZstdDecompressor(const ZstdDecompressor&) = delete;
  ZstdDecompressor& operator=(const ZstdDecompressor&) = delete;

  void reset() override {
    if (context_ != nullptr) ::ZSTD_DCtx_reset(context_, ZSTD_reset_session_only);
    wanted_ = kFirstStep;
  }

  Inflated run(Bytes in, std::uint8_t* out, std::size_t room) override {
    Inflated step;
    if (context_ == nullptr) {
      step.damage = "no memory for the zstd decompressor";
      return step;
    }
    // Not more than one block a step: a step that finds damage gives nothing, not even the good blocks before it.
    ZSTD_inBuffer input{in.data(), std::min(in.size(), wanted_), 0};
    ZSTD_outBuffer output{out, room, 0};
    const std::size_t outcome = ::ZSTD_decompressStream(context_, &output, &input);
    step.consumed = input.pos;
    step.produced = output.pos;
    if (::ZSTD_isError(outcome) != 0U) {
      step.damage = std::string("broken zstd data: ") + ::ZSTD_getErrorName(outcome);
    } else {
      step.member_end = outcome == 0;
      wanted_ = std::max<std::size_t>(outcome, 1);
    }
    return step;
  }

 private:
  static constexpr std::size_t kFirstStep = 5;  // the shortest frame header

  ZSTD_DCtx* context_;
  std::size_t wanted_ = kFirstStep;  // octets that end the next block, as the library says
};

}  // namespace

std::unique_ptr<Decompressor> make_gzip_decompressor() { return std::make_unique<GzipDecompressor>(); }
std::unique_ptr<Decompressor> make_zstd_decompressor() { return std::make_unique<ZstdDecompressor>(); }

}  // namespace spanbeat
