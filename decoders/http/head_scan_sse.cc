// The head scan with 16-octet vectors: every x86-64 that DPDK runs on has them.
#include <emmintrin.h>

#include "decoders/http/head_scan_tables.h"

namespace spanbeat::http::sse {

struct Vector {
  static __m128i load(const std::uint8_t* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }
  static std::uint32_t equal(const std::uint8_t* at, char what) {
    return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(load(at), _mm_set1_epi8(what))));
  }
  static std::uint64_t newlines(const std::uint8_t* at) {
    const std::uint64_t low = equal(at, '\n') | equal(at + 16, '\n') << 16;
    const std::uint64_t high = equal(at + 32, '\n') | equal(at + 48, '\n') << 16;
    return low | high << 32;
  }
  struct Starts {
    explicit Starts(const NameStarts& of)
        : low(load(reinterpret_cast<const std::uint8_t*>(of.starts.data()))),
          high(load(reinterpret_cast<const std::uint8_t*>(of.starts.data() + 4))) {}
    __m128i low;
    __m128i high;
  };
  static unsigned matching(const std::uint8_t* at, const Starts& starts) {
    const __m128i all = _mm_set1_epi32(static_cast<int>(name_start(at)));
    const int low = _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(all, starts.low)));
    const int high = _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(all, starts.high)));
    return static_cast<unsigned>(low | high << 4);
  }
  static bool same(const std::uint8_t* at, const std::uint8_t* pattern, const std::uint8_t* mask) {
    const __m128i fold = _mm_set1_epi8(0x20);
    const __m128i low = _mm_and_si128(_mm_or_si128(load(at), fold), load(mask));
    const __m128i high = _mm_and_si128(_mm_or_si128(load(at + 16), fold), load(mask + 16));
    const __m128i both = _mm_and_si128(_mm_cmpeq_epi8(low, load(pattern)), _mm_cmpeq_epi8(high, load(pattern + 16)));
    return _mm_movemask_epi8(both) == 0xffff;
  }
};

#include "decoders/http/head_scan_kernel.h"

}  // namespace spanbeat::http::sse
