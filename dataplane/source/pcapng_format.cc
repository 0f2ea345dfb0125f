#include "dataplane/source/pcapng_format.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace spanbeat {
namespace {

// Section 4: block types.
constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kPacket = 2;  // obsolete, appendix A
constexpr std::uint32_t kSimplePacket = 3;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;

constexpr std::size_t kBlockHeader = 8;   // type and total length
constexpr std::size_t kBlockTrailer = 4;  // total length again
constexpr std::size_t kShortestBlock = kBlockHeader + kBlockTrailer;
constexpr std::size_t kShortestSection = 28;
constexpr std::size_t kEnhancedHeader = 20;  // of the body: interface, time, both lengths
constexpr std::size_t kMaxInterfaces = 65536;

// Section 4.2: option codes of an interface description.
constexpr std::uint16_t kEndOfOptions = 0;
constexpr std::uint16_t kTimeResolution = 9;
constexpr std::uint16_t kTimeOffset = 14;

constexpr std::array<std::int64_t, 10> kPowersOfTen = {1,       10,        100,        1000,        10'000,
                                                       100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};

Time clamp(__int128 nanoseconds) {
  constexpr auto least = static_cast<__int128>(kNever) + 1;
  constexpr auto greatest = static_cast<__int128>(std::numeric_limits<Time>::max());
  return static_cast<Time>(std::clamp(nanoseconds, least, greatest));
}

}  // namespace

bool PcapngParser::recognises(const std::uint8_t* octets) {
  return load<std::uint32_t>(octets, false) == kSectionHeader;  // reads the same in both orders
}

Time PcapngParser::Interface::time(std::uint64_t units) const {
  __int128 nanoseconds = 0;
  if (!binary && exponent <= 9) {
    nanoseconds = static_cast<__int128>(units) * multiplier;
  } else if (!binary) {
    std::uint64_t rest = units;
    for (int power = exponent; power > 9 && rest != 0; --power) rest /= 10;
    nanoseconds = rest;
  } else {
    const unsigned shift = exponent;  // at most 127
    const std::uint64_t seconds = shift < 64 ? units >> shift : 0;
    const std::uint64_t fraction = shift < 64 ? units - (seconds << shift) : units;
    const auto scaled = static_cast<unsigned __int128>(fraction) * static_cast<unsigned>(kSecond);
    nanoseconds = static_cast<__int128>(seconds) * kSecond + static_cast<__int128>(scaled >> shift);
  }
  return clamp(nanoseconds + static_cast<__int128>(offset_seconds) * kSecond);
}

bool PcapngParser::refuse(std::string what) {
  damage_ = std::move(what);
  return false;
}

// Section 4.1. The byte order holds from the section's first block, so it is read before the length.
bool PcapngParser::section(Window& window) {
  const auto order = load<std::uint32_t>(window.at + 8, false);
  if (order != kByteOrderMagic && order != __builtin_bswap32(kByteOrderMagic)) {
    return refuse("the section header has no byte order mark");
  }
  swapped_ = order != kByteOrderMagic;
  const auto major = load<std::uint16_t>(window.at + 12, swapped_);
  const auto minor = load<std::uint16_t>(window.at + 14, swapped_);
  if (major != 1) return refuse(absl::StrCat("pcapng version ", major, ".", minor, " is not known"));
  if (load<std::uint32_t>(window.at + 4, swapped_) < kShortestSection) return refuse("the section header is too short");
  interfaces_.clear();
  in_section_ = true;
  return true;
}

PcapngParser::Next PcapngParser::next(Window& window, Block& block) {
  while (true) {
    if (window.size() < kBlockHeader) return Next::more;
    block.type = load<std::uint32_t>(window.at, swapped_);
    if (block.type == kSectionHeader) {
      if (window.size() < kShortestSection) return Next::more;
      if (!section(window)) return Next::damaged;
    } else if (!in_section_) {
      refuse("the file does not begin with a section header");
      return Next::damaged;
    }
    const auto total = load<std::uint32_t>(window.at + 4, swapped_);
    if (total < kShortestBlock || total % 4 != 0) {
      refuse(absl::StrCat("a block claims a length of ", total, " octets"));
      return Next::damaged;
    }
    const bool wanted = block.type == kEnhancedPacket || block.type == kSimplePacket || block.type == kPacket ||
                        block.type == kInterfaceDescription;
    if (wanted && total > kMaxBlock) {
      refuse(absl::StrCat("a block claims a length of ", total, " octets, more than any packet needs"));
      return Next::damaged;
    }
    if (total > window.size()) {
      if (total <= kMaxBlock) return Next::more;
      window.skip = total - window.size();
      window.at = window.end;
      return Next::more;
    }
    if (load<std::uint32_t>(window.at + total - kBlockTrailer, swapped_) != total) {
      refuse("a block's two lengths differ");
      return Next::damaged;
    }
    block.body = Bytes(window.at + kBlockHeader, total - kShortestBlock);
    if (wanted) return Next::block;
    window.at += total;
  }
}

// Section 4.2.
void PcapngParser::interface(Bytes body) {
  if (body.size() < 8) {
    refuse("an interface description is too short");
    return;
  }
  if (interfaces_.size() == kMaxInterfaces) {
    refuse("a section has more than 65536 interfaces");
    return;
  }
  Interface made;
  made.link = link_type(load<std::uint16_t>(body.data(), swapped_));
  made.snap_length = load<std::uint32_t>(body.data() + 4, swapped_);
  Bytes options = body.subspan(8);
  while (options.size() >= 4) {
    const auto code = load<std::uint16_t>(options.data(), swapped_);
    const std::size_t length = load<std::uint16_t>(options.data() + 2, swapped_);
    const std::size_t padded = 4 + ((length + 3) & ~std::size_t{3});
    if (code == kEndOfOptions) break;
    if (padded > options.size()) {
      refuse("an option of an interface description is longer than the block");
      return;
    }
    const std::uint8_t* value = options.data() + 4;
    if (code == kTimeResolution && length == 1) {
      made.binary = (*value & 0x80) != 0;
      made.exponent = *value & 0x7f;
    }
    if (code == kTimeOffset && length == 8) {
      made.offset_seconds = static_cast<std::int64_t>(load<std::uint64_t>(value, swapped_));
    }
    options = options.subspan(padded);
  }
  if (!made.binary && made.exponent <= 9) {
    made.multiplier = kPowersOfTen[9 - made.exponent];
    if (made.offset_seconds == 0) {
      made.plain_below = static_cast<std::uint64_t>(std::numeric_limits<Time>::max() / made.multiplier);
    }
  }
  interfaces_.push_back(made);
}

const PcapngParser::Interface* PcapngParser::find(std::uint32_t index) {
  if (index < interfaces_.size()) return &interfaces_[index];
  refuse(absl::StrCat("a packet is of interface ", index, ", which was not described"));
  return nullptr;
}

bool PcapngParser::packet(const Block& block, Packet& out) {
  // Section 4.4: the simple packet block begins with the original length; 4.3 and appendix A: interface, time (upper
  // and lower half), captured length, original length.
  const std::size_t header = block.type == kSimplePacket ? 4 : kEnhancedHeader;
  if (block.body.size() < header) return refuse("a packet block is too short");
  const std::uint8_t* at = block.body.data();
  const std::size_t room = block.body.size() - header;
  std::uint32_t index = 0;
  std::uint32_t captured = 0;
  std::uint32_t original = 0;
  if (block.type == kSimplePacket) {
    original = load<std::uint32_t>(at, swapped_);
  } else {
    index = block.type == kPacket ? load<std::uint16_t>(at, swapped_) : load<std::uint32_t>(at, swapped_);
    captured = load<std::uint32_t>(at + 12, swapped_);
    original = load<std::uint32_t>(at + 16, swapped_);
  }
  const Interface* from = find(index);
  if (from == nullptr) return false;
  if (block.type == kSimplePacket) {
    const std::uint32_t limit = from->snap_length == 0 ? kMaxCapturedOctets : from->snap_length;
    captured = std::min(original, limit);
  } else {
    const std::uint64_t high = load<std::uint32_t>(at + 4, swapped_);
    last_time_ = from->time(high << 32 | load<std::uint32_t>(at + 8, swapped_));
  }
  if (captured > kMaxCapturedOctets || captured > room) {
    return refuse(absl::StrCat("a packet block of ", block.body.size(), " octets claims ", captured, " captured ones"));
  }
  out.timestamp = last_time_;
  out.octets = Bytes(at + header, captured);
  out.wire_length = std::max(captured, original);
  out.link = from->link;
  out.interface = static_cast<std::uint16_t>(index);
  return true;
}

template <bool kSwapped>
std::size_t PcapngParser::walk(Window& window, Packet* out, std::size_t room, std::uint64_t number) {
  constexpr std::size_t header = kBlockHeader + kEnhancedHeader;
  constexpr std::size_t shortest = header + kBlockTrailer;
  const std::uint8_t* at = window.at;
  const std::uint8_t* const end = window.end;
  std::size_t count = 0;
  while (count < room && static_cast<std::size_t>(end - at) >= shortest) {
    const auto total = load<std::uint32_t>(at + 4, kSwapped);
    const auto index = load<std::uint32_t>(at + 8, kSwapped);
    const std::uint64_t high = load<std::uint32_t>(at + 12, kSwapped);
    const std::uint64_t units = high << 32 | load<std::uint32_t>(at + 16, kSwapped);
    const auto captured = load<std::uint32_t>(at + 20, kSwapped);
    const auto original = load<std::uint32_t>(at + 24, kSwapped);
    if (load<std::uint32_t>(at, kSwapped) != kEnhancedPacket || index >= interfaces_.size()) break;
    if (total > static_cast<std::size_t>(end - at) || total > kMaxBlock || total < shortest || total % 4 != 0) break;
    if (load<std::uint32_t>(at + total - kBlockTrailer, kSwapped) != total) break;
    const Interface& from = interfaces_[index];
    if (captured > total - shortest || captured > kMaxCapturedOctets || units >= from.plain_below) break;
    Packet& packet = out[count];
    packet.timestamp = last_time_ = static_cast<Time>(units) * from.multiplier;
    packet.octets = Bytes(at + header, captured);
    packet.wire_length = std::max(captured, original);
    packet.link = from.link;
    packet.interface = static_cast<std::uint16_t>(index);
    packet.number = number + count;
    ++count;
    at += total;
  }
  window.at = at;
  return count;
}

std::size_t PcapngParser::parse(Window& window, Packet* out, std::size_t room, std::uint64_t number) {
  std::size_t count = 0;
  Block block;
  while (damage_.empty()) {
    count += swapped_ ? walk<true>(window, out + count, room - count, number + count)
                      : walk<false>(window, out + count, room - count, number + count);
    if (count == room || next(window, block) != Next::block) break;
    if (block.type == kInterfaceDescription) {
      interface(block.body);
    } else if (packet(block, out[count])) {
      out[count].number = number + count;
      ++count;
    }
    if (damage_.empty()) window.at += block.body.size() + kShortestBlock;
  }
  return count;
}

}  // namespace spanbeat
