// A DNS message, checked and mapped but not copied (RFC 1035 section 4).
//
// What:   reads a message once from end to end and keeps where its sections are. Text and values are made later, from a
//         message that is known to be sound.
// Why:    a message counts only if all of it decodes, so nothing may be written before the last octet was looked at.
// Limits: 65535 octets. Octets behind the last section are ignored, and so are counts of records that are not there.
#pragma once

#include "decoders/dns/rdata.h"

namespace spanbeat {

struct DnsRecord {
  std::size_t name = 0;  // offset of the owner's name
  std::uint16_t type = 0;
  std::uint16_t class_value = 0;
  std::uint32_t ttl = 0;
  std::size_t begin = 0;  // of the data
  std::size_t end = 0;
};

struct DnsSection {
  std::size_t begin = 0;
  std::uint32_t count = 0;
};

struct DnsMessage {
  Bytes octets;
  std::uint16_t id = 0;
  std::uint16_t flags = 0;  // as on the wire
  std::uint32_t questions = 0;
  std::size_t question_end = 0;  // of the first question
  std::uint16_t question_type = 0;
  std::uint16_t question_class = 0;
  DnsSection answers;
  DnsSection authorities;
  DnsSection additionals;  // the OPT record included
  bool has_opt = false;
  DnsRecord opt;                    // the last one of the additional section
  std::uint16_t response_code = 0;  // with the upper bits of the OPT record (RFC 6891 section 6.1.3)

  static constexpr std::size_t kHeader = 12;

  // False when the octets are no sound message.
  [[nodiscard]] bool read(Bytes message);
  [[nodiscard]] bool is_response() const { return (flags & 0x8000) != 0; }
  // Nothing but a header: some servers refuse a query that way.
  [[nodiscard]] bool is_bare() const { return questions + answers.count + authorities.count + additionals.count == 0; }
  [[nodiscard]] std::uint8_t opcode() const { return static_cast<std::uint8_t>(flags >> 11 & 15); }
  [[nodiscard]] bool dnssec_ok() const { return has_opt && (opt.ttl & 0x8000) != 0; }
  // The question section's octets, to compare; only of the first question.
  [[nodiscard]] Bytes question() const { return octets.subspan(kHeader, question_end - kHeader); }
};

// The record at `at` of a message; gives the offset behind it, 0 when it is not sound. The data is not looked into.
[[nodiscard]] std::size_t read_record(Bytes message, std::size_t at, DnsRecord& record);

// Calls `visit(record)` for each record of a section of a message that was read before.
template <typename Visit>
void for_each_record(Bytes message, const DnsSection& section, Visit visit) {
  std::size_t at = section.begin;
  for (std::uint32_t i = 0; i < section.count; ++i) {
    DnsRecord record;
    at = read_record(message, at, record);
    if (at == 0) return;
    visit(record);
  }
}

}  // namespace spanbeat
