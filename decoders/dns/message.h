// A DNS message, checked and mapped but not copied (RFC 1035 section 4).
//
// What:   reads a message once from end to end and keeps where its sections are. Text and values are made later, from a
//         message that is known to be sound.
// Why:    a message counts only if all of it decodes, so nothing may be written before the last octet was looked at.
// Limits: 65535 octets. Octets behind the last section are ignored, and so are counts of records that are not there.
#pragma once

#include <cstring>

#include "decoders/dns/name.h"
#include "decoders/dns/rdata.h"

namespace spanbeat {

struct DnsRecord {
  std::size_t name;   // offset of the owner's name
  std::size_t begin;  // of the data
  std::size_t end;
  std::uint32_t ttl;
  std::uint16_t type;
  std::uint16_t class_value;
};

struct DnsSection {
  std::size_t begin;
  std::uint32_t count;
};

// What `read` finds; nothing is set before that.
struct DnsMessage {
  Bytes octets;
  CheckedText question_name;  // empty where none was asked for, or there is no question
  std::size_t question_end;   // of the first question
  std::uint32_t questions;
  std::uint16_t id;
  std::uint16_t flags;  // as on the wire
  std::uint16_t question_type;
  std::uint16_t question_class;
  std::uint16_t response_code;  // with the upper bits of the OPT record (RFC 6891 section 6.1.3)
  bool has_opt;
  DnsSection answers;
  DnsSection authorities;
  DnsSection additionals;  // the OPT record included
  DnsRecord opt;           // the last one of the additional section

  static constexpr std::size_t kHeader = 12;

  // False when the octets are no sound message. `name` has room for kMaxNameText characters, for the question's name;
  // without it no text is made.
  [[nodiscard]] bool read(Bytes message, char* name = nullptr);
  [[nodiscard]] bool is_response() const { return (flags & 0x8000) != 0; }
  // Nothing but a header: some servers refuse a query that way.
  [[nodiscard]] bool is_bare() const { return questions + answers.count + authorities.count + additionals.count == 0; }
  [[nodiscard]] std::uint8_t opcode() const { return static_cast<std::uint8_t>(flags >> 11 & 15); }
  [[nodiscard]] bool dnssec_ok() const { return has_opt && (opt.ttl & 0x8000) != 0; }
  // The question section's octets, to compare; only of the first question.
  [[nodiscard]] Bytes question() const { return octets.subspan(kHeader, question_end - kHeader); }

 private:
  bool read_records(DnsSection& section, std::uint32_t most, std::size_t& at);
};

// The record at `at` of a message; gives the offset behind it, 0 when it is not sound. The data is not looked into.
[[nodiscard]] inline std::size_t read_record(Bytes message, std::size_t at, DnsRecord& record) {
  // Type, class, TTL and length of a record (RFC 1035 section 4.1.3).
  constexpr std::size_t kFixed = 10;
  record.name = at;
  // Most records are owned by the name of the question, said as a pointer to it.
  const std::size_t left = message.size() - at;
  if (left >= kFixed + 2 && message[at] == 0xc0 && message[at + 1] == DnsMessage::kHeader) {
    at += 2;
  } else if (left >= kFixed + 1 && message[at] == 0) {  // the root, which an OPT record has
    at += 1;
  } else {
    at = skip_name(message, at);
    if (at == 0 || message.size() - at < kFixed) return 0;
  }
  const std::uint64_t fixed = __builtin_bswap64(load<std::uint64_t>(message.data() + at));
  record.type = static_cast<std::uint16_t>(fixed >> 48);
  record.class_value = static_cast<std::uint16_t>(fixed >> 32);
  record.ttl = static_cast<std::uint32_t>(fixed);
  record.begin = at + kFixed;
  record.end = record.begin + __builtin_bswap16(load<std::uint16_t>(message.data() + at + 8));
  return record.end <= message.size() ? record.end : 0;
}

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
