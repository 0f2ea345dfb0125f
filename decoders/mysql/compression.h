// The compressed protocol: zlib and zstd.
//
// What:   turns the payload of one compressed packet into what it was ("Compression"; each packet is compressed by
// itself).
//         Which of the two it is, its first octets say.
// Limits: a packet is at most 16 MiB before and after; the buffers are the decoder's, made with the first such packet.
#pragma once

#include <memory>

#include "dataplane/bytes/bytes.h"

namespace spanbeat::mysql {

class PacketDecompressor {
 public:
  PacketDecompressor();
  ~PacketDecompressor();
  PacketDecompressor(const PacketDecompressor&) = delete;
  PacketDecompressor& operator=(const PacketDecompressor&) = delete;

  // The octets, `size` of them, good until the next call; empty when they are not that.
  [[nodiscard]] Bytes decompress(Bytes packed, std::size_t size);

 private:
  struct Codecs;
  std::unique_ptr<Codecs> codecs_;
};

// Does a zlib stream or a zstd frame begin here?
[[nodiscard]] bool begins_compressed(Bytes octets);

}  // namespace spanbeat::mysql
