#include "export/spool/record.h"

#include <nmmintrin.h>

#include <bit>
#include <cstring>

namespace spanbeat {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr char kMagic[8] = {'S', 'P', 'A', 'N', 'S', 'P', 'L', '1'};

template <typename T>
void put(char*& at, T value) {
  std::memcpy(at, &value, sizeof value);
  at += sizeof value;
}

template <typename T>
T take(const char*& at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  at += sizeof value;
  return value;
}

}  // namespace

std::uint32_t crc32c(std::string_view octets, std::uint32_t before) {
  const char* at = octets.data();
  std::size_t left = octets.size();
  std::uint64_t sum = ~before;
  for (; left >= 8; left -= 8) sum = _mm_crc32_u64(sum, take<std::uint64_t>(at));
  auto rest = static_cast<std::uint32_t>(sum);
  for (; left > 0; --left) rest = _mm_crc32_u8(rest, take<std::uint8_t>(at));
  return ~rest;
}

// magic[8], segment u64, first u64, reserved u32, crc u32
void append_segment_header(TextBuffer& out, const SegmentHeader& header) {
  char* const begin = out.room(out.end(), kSegmentHeaderSize);
  char* at = begin;
  std::memcpy(at, kMagic, sizeof kMagic);
  at += sizeof kMagic;
  put(at, header.segment);
  put(at, header.first);
  put(at, std::uint32_t{0});
  put(at, crc32c({begin, kSegmentHeaderSize - 4}));
  out.finish(at);
}

bool parse_segment_header(std::string_view octets, SegmentHeader& header) {
  if (octets.size() < kSegmentHeaderSize || std::memcmp(octets.data(), kMagic, sizeof kMagic) != 0) return false;
  const char* at = octets.data() + sizeof kMagic;
  header.segment = take<std::uint64_t>(at);
  header.first = take<std::uint64_t>(at);
  (void)take<std::uint32_t>(at);
  return take<std::uint32_t>(at) == crc32c(octets.substr(0, kSegmentHeaderSize - 4));
}

// length u32, crc of the text u32, timestamp i64, protocol u32, crc of these u32; text
void append_record(TextBuffer& out, const Record& record) {
  char* const begin = out.room(out.end(), kRecordHeaderSize + record.text.size());
  char* at = begin;
  put(at, static_cast<std::uint32_t>(record.text.size()));
  put(at, crc32c(record.text));
  put(at, static_cast<std::int64_t>(record.timestamp));
  put(at, static_cast<std::uint32_t>(record.protocol));
  put(at, crc32c({begin, kRecordHeaderSize - 4}));
  if (!record.text.empty()) std::memcpy(at, record.text.data(), record.text.size());
  out.finish(at + record.text.size());
}

ParsedRecord parse_record(std::string_view octets) {
  using Kind = ParsedRecord::Kind;
  if (octets.size() < kRecordHeaderSize) return {Kind::incomplete, kRecordHeaderSize, {}};
  const char* at = octets.data();
  const auto length = take<std::uint32_t>(at);
  const auto text_crc = take<std::uint32_t>(at);
  const auto timestamp = take<std::int64_t>(at);
  const auto protocol = take<std::uint32_t>(at);
  const auto header_crc = take<std::uint32_t>(at);
  if (header_crc != crc32c(octets.substr(0, kRecordHeaderSize - 4)) || length > kLongestText) {
    return {Kind::lost, 0, {}};
  }
  const std::size_t size = kRecordHeaderSize + length;
  if (octets.size() < size) return {Kind::incomplete, size, {}};
  const std::string_view text = octets.substr(kRecordHeaderSize, length);
  if (crc32c(text) != text_crc) return {Kind::damaged, size, {}};
  return {Kind::whole, size, {text, timestamp, static_cast<ProtocolId>(protocol)}};
}

}  // namespace spanbeat
