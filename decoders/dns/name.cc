#include "decoders/dns/name.h"

#include <array>
#include <cstring>

#include "decoders/dns/text.h"

namespace spanbeat {
namespace {

// RFC 1035 section 2.3.4: 255 octets with the length octets and the root's.
constexpr std::size_t kMaxNameOctets = 255;
// As many as a name of single-letter labels, each behind a pointer, could need.
constexpr int kMaxPointers = 126;

// Calls `label(octets)` for each label; gives the offset behind the name, or 0.
template <typename Label>
std::size_t walk_name(Bytes message, std::size_t offset, Label label) {
  std::size_t end = 0;
  std::size_t total = 1;
  int pointers = 0;
  while (offset < message.size()) {
    const std::uint8_t length = message[offset++];
    if (length == 0) return end != 0 ? end : offset;
    if (length < 64) {
      total += length + std::size_t{1};
      if (total > kMaxNameOctets || length > message.size() - offset) return 0;
      label(message.subspan(offset, length));
      offset += length;
    } else if (length >= 0xc0) {
      if (offset == message.size() || ++pointers > kMaxPointers) return 0;
      if (end == 0) end = offset + 1;
      offset = static_cast<std::size_t>(length & 0x3f) << 8 | message[offset];
    } else {
      return 0;  // 01 and 10 are no label types in use
    }
  }
  return 0;
}

enum Escape : std::uint8_t { kPlain, kBackslash, kDecimal };

constexpr std::array<std::uint8_t, 256> escapes() {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = i >= 0x20 && i < 0x7f ? kPlain : kDecimal;
  for (const char c : std::string_view(". '@;()\"\\")) table[static_cast<std::uint8_t>(c)] = kBackslash;
  return table;
}
constexpr std::array<std::uint8_t, 256> kEscapes = escapes();

}  // namespace

std::size_t skip_name(Bytes message, std::size_t offset) {
  return walk_name(message, offset, [](Bytes) {});
}

std::size_t read_name(Bytes message, std::size_t offset, char* out, std::size_t& length) {
  char* at = out;
  const std::size_t end = walk_name(message, offset, [&at](Bytes label) {
    for (const std::uint8_t octet : label) {
      const std::uint8_t escape = kEscapes[octet];
      if (escape == kPlain) [[likely]] {
        *at++ = static_cast<char>(octet);
      } else if (escape == kBackslash) {
        *at++ = '\\';
        *at++ = static_cast<char>(octet);
      } else {
        escape_octet(octet, at);
        at += 4;
      }
    }
    *at++ = '.';
  });
  length = static_cast<std::size_t>(at - out);
  if (length == 0) {
    *at = '.';
    length = 1;
  } else {
    --length;  // the final dot; a root alone keeps its
  }
  return end;
}

std::size_t expand_name(Bytes message, std::size_t offset, std::uint8_t* out, std::size_t& length) {
  std::uint8_t* at = out;
  const std::size_t end = walk_name(message, offset, [&at](Bytes label) {
    *at++ = static_cast<std::uint8_t>(label.size());
    std::memcpy(at, label.data(), label.size());
    at += label.size();
  });
  *at++ = 0;
  length = static_cast<std::size_t>(at - out);
  return end;
}

}  // namespace spanbeat
