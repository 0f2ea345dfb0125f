// The head scan with 32-octet vectors. Called only where the processor has AVX2 and BMI.
#include <immintrin.h>

#include "decoders/http/head_scan_tables.h"

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi")
#endif

namespace spanbeat::http::avx2 {

struct Vector {
  static __m256i load(const std::uint8_t* at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)); }
  static std::uint32_t equal(const std::uint8_t* at, char what) {
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(load(at), _mm256_set1_epi8(what))));
  }
  static std::uint64_t newlines(const std::uint8_t* at) {
    return equal(at, '\n') | static_cast<std::uint64_t>(equal(at + 32, '\n')) << 32;
  }
  struct Starts {
    explicit Starts(const NameStarts& of) : all(load(reinterpret_cast<const std::uint8_t*>(of.starts.data()))) {}
    __m256i all;
  };
  static unsigned matching(const std::uint8_t* at, const Starts& starts) {
    int start;
    std::memcpy(&start, at, sizeof start);
    const __m256i folded = _mm256_or_si256(_mm256_set1_epi32(start), _mm256_set1_epi8(0x20));
    const __m256i same = _mm256_cmpeq_epi32(folded, starts.all);
    return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(same)));
  }
  static bool same(const std::uint8_t* at, const std::uint8_t* pattern, const std::uint8_t* mask) {
    const __m256i folded = _mm256_and_si256(_mm256_or_si256(load(at), _mm256_set1_epi8(0x20)), load(mask));
    return _mm256_movemask_epi8(_mm256_cmpeq_epi8(folded, load(pattern))) == -1;
  }
};

#include "decoders/http/head_scan_kernel.h"

}  // namespace spanbeat::http::avx2

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
