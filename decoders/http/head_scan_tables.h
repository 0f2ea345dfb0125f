// What the kernels of head_scan share: the wanted names and how to find them.
//
// Limits: internal to head_scan*.cc. A name of 32 octets or more is never among the wanted ones.
#pragma once

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

inline constexpr std::uint8_t kNoHeader = 0xff;

// Perfect over kWanted; that it is, the table below proves when it is compiled.
constexpr std::size_t wanted_hash(std::size_t length, std::uint8_t first) {
  return (length + (first | 0x20U) * 5U) & 63U;
}

inline constexpr std::array<std::uint8_t, 64> kWantedSlots = [] {
  std::array<std::uint8_t, 64> slots{};
  slots.fill(kNoHeader);
  for (std::size_t i = 0; i < kWanted.size(); ++i) {
    std::uint8_t& slot = slots[wanted_hash(kWanted[i].length, kWanted[i].pattern[0])];
    if (slot != kNoHeader) throw "two wanted headers share a slot";
    slot = static_cast<std::uint8_t>(i);
  }
  return slots;
}();

// The length of the name in each slot; 0xff where there is none.
inline constexpr std::array<std::uint8_t, 64> kWantedLengths = [] {
  std::array<std::uint8_t, 64> lengths{};
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    lengths[i] = kWantedSlots[i] == kNoHeader ? std::uint8_t{0xff} : kWanted[kWantedSlots[i]].length;
  }
  return lengths;
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
