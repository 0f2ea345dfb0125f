#include "dataplane/source/pcap_format.h"

#include <algorithm>

namespace spanbeat {
namespace {

// Section 4: the magic number tells byte order and time unit.
constexpr std::uint32_t kMicroseconds = 0xa1b2c3d4;
constexpr std::uint32_t kNanoseconds = 0xa1b23c4d;
// Kuznetzov's patched libpcap: microseconds, and each record header ends with interface, protocol and packet type.
constexpr std::uint32_t kPatched = 0xa1b2cd34;
constexpr std::size_t kPatchedRecordHeader = 24;
// DG/UX wrote this version number and the two lengths of a record in the order of versions before 2.3.
constexpr std::uint16_t kDgUxMajor = 543;

bool is_magic(std::uint32_t word) { return word == kMicroseconds || word == kNanoseconds || word == kPatched; }

}  // namespace

bool PcapParser::recognises(const std::uint8_t* octets) {
  return is_magic(load<std::uint32_t>(octets, false)) || is_magic(load<std::uint32_t>(octets, true));
}

template <bool kSwapped>
PcapParser::Loop PcapParser::choose(bool nanoseconds, bool odd) {
  if (nanoseconds) return odd ? &PcapParser::walk<kSwapped, true, true> : &PcapParser::walk<kSwapped, true, false>;
  return odd ? &PcapParser::walk<kSwapped, false, true> : &PcapParser::walk<kSwapped, false, false>;
}

bool PcapParser::begin(Window& window) {
  const std::uint8_t* header = window.at;
  const bool swapped = !is_magic(load<std::uint32_t>(header, false));
  const auto magic = load<std::uint32_t>(header, swapped);
  const auto major = load<std::uint16_t>(header + 4, swapped);
  const auto minor = load<std::uint16_t>(header + 6, swapped);
  if (major < 2) {
    damage_ = "pcap version " + std::to_string(major) + "." + std::to_string(minor) + " is too old to be read";
    return false;
  }
  // Before 2.3 the original length came before the captured one; in 2.3 either order was written.
  const bool old_lengths = (major == 2 && minor <= 3) || major == kDgUxMajor;
  if (magic == kPatched) record_header_ = kPatchedRecordHeader;
  const bool odd = old_lengths || magic == kPatched;
  // The upper bits of the link type tell how long the frame check sequence is.
  link_ = link_type(load<std::uint32_t>(header + 20, swapped) & 0x03ffffff);
  loop_ = swapped ? choose<true>(magic == kNanoseconds, odd) : choose<false>(magic == kNanoseconds, odd);
  window.at += kFileHeader;
  return true;
}

template <bool kSwapped, bool kNanoseconds, bool kOdd>
std::size_t PcapParser::walk(Window& window, Packet* out, std::size_t room, std::uint64_t number) {
  const std::size_t header = kOdd ? record_header_ : kRecordHeader;
  const LinkType link = link_;
  const std::uint8_t* at = window.at;
  const std::uint8_t* const end = window.end;
  Packet* packet = out;
  Packet* const last = out + room;
  while (packet != last && static_cast<std::size_t>(end - at) >= header) {
    // Section 5: seconds (unsigned), fraction, captured length, original length.
    const auto seconds = load<std::uint32_t>(at, kSwapped);
    const auto fraction = load<std::uint32_t>(at + 4, kSwapped);
    auto captured = load<std::uint32_t>(at + 8, kSwapped);
    auto original = load<std::uint32_t>(at + 12, kSwapped);
    if (kOdd && captured > original) std::swap(captured, original);
    if (captured > kMaxCapturedOctets) [[unlikely]] {
      refuse(captured);
      break;
    }
    const std::uint8_t* const octets = at + header;
    const std::uint8_t* const next = octets + captured;
    if (next > end) [[unlikely]]
      break;
    packet->timestamp =
        static_cast<Time>(seconds) * kSecond + static_cast<Time>(fraction) * (kNanoseconds ? 1 : kMicrosecond);
    packet->octets = Bytes(octets, captured);
    packet->wire_length = std::max(captured, original);
    packet->link = link;
    packet->interface = 0;
    packet->number = number++;
    ++packet;
    at = next;
  }
  window.at = at;
  return static_cast<std::size_t>(packet - out);
}

void PcapParser::refuse(std::uint32_t captured) {
  damage_ = "the record claims " + std::to_string(captured) + " captured octets, more than any packet has";
}

}  // namespace spanbeat
