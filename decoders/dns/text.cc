#include "decoders/dns/text.h"

#include <emmintrin.h>

#include <charconv>

namespace spanbeat {

void DnsTextBuffer::decimal(std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  put({digits, static_cast<std::size_t>(end.ptr - digits)});
}

void DnsTextBuffer::decimal_padded(std::uint64_t value, unsigned digits) {
  std::uint64_t limit = 1;
  for (unsigned i = 1; i < digits; ++i) limit *= 10;
  for (; value < limit && limit > 1; limit /= 10) put('0');
  decimal(value);
}

void DnsTextBuffer::hexadecimal(Bytes octets, bool upper) {
  const char* digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  for (const std::uint8_t octet : octets) {
    put(digits[octet >> 4]);
    put(digits[octet & 15]);
  }
}

void DnsTextBuffer::base64(Bytes octets) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::size_t i = 0;
  for (; i + 3 <= octets.size(); i += 3) {
    const std::uint32_t word = static_cast<std::uint32_t>(octets[i]) << 16 | octets[i + 1] << 8 | octets[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) put(kDigits[word >> shift & 63]);
  }
  const std::size_t left = octets.size() - i;
  if (left == 0) return;
  std::uint32_t word = static_cast<std::uint32_t>(octets[i]) << 16;
  if (left == 2) word |= static_cast<std::uint32_t>(octets[i + 1]) << 8;
  put(kDigits[word >> 18]);
  put(kDigits[word >> 12 & 63]);
  put(left == 2 ? kDigits[word >> 6 & 63] : '=');
  put('=');
}

void DnsTextBuffer::base32hex(Bytes octets) {
  static constexpr char kDigits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
  std::uint32_t word = 0;
  unsigned bits = 0;
  for (const std::uint8_t octet : octets) {
    word = word << 8 | octet;
    for (bits += 8; bits >= 5; bits -= 5) put(kDigits[word >> (bits - 5) & 31]);
  }
  if (bits != 0) put(kDigits[word << (5 - bits) & 31]);
}

namespace {

bool is_plain(std::uint8_t octet) { return octet >= 0x20 && octet < 0x7f && octet != '"' && octet != '\\'; }
bool are_plain16(const std::uint8_t* octets) {
  const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(octets));
  const __m128i offset = _mm_sub_epi8(text, _mm_set1_epi8(0x20));
  const __m128i printable = _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8(0x5e)), offset);
  const __m128i marks =
      _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('"')), _mm_cmpeq_epi8(text, _mm_set1_epi8('\\')));
  return _mm_movemask_epi8(_mm_andnot_si128(marks, printable)) == 0xffff;
}

}  // namespace

void DnsTextBuffer::escaped(Bytes octets, bool named) {
  for (std::size_t at = 0; at < octets.size(); ++at) {
    const std::size_t begin = at;
    while (octets.size() - at >= 16 && are_plain16(octets.data() + at)) at += 16;
    while (at < octets.size() && is_plain(octets[at])) ++at;
    put({reinterpret_cast<const char*>(octets.data()) + begin, at - begin});
    if (at == octets.size()) return;
    const std::uint8_t octet = octets[at];
    if (octet == '"' || octet == '\\') {
      put('\\');
      put(static_cast<char>(octet));
    } else if (named && (octet == '\t' || octet == '\r' || octet == '\n')) {
      put('\\');
      put(octet == '\t' ? 't' : octet == '\r' ? 'r' : 'n');
    } else {
      char escape[4];
      escape_octet(octet, escape);
      put({escape, sizeof escape});
    }
  }
}

}  // namespace spanbeat
