#include "decoders/mysql/compression.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <bit>

namespace spanbeat::mysql {

namespace {

constexpr std::uint8_t kZstdMagic[] = {0x28, 0xb5, 0x2f, 0xfd};  // RFC 8878 section 3.1.1

bool begins_zstd(Bytes octets) {
  return octets.size() >= sizeof kZstdMagic && std::equal(std::begin(kZstdMagic), std::end(kZstdMagic), octets.begin());
}

}  // namespace

struct PacketDecompressor::Codecs {
  z_stream inflate{};
  bool inflate_ready = false;
  ZSTD_DCtx* zstd = nullptr;
  std::unique_ptr<std::uint8_t[]> out;
  std::size_t capacity = 0;
  ~Codecs() {
    if (inflate_ready) inflateEnd(&inflate);
    ZSTD_freeDCtx(zstd);
  }

  [[nodiscard]] bool inflate_all(Bytes packed, std::size_t size) {
    if (!inflate_ready) {
      if (inflateInit(&inflate) != Z_OK) return false;
      inflate_ready = true;
    } else if (inflateReset(&inflate) != Z_OK) {
      return false;
    }
    inflate.next_in = const_cast<Bytef*>(packed.data());  // zlib does not write there
    inflate.avail_in = static_cast<uInt>(packed.size());
    inflate.next_out = out.get();
    inflate.avail_out = static_cast<uInt>(size);
    const int done = ::inflate(&inflate, Z_FINISH);
    return inflate.avail_out == 0 && (done == Z_STREAM_END || done == Z_OK || done == Z_BUF_ERROR);
  }
  [[nodiscard]] bool unzstd(Bytes packed, std::size_t size) {
    if (zstd == nullptr) zstd = ZSTD_createDCtx();
    return zstd != nullptr && ZSTD_decompressDCtx(zstd, out.get(), size, packed.data(), packed.size()) == size;
  }
};

PacketDecompressor::PacketDecompressor() = default;
PacketDecompressor::~PacketDecompressor() = default;

Bytes PacketDecompressor::decompress(Bytes packed, std::size_t size) {
  if (size == 0 || size >= std::size_t{1} << 24) return {};
  if (!codecs_) codecs_ = std::make_unique<Codecs>();
  Codecs& codecs = *codecs_;
  if (codecs.capacity < size) {
    codecs.capacity = std::bit_ceil(std::max<std::size_t>(size, std::size_t{64} << 10));
    codecs.out = std::make_unique<std::uint8_t[]>(codecs.capacity + kPadding);
  }
  const bool whole = begins_zstd(packed) ? codecs.unzstd(packed, size) : codecs.inflate_all(packed, size);
  return whole ? Bytes(codecs.out.get(), size) : Bytes();
}

bool begins_compressed(Bytes octets) {
  if (begins_zstd(octets)) return true;
  // RFC 1950: deflate with a window of 32 KiB, and the levels that exist.
  return octets.size() >= 2 && octets[0] == 0x78 &&
         (octets[1] == 0x01 || octets[1] == 0x5e || octets[1] == 0x9c || octets[1] == 0xda);
}

}  // namespace spanbeat::mysql
