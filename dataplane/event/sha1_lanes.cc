#include "dataplane/event/sha1_lanes.h"

#include <cstring>
#include <utility>

namespace spanbeat {
namespace {

// One word of each lane. The compiler splits it where the processor's vectors are shorter.
using Words = std::uint32_t __attribute__((vector_size(4 * kSha1Lanes)));

// RFC 3174 sections 5 and 6.1, method 2: sixteen words of W go round. With the names of a to e turned by one from round
// to round, two of them change.
template <int t>
[[gnu::always_inline]] inline void round(Words (&w)[16], Words (&h)[5]) {
  const Words& a = h[(80 - t) % 5];
  Words& b = h[(81 - t) % 5];
  const Words& c = h[(82 - t) % 5];
  const Words& d = h[(83 - t) % 5];
  Words& e = h[(84 - t) % 5];
  Words& word = w[t % 16];
  if constexpr (t >= 16) {
    word ^= w[(t - 3) % 16] ^ w[(t - 8) % 16] ^ w[(t - 14) % 16];
    word = word << 1 | word >> 31;
  }
  constexpr std::uint32_t kConstants[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
  const Words mixed = t < 20 ? d ^ (b & (c ^ d)) : t >= 40 && t < 60 ? (b & c) | (d & (b | c)) : b ^ c ^ d;
  e = (a << 5 | a >> 27) + (mixed + (e + (word + kConstants[t / 20])));
  b = b << 30 | b >> 2;
}

template <int... t>
[[gnu::always_inline]] inline void rounds(Words (&w)[16], Words (&h)[5], std::integer_sequence<int, t...>) {
  (round<t>(w, h), ...);
}

[[gnu::always_inline]] inline void digest(const Sha1Blocks& blocks, Sha1Digests& digests) {
  constexpr std::uint32_t kInitial[] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  Words w[16];
  Words h[5];
  std::memcpy(w, blocks.words, sizeof w);
  for (std::size_t i = 0; i < 5; ++i) h[i] = Words{} + kInitial[i];
  rounds(w, h, std::make_integer_sequence<int, 80>());
  for (std::size_t i = 0; i < 5; ++i) h[i] += kInitial[i];
  std::memcpy(digests.words, h, sizeof h);
}

using Digest = void (*)(const Sha1Blocks&, Sha1Digests&);
void digest_plain(const Sha1Blocks& blocks, Sha1Digests& digests) { digest(blocks, digests); }
[[gnu::target("avx2")]] void digest_avx2(const Sha1Blocks& blocks, Sha1Digests& digests) { digest(blocks, digests); }
[[gnu::target("avx512f")]] void digest_avx512(const Sha1Blocks& blocks, Sha1Digests& digests) {
  digest(blocks, digests);
}

Digest digest_of(Sha1Kernel kernel) {
  switch (kernel) {
    case Sha1Kernel::avx512:
      return digest_avx512;
    case Sha1Kernel::avx2:
      return digest_avx2;
    case Sha1Kernel::plain:
      break;
  }
  return digest_plain;
}

Digest chosen = digest_of(best_sha1_kernel());

}  // namespace

Sha1Kernel best_sha1_kernel() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return Sha1Kernel::avx512;
  return __builtin_cpu_supports("avx2") ? Sha1Kernel::avx2 : Sha1Kernel::plain;
}

void force_sha1_kernel(Sha1Kernel kernel) { chosen = digest_of(kernel); }

void sha1_lanes(const Sha1Blocks& blocks, Sha1Digests& digests) { chosen(blocks, digests); }

}  // namespace spanbeat
