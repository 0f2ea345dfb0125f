#include "decoders/dns/message.h"

#include "dataplane/bytes/cursor.h"
#include "decoders/dns/name.h"
#include "decoders/dns/options.h"

namespace spanbeat {
namespace {

std::uint16_t be16(Bytes octets, std::size_t at) {
  std::uint16_t value;
  std::memcpy(&value, octets.data() + at, sizeof value);
  return __builtin_bswap16(value);
}

// Type, class, TTL and length of a record (RFC 1035 section 4.1.3).
constexpr std::size_t kFixed = 10;

// Most records are owned by the name of the question, said as a pointer to it.
bool points_to_question(Bytes message, std::size_t at) {
  return message.size() - at >= 2 && message[at] == 0xc0 && message[at + 1] == DnsMessage::kHeader;
}

}  // namespace

std::size_t read_record(Bytes message, std::size_t at, DnsRecord& record) {
  if (at >= message.size()) return 0;
  record.name = at;
  at = points_to_question(message, at) ? at + 2 : skip_name(message, at);
  if (at == 0 || message.size() - at < kFixed) return 0;
  record.type = be16(message, at);
  record.class_value = be16(message, at + 2);
  record.ttl = static_cast<std::uint32_t>(be16(message, at + 4)) << 16 | be16(message, at + 6);
  record.begin = at + kFixed;
  record.end = record.begin + be16(message, at + 8);
  return record.end <= message.size() ? record.end : 0;
}

bool DnsMessage::read(Bytes message) {
  *this = {};
  octets = message;
  Cursor header(message);
  id = header.be16();
  flags = header.be16();
  const std::uint16_t question_count = header.be16();
  const std::uint16_t counts[3] = {header.be16(), header.be16(), header.be16()};
  if (!header.ok()) return false;
  response_code = flags & 15;

  // RFC 1035 section 4.1.2. A question that ends early lacks its type or class; a missing one breaks the message.
  std::size_t at = kHeader;
  for (; questions < question_count; ++questions) {
    at = skip_name(message, at);
    if (at == 0) return false;
    const std::size_t left = message.size() - at;
    if (left == 1 || left == 3) return false;
    const std::uint16_t type = left >= 2 ? be16(message, at) : std::uint16_t{0};
    const std::uint16_t class_value = left >= 4 ? be16(message, at + 2) : std::uint16_t{0};
    at += left < 4 ? left : 4;
    if (questions == 0) {
      question_end = at;
      question_type = type;
      question_class = class_value;
    }
  }
  if (questions == 0) question_end = kHeader;
  // A name that points at the question's place is only known to be sound when there is a question.
  if (questions == 0 && message.size() > kHeader && skip_name(message, kHeader) == 0) return false;

  DnsSection* const sections[3] = {&answers, &authorities, &additionals};
  for (std::size_t i = 0; i < 3; ++i) {
    sections[i]->begin = at;
    while (sections[i]->count < counts[i] && at < message.size()) {
      DnsRecord record;
      at = read_record(message, at, record);
      if (at == 0) return false;
      if (record.type == dns_type::kOpt) {
        if (!check_options(message.subspan(record.begin, record.end - record.begin))) return false;
        if (i == 2) {
          has_opt = true;
          opt = record;
        }
      } else if (!check_rdata(record.type, message, record.begin, record.end)) {
        return false;
      }
      ++sections[i]->count;
    }
  }
  if (has_opt) response_code = static_cast<std::uint16_t>(response_code | opt.ttl >> 24 << 4);
  // A header that announces something is no message without it.
  if (questions + answers.count + authorities.count + additionals.count != 0) return true;
  return (counts[0] | counts[1] | counts[2]) == 0;
}

}  // namespace spanbeat
