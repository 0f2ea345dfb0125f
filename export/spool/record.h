// The octets of the disk queue: segments' headers and documents' records.
//
// What:   a segment is a header and records, one behind the other. A record's header carries the length, a checksum of
//         its own and one of the text (CRC-32C), so that damage of a text costs one document and only damage of a
//         header costs the rest of the segment.
// Why:    what a killed process or a failing disk left behind is told apart from documents, octet for octet.
// Limits: numbers are little endian. A text is at most kLongestText octets: longer ones are damage.
#pragma once

#include <cstdint>
#include <string_view>

#include "dataplane/event/event.h"
#include "export/json/text_buffer.h"

namespace spanbeat {

// CRC-32C (Castagnoli), as iSCSI and ext4 use it; `before` is that of what stands before.
[[nodiscard]] std::uint32_t crc32c(std::string_view octets, std::uint32_t before = 0);

struct SegmentHeader {
  std::uint64_t segment;  // its number, as in the file's name
  std::uint64_t first;    // number of its first document, counted since the queue was made
};
inline constexpr std::size_t kSegmentHeaderSize = 32;
void append_segment_header(TextBuffer& out, const SegmentHeader& header);
// False when the octets do not begin with a whole and undamaged header.
[[nodiscard]] bool parse_segment_header(std::string_view octets, SegmentHeader& header);

struct Record {
  std::string_view text;  // of the document, with the newline behind it
  Time timestamp;
  ProtocolId protocol;
};
inline constexpr std::size_t kRecordHeaderSize = 24;
inline constexpr std::size_t kLongestText = std::size_t{1} << 30;
void append_record(TextBuffer& out, const Record& record);

struct ParsedRecord {
  enum class Kind : std::uint8_t {
    whole,
    damaged,     // of this length, but not what was written; the next one may be whole
    incomplete,  // `size` octets are needed to say more
    lost,        // no record begins here
  };
  Kind kind;
  std::size_t size;  // of the record
  Record record;     // of a whole one; points into the octets
};
[[nodiscard]] ParsedRecord parse_record(std::string_view octets);

}  // namespace spanbeat
