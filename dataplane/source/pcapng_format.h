// The pcapng file format (draft-ietf-opsawg-pcapng).
//
// What:   walks the blocks in a buffer and gives packets as views: sections of either byte order, interfaces with link
//         type, time resolution and offset of their own, enhanced, simple and obsolete packet blocks. Other blocks are
//         passed over.
// Limits: a packet or interface block of more than kMaxBlock octets is damage; others may have any length. A simple
// packet
//         block has no time: it gets that of the packet before it. `interface` counts within a section.
#pragma once

#include <string>
#include <vector>

#include "dataplane/source/pcap_format.h"

namespace spanbeat {

class PcapngParser {
 public:
  // Octets that a window must be able to hold.
  static constexpr std::size_t kMaxBlock = std::size_t{512} << 10;
  // The shortest section header block; as many octets must be there when the window ends.
  static constexpr std::size_t kFileHeader = 28;

  static bool recognises(const std::uint8_t* octets);

  std::size_t parse(Window& window, Packet* out, std::size_t room, std::uint64_t number);
  [[nodiscard]] const std::string& damage() const { return damage_; }

 private:
  // How the time stamps of an interface become nanoseconds.
  struct Interface {
    LinkType link = LinkType::ethernet;
    bool binary = false;              // units of 2^-exponent s, else of 10^-exponent s
    std::uint8_t exponent = 6;        // section 4.2, if_tsresol
    std::uint32_t snap_length = 0;    // 0: none
    std::int64_t multiplier = 1000;   // decimal, exponent <= 9
    std::int64_t offset_seconds = 0;  // section 4.2, if_tsoffset
    std::uint64_t plain_below = 0;    // stamps below it are nanoseconds once multiplied

    [[nodiscard]] Time time(std::uint64_t units) const;
  };
  // A whole block of a kind that is read.
  struct Block {
    std::uint32_t type = 0;
    Bytes body;
  };
  enum class Next : std::uint8_t { block, more, damaged };

  // Takes enhanced packet blocks as long as nothing is unusual about them; what is, next() and packet() look at.
  template <bool kSwapped>
  std::size_t walk(Window& window, Packet* out, std::size_t room, std::uint64_t number);
  // Finds the next block to be read and passes over the others.
  Next next(Window& window, Block& block);
  bool section(Window& window);
  void interface(Bytes body);
  bool packet(const Block& block, Packet& out);
  [[nodiscard]] const Interface* find(std::uint32_t index);
  bool refuse(std::string what);

  bool swapped_ = false;
  bool in_section_ = false;
  Time last_time_ = 0;
  std::vector<Interface> interfaces_;
  std::string damage_;
};

}  // namespace spanbeat
