#include "export/document_id.h"

#include <xxhash.h>

#include <cstring>

namespace spanbeat {
namespace {

constexpr std::string_view kBefore = "{\"@metadata\":{\"_id\":\"";

char* write_hex(std::uint64_t number, char* at) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) *at++ = kDigits[(number >> shift) & 15];
  return at;
}

}  // namespace

void DocumentIds::stamp(char* text, std::size_t size) {
  const std::string_view document(text, size);
  if (!document.starts_with(kBefore) || !document.substr(kBefore.size()).starts_with(kNone)) return;
  XXH128_hash_t hash = XXH3_128bits(text, size);
  Seen& seen = seen_[hash.low64 % kRemembered];
  if (seen.hash == hash.low64) {
    hash = XXH3_128bits_withSeed(text, size, ++seen.times);
  } else {
    seen = {hash.low64, 0};
  }
  (void)write_hex(hash.low64, write_hex(hash.high64, text + kBefore.size()));
}

}  // namespace spanbeat
