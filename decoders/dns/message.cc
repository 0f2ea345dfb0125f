#include "decoders/dns/message.h"

#include "decoders/dns/options.h"

namespace spanbeat {
namespace {

std::uint16_t be16(Bytes octets, std::size_t at) {
  std::uint16_t value;
  std::memcpy(&value, octets.data() + at, sizeof value);
  return __builtin_bswap16(value);
}

}  // namespace

// RFC 1035 section 4.1.2. A question that ends early lacks its type or class; a missing one breaks the message.
std::size_t DnsMessage::read_question(std::size_t at, char* name) {
  if (questions == 0 && name != nullptr) {
    std::size_t length = 0;
    at = read_name(octets, at, name, length);
    question_name = {name, length};
  } else {
    at = skip_name(octets, at);
  }
  if (at == 0) return 0;
  const std::size_t left = octets.size() - at;
  if (left == 1 || left == 3) return 0;
  const std::size_t end = at + (left < 4 ? left : 4);
  if (questions++ == 0) {
    question_type = left >= 2 ? be16(octets, at) : std::uint16_t{0};
    question_class = left >= 4 ? be16(octets, at + 2) : std::uint16_t{0};
    question_end = end;
  }
  return end;
}

std::size_t DnsMessage::read_section(DnsSection& section, std::size_t most, std::size_t at) {
  section = {at, 0};
  for (; section.count < most && at < octets.size(); ++section.count) {
    DnsRecord record;
    at = read_record(octets, at, record);
    if (at == 0) return 0;
    if (record.type == dns_type::kOpt) {
      if (!check_options(octets.subspan(record.begin, record.end - record.begin))) return 0;
      if (&section == &additionals) {
        has_opt = true;
        opt = record;
      }
    } else if (!check_rdata(record.type, octets, record.begin, record.end)) {
      return 0;
    }
  }
  return at;
}

bool DnsMessage::read(Bytes message, char* name) {
  if (message.size() < kHeader) return false;
  octets = message;
  id = be16(message, 0);
  flags = be16(message, 2);
  response_code = flags & 15;
  has_opt = false;
  questions = 0;
  question_name = {};
  question_type = question_class = 0;
  question_end = kHeader;
  std::size_t at = kHeader;
  for (const std::uint16_t count = be16(message, 4); questions < count;) {
    at = read_question(at, name);
    if (at == 0) return false;
  }
  // A name that points at the question's place is only known to be sound when there is a question.
  if (questions == 0 && message.size() > kHeader && skip_name(message, kHeader) == 0) return false;

  const std::uint16_t counts[3] = {be16(message, 6), be16(message, 8), be16(message, 10)};
  at = read_section(answers, counts[0], at);
  if (at != 0) at = read_section(authorities, counts[1], at);
  if (at != 0) at = read_section(additionals, counts[2], at);
  if (at == 0) return false;
  if (has_opt) response_code = static_cast<std::uint16_t>(response_code | opt.ttl >> 24 << 4);
  // A header that announces something is no message without it.
  return !is_bare() || (counts[0] | counts[1] | counts[2]) == 0;
}

}  // namespace spanbeat
