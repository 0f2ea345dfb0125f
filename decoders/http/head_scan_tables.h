// What the kernels of head_scan share: the wanted names and how to find them.
//
// Limits: internal to head_scan*.cc. A name of 32 octets or more is never among the wanted ones.
#pragma once

#include <cstring>

#include "decoders/http/head_scan.h"

namespace spanbeat::http {

struct WantedHeader {
  Header header;
  std::uint8_t length;
  std::array<std::uint8_t, 32> pattern;  // the name in lower case, then zeros
  std::array<std::uint8_t, 32> mask;     // 0xff over the name
};

constexpr WantedHeader wanted(Header header, std::string_view name) {
  WantedHeader entry{header, static_cast<std::uint8_t>(name.size()), {}, {}};
  for (std::size_t i = 0; i < name.size(); ++i) {
    entry.pattern[i] = static_cast<std::uint8_t>(name[i]);
    entry.mask[i] = 0xff;
  }
  return entry;
}

inline constexpr std::array<WantedHeader, kHeaders - 1> kWanted = {
    wanted(Header::authorization, "authorization"),
    wanted(Header::connection, "connection"),
    wanted(Header::content_encoding, "content-encoding"),
    wanted(Header::content_length, "content-length"),
    wanted(Header::content_type, "content-type"),
    wanted(Header::host, "host"),
    wanted(Header::referer, "referer"),
    wanted(Header::transfer_encoding, "transfer-encoding"),
    wanted(Header::user_agent, "user-agent"),
};

// The first four octets of a name with letter case folded, as one number. Nothing that is folded is 0.
using NameStart = std::uint32_t;
inline constexpr NameStart kFold = 0x20202020;
inline NameStart name_start(const void* name) {
  NameStart start;
  std::memcpy(&start, name, sizeof start);
  return start | kFold;
}

// How the wanted names begin; the last place is for the name that real_ip asks for.
inline constexpr std::size_t kStarts = 8;
inline constexpr std::size_t kAskedStart = kStarts - 1;
struct NameStarts {
  alignas(32) std::array<NameStart, kStarts> starts{};
};

// Names that begin alike are told apart by two bits of the octet that is ninth in them.
constexpr std::size_t by_ninth(std::uint8_t ninth) { return ninth >> 3 & 3U; }

struct WantedNames {
  NameStarts begin;
  std::array<std::uint8_t, 4 * kStarts> places{};  // in kWanted, by place of the start and by_ninth
  [[nodiscard]] const WantedHeader& at(std::size_t start, std::uint8_t ninth) const {
    return kWanted[places[4 * start + by_ninth(ninth)]];
  }
};
inline constexpr WantedNames kWantedNames = [] {
  WantedNames names;
  std::array<std::size_t, kStarts> alike{};
  std::size_t count = 0;
  for (std::size_t i = 0; i < kWanted.size(); ++i) {
    NameStart start = 0;
    for (std::size_t k = 4; k > 0; --k) start = start << 8 | kWanted[i].pattern[k - 1];
    start |= kFold;
    std::size_t place = 0;
    while (place < count && names.begin.starts[place] != start) ++place;
    if (place == kAskedStart) throw "too many beginnings";
    names.begin.starts[place] = start;
    if (place == count) ++count;
    const std::size_t ninth = by_ninth(kWanted[i].pattern[8]);
    std::uint8_t& exact = names.places[4 * place + ninth];
    if (++alike[place] == 1) {
      for (std::size_t k = 0; k < 4; ++k) names.places[4 * place + k] = static_cast<std::uint8_t>(i);
    } else if (exact != names.places[4 * place + 3]) {
      throw "two wanted headers share a place";
    }
    exact = static_cast<std::uint8_t>(i);
  }
  return names;
}();

// The value that a folded line continues, where it follows the line that ends at `end`.
struct LastValue {
  Slice* picked = nullptr;
  Slice* line = nullptr;
  std::size_t end = 0;
  void extend(std::size_t to) const {
    if (picked != nullptr) picked->size = static_cast<std::uint32_t>(to) - picked->at;
    if (line != nullptr) line->size = static_cast<std::uint32_t>(to) - line->at;
  }
};

inline bool is_blank(std::uint8_t octet) { return octet == ' ' || octet == '\t'; }

// `lower` is in lower case.
inline bool same_name(const std::uint8_t* name, std::string_view lower) {
  for (std::size_t i = 0; i < lower.size(); ++i) {
    const std::uint8_t c = name[i];
    const auto folded = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    if (folded != lower[i]) return false;
  }
  return !lower.empty();
}

namespace plain {
bool scan(const std::uint8_t* base, std::size_t size, const ScanOptions& options, Head& head);
}
namespace sse {
bool scan(const std::uint8_t* base, std::size_t size, const ScanOptions& options, Head& head);
}
namespace avx2 {
bool scan(const std::uint8_t* base, std::size_t size, const ScanOptions& options, Head& head);
}

}  // namespace spanbeat::http
