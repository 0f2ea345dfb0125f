// The classic pcap file format (draft-ietf-opsawg-pcap).
//
// What:   reads the file header and walks records in a buffer, giving packets as views. One parse loop for each byte
// order
//         and time unit, chosen once a file, so that a packet costs about 35 instructions.
// Limits: knows the magics of microseconds, nanoseconds and Kuznetzov's patched libpcap (longer record headers). The
// file's
//         snapshot length is not applied: some writers give a wrong one.
#pragma once

#include <cstring>
#include <string>

#include "dataplane/source/capture_file.h"

namespace spanbeat {

// What a parser has before it: [at, end) of the read buffer, kPadding readable octets behind. `skip` octets that are
// not in the buffer yet are to be passed over unread.
struct Window {
  const std::uint8_t* at = nullptr;
  const std::uint8_t* end = nullptr;
  std::uint64_t skip = 0;

  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(end - at); }
};

// Reads a word that lies anywhere. `swapped`: in the other byte order than this machine's.
template <typename Word>
[[nodiscard]] inline Word load(const std::uint8_t* at, bool swapped) {
  const auto word = load<Word>(at);
  if (!swapped) return word;
  if constexpr (sizeof word == 2) return __builtin_bswap16(word);
  if constexpr (sizeof word == 4) return __builtin_bswap32(word);
  if constexpr (sizeof word == 8) return __builtin_bswap64(word);
}

// Link types of more than 16 bits do not exist; 0xffff is none that a dissector knows.
[[nodiscard]] inline LinkType link_type(std::uint32_t number) {
  return static_cast<LinkType>(number > 0xffff ? 0xffff : number);
}

class PcapParser {
 public:
  static constexpr std::size_t kFileHeader = 24;
  static constexpr std::size_t kRecordHeader = 16;

  // True when the octets begin with one of the magics.
  static bool recognises(const std::uint8_t* octets);

  // Takes the file header, of which kFileHeader octets are there; false when it is damaged.
  bool begin(Window& window);
  // Gives packets until `room` are there or the window holds no whole record. Stops at damage.
  std::size_t parse(Window& window, Packet* out, std::size_t room, std::uint64_t number) {
    return (this->*loop_)(window, out, room, number);
  }
  // Not empty: the record at the window's front is not one.
  [[nodiscard]] const std::string& damage() const { return damage_; }

 private:
  using Loop = std::size_t (PcapParser::*)(Window&, Packet*, std::size_t, std::uint64_t);
  // kOdd: longer record headers, or lengths in either order.
  template <bool kSwapped, bool kNanoseconds, bool kOdd>
  std::size_t walk(Window& window, Packet* out, std::size_t room, std::uint64_t number);
  template <bool kSwapped>
  Loop choose(bool nanoseconds, bool odd);
  void refuse(std::uint32_t captured);

  Loop loop_ = nullptr;
  std::size_t record_header_ = kRecordHeader;
  LinkType link_ = LinkType::ethernet;
  std::string damage_;
};

}  // namespace spanbeat
