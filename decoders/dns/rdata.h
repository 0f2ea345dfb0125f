// What the data of each record type is made of.
//
// What:   a table of layouts: for each type, its parts in wire order, how each is shown and under which key.
// `check_rdata` walks a layout without
//         making text.
// Why:    checking, the document's records and the text of send_response all follow the one table.
// Limits: types that are not in the table are octets without structure. Data that ends between two parts is taken as it
// is
//         (updates carry empty data); data that ends inside one, or goes on behind the last one, breaks the message.
#pragma once

#include <span>
#include <string_view>

#include "dataplane/bytes/bytes.h"

namespace spanbeat {

namespace dns_type {
inline constexpr std::uint16_t kA = 1, kSoa = 6, kAaaa = 28, kOpt = 41, kIxfr = 251, kAxfr = 252;
}

enum class RdataKind : std::uint8_t {
  ip4,          // RFC 1035 section 3.4.1
  ip6,          // RFC 3596
  name,         // a domain name, shown without its final dot
  name_dotted,  // with it
  number16,     // shown as a number
  number32,
  text8,  // numbers shown as text
  text16,
  text32,
  time32,  // RFC 4034 section 3.2: YYYYMMDDHHMMSS
  type16,  // by name
  algorithm8,
  hash8,
  strings,  // any number of <character-string>, RFC 1035 section 3.3.14
  base64,   // all that is left
  hex,      // all that is left, upper case
  salt,     // a length octet and as many; upper-case hexadecimal, "-" when empty (RFC 5155 section 3.3)
  base32,   // a length octet and as many
  types,    // RFC 4034 section 4.1.2, all that is left
  raw,      // all that is left, only in layouts that are shown raw
  string,   // one <character-string>, only in layouts that are shown raw
};

struct RdataPart {
  RdataKind kind;
  std::string_view key;
};

struct RdataLayout {
  // Shown as escaped octets, with the names in it expanded.
  bool raw = false;
  std::span<const RdataPart> parts;  // empty: no structure is known
};

[[nodiscard]] const RdataLayout& rdata_layout(std::uint16_t type);

// Is [begin, end) of the message well-formed data of that type? Names in it may point anywhere before `end`.
[[nodiscard]] bool check_layout(std::uint16_t type, Bytes message, std::size_t begin, std::size_t end);
[[nodiscard]] inline bool check_rdata(std::uint16_t type, Bytes message, std::size_t begin, std::size_t end) {
  if (begin == end) return true;
  if (type == dns_type::kA) return end - begin == 4;
  if (type == dns_type::kAaaa) return end - begin == 16;
  return check_layout(type, message, begin, end);
}

// Calls `visit(part, begin, end)` for each part with its octets; begin == end for one that is not there any more. False
// when the data is not well-formed.
template <typename Visit>
bool walk_rdata(const RdataLayout& layout, Bytes message, std::size_t begin, std::size_t end, Visit visit);

// The end of one part that begins at `at` < `end`; 0 when it is not whole.
[[nodiscard]] std::size_t rdata_part_end(RdataKind kind, Bytes message, std::size_t at, std::size_t end);

template <typename Visit>
bool walk_rdata(const RdataLayout& layout, Bytes message, std::size_t begin, std::size_t end, Visit visit) {
  std::size_t at = begin;
  for (const RdataPart& part : layout.parts) {
    std::size_t after = at;
    if (at < end) {
      after = rdata_part_end(part.kind, message, at, end);
      if (after == 0) return false;
    }
    visit(part, at, after);
    at = after;
  }
  return at == end;
}

}  // namespace spanbeat
