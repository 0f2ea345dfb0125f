// SHA-1 (RFC 3174) of sixteen short messages side by side.
//
// What:   the digests of messages that are one block each, lane by lane of the processor's vectors.
// Why:    each of the eighty rounds waits for the one before, so one message alone takes 43 ns, by the processor's SHA
//         instructions too. Sixteen take 140 ns with AVX-512, and 300 ns with AVX2.
// Limits: a message has at most 55 octets. Its padding (section 4) is the caller's.
#pragma once

#include <cstddef>
#include <cstdint>

namespace spanbeat {

inline constexpr std::size_t kSha1Lanes = 16;

// Word `t` of the message in each lane, in host order.
struct alignas(64) Sha1Blocks {
  std::uint32_t words[16][kSha1Lanes];
};
struct alignas(64) Sha1Digests {
  std::uint32_t words[5][kSha1Lanes];
};

void sha1_lanes(const Sha1Blocks& blocks, Sha1Digests& digests);

// By which vectors. The best that the processor has is taken, unless a test wants another.
enum class Sha1Kernel : std::uint8_t { plain, avx2, avx512 };
Sha1Kernel best_sha1_kernel();
void force_sha1_kernel(Sha1Kernel kernel);

}  // namespace spanbeat
