#include "decoders/dns/rdata.h"

#include <array>

#include "decoders/dns/name.h"

namespace spanbeat {
namespace {

using enum RdataKind;

constexpr RdataPart kA[] = {{ip4, "data"}};
constexpr RdataPart kAaaa[] = {{ip6, "data"}};
// CNAME, NS, PTR: RFC 1035 section 3.3.
constexpr RdataPart kName[] = {{name, "data"}};
constexpr RdataPart kMx[] = {{number16, "preference"}, {name, "data"}};
// RFC 2782.
constexpr RdataPart kSrv[] = {{number16, "priority"}, {number16, "weight"}, {number16, "port"}, {name, "data"}};
constexpr RdataPart kTxt[] = {{strings, "data"}};
constexpr RdataPart kSoa[] = {{name, "data"},      {name, "rname"},      {number32, "serial"}, {number32, "refresh"},
                              {number32, "retry"}, {number32, "expire"}, {number32, "minimum"}};
// RFC 4034 sections 2.1, 5.1, 3.1, 4.1.
constexpr RdataPart kDnskey[] = {{text16, "flags"}, {text8, "protocol"}, {algorithm8, "algorithm"}, {base64, "data"}};
constexpr RdataPart kDs[] = {{text16, "key_tag"}, {algorithm8, "algorithm"}, {hash8, "digest_type"}, {hex, "data"}};
constexpr RdataPart kRrsig[] = {{type16, "type_covered"}, {algorithm8, "algorithm"}, {text8, "labels"},
                                {text32, "original_ttl"}, {time32, "expiration"},    {time32, "inception"},
                                {text16, "key_tag"},      {name, "signer_name"},     {base64, "data"}};
constexpr RdataPart kNsec[] = {{name_dotted, "data"}, {types, "type_bits"}};
// RFC 5155 sections 3.2, 4.2.
constexpr RdataPart kNsec3[] = {{hash8, "hash"}, {text8, "flags"}, {text16, "iterations"},
                                {salt, "salt"},  {base32, "data"}, {types, "type_bits"}};
constexpr RdataPart kNsec3Param[] = {{hash8, "hash"}, {text8, "flags"}, {text16, "iterations"}, {salt, "data"}};

// Shown raw, but with names that may be compressed: RFC 1035 section 3.3, RFC 1183, 2163, 2230, 2915, 6672.
constexpr RdataPart kTwoNames[] = {{name, ""}, {name, ""}};
constexpr RdataPart kPreferenceName[] = {{number16, ""}, {name, ""}};
constexpr RdataPart kPx[] = {{number16, ""}, {name, ""}, {name, ""}};
constexpr RdataPart kNaptr[] = {{number16, ""}, {number16, ""}, {string, ""}, {string, ""}, {string, ""}, {name, ""}};
constexpr RdataPart kSig[] = {{type16, ""}, {algorithm8, ""}, {text8, ""}, {text32, ""}, {time32, ""},
                              {time32, ""}, {text16, ""},     {name, ""},  {raw, ""}};
constexpr RdataPart kRaw[] = {{raw, ""}};

constexpr RdataLayout kUnknown{true, kRaw};

constexpr std::array<RdataLayout, 64> layouts() {
  std::array<RdataLayout, 64> table{};
  for (RdataLayout& layout : table) layout = kUnknown;
  table[dns_type::kA] = {false, kA};
  table[2] = table[5] = table[12] = {false, kName};
  for (const std::size_t type : {3, 4, 7, 8, 9, 39}) table[type] = {true, kName};  // MD MF MB MG MR DNAME
  table[dns_type::kSoa] = {false, kSoa};
  table[14] = table[17] = table[58] = {true, kTwoNames};  // MINFO RP TALINK
  table[15] = {false, kMx};
  table[16] = {false, kTxt};
  table[18] = table[21] = table[36] = {true, kPreferenceName};  // AFSDB RT KX
  table[24] = {true, kSig};
  table[26] = {true, kPx};
  table[dns_type::kAaaa] = {false, kAaaa};
  table[33] = {false, kSrv};
  table[35] = {true, kNaptr};
  table[43] = {false, kDs};
  table[46] = {false, kRrsig};
  table[47] = {false, kNsec};
  table[48] = {false, kDnskey};
  table[50] = {false, kNsec3};
  table[51] = {false, kNsec3Param};
  return table;
}
constexpr std::array<RdataLayout, 64> kLayouts = layouts();

// RFC 4034 section 4.1.2: blocks of a window number, a length of 1 to 32 and the map; windows go up.
bool check_types(Bytes map) {
  int last = -1;
  std::size_t at = 0;
  while (at < map.size()) {
    if (map.size() - at < 2) return false;
    const int window = map[at];
    const std::size_t length = map[at + 1];
    if (window <= last || length == 0 || length > 32 || length > map.size() - at - 2) return false;
    last = window;
    at += 2 + length;
  }
  return true;
}

bool check_strings(Bytes octets) {
  std::size_t at = 0;
  while (at < octets.size()) at += octets[at] + std::size_t{1};
  return at == octets.size();
}

}  // namespace

const RdataLayout& rdata_layout(std::uint16_t type) { return type < kLayouts.size() ? kLayouts[type] : kUnknown; }

std::size_t rdata_part_end(RdataKind kind, Bytes message, std::size_t at, std::size_t end) {
  std::size_t size = 0;
  switch (kind) {
    case ip4:
    case number32:
    case text32:
    case time32:
      size = 4;
      break;
    case ip6:
      size = 16;
      break;
    case number16:
    case text16:
    case type16:
      size = 2;
      break;
    case text8:
    case algorithm8:
    case hash8:
      size = 1;
      break;
    case name:
    case name_dotted:
      return skip_name(message.first(end), at);
    case salt:
    case base32:
    case string:
      size = std::size_t{1} + message[at];
      break;
    case strings:
      return check_strings(message.subspan(at, end - at)) ? end : 0;
    case types:
      return check_types(message.subspan(at, end - at)) ? end : 0;
    case base64:
    case hex:
    case raw:
      return end;
  }
  return size <= end - at ? at + size : 0;
}

bool check_layout(std::uint16_t type, Bytes message, std::size_t begin, std::size_t end) {
  const RdataLayout& layout = rdata_layout(type);
  if (layout.parts.data() == kRaw) return true;
  return walk_rdata(layout, message, begin, end, [](const RdataPart&, std::size_t, std::size_t) {});
}

}  // namespace spanbeat
