#include "export/document_id.h"

#include <xxhash.h>

#include <algorithm>

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
  Seen* const first = &seen_[hash.low64 % (kRemembered / kTogether) * kTogether];
  Seen* const last = first + kTogether;
  Seen* const known = std::find_if(first, last, [&](const Seen& seen) { return seen.hash == hash.low64; });
  if (known != last) {
    hash = XXH3_128bits_withSeed(text, size, ++known->times);
  } else {
    std::move_backward(first, last - 1, last);  // the oldest goes
    *first = {hash.low64, 0};
  }
  (void)write_hex(hash.low64, write_hex(hash.high64, text + kBefore.size()));
}

}  // namespace spanbeat
