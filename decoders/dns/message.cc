#include "decoders/dns/message.h"

#include "decoders/dns/options.h"

namespace spanbeat {
namespace {

std::uint16_t be16(Bytes octets, std::size_t at) { return __builtin_bswap16(load<std::uint16_t>(octets.data() + at)); }

// RFC 1035 section 4.1.2. A question that ends early lacks its type or class; a missing one breaks the message.
std::size_t read_question(DnsMessage& message, std::size_t at, char* name) {
  const Bytes octets = message.octets;
  const bool first = message.questions++ == 0;
  if (first && name != nullptr) {
    at = read_name(octets, at, name, message.question_name);
  } else {
    at = skip_name(octets, at);
  }
  if (at == 0) return 0;
  const std::size_t left = octets.size() - at;
  if (left == 1 || left == 3) return 0;
  const std::size_t end = at + (left < 4 ? left : 4);
  if (first) {
    message.question_type = left >= 2 ? be16(octets, at) : std::uint16_t{0};
    message.question_class = left >= 4 ? be16(octets, at + 2) : std::uint16_t{0};
    message.question_end = end;
  }
  return end;
}

}  // namespace

bool DnsMessage::read_records(DnsSection& section, std::uint32_t most, std::size_t& at) {
  const Bytes message = octets;
  std::size_t next = at;
  std::uint32_t count = 0;
  for (; count < most && next < message.size(); ++count) {
    DnsRecord record;
    next = read_record(message, next, record);
    if (next == 0) return false;
    if (record.type != dns_type::kOpt) {
      if (!check_rdata(record.type, message, record.begin, record.end)) return false;
      continue;
    }
    if (!check_options(message.subspan(record.begin, record.end - record.begin))) return false;
    if (&section == &additionals) {
      has_opt = true;
      opt = record;
    }
  }
  section.count = count;
  at = next;
  return true;
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
    at = read_question(*this, at, name);
    if (at == 0) return false;
  }
  // A name that points at the question's place is only known to be sound when there is a question.
  if (questions == 0 && message.size() > kHeader && skip_name(message, kHeader) == 0) return false;

  const std::uint16_t counts[3] = {be16(message, 6), be16(message, 8), be16(message, 10)};
  answers = {at, 0};
  if (counts[0] != 0 && !read_records(answers, counts[0], at)) return false;
  authorities = {at, 0};
  if (counts[1] != 0 && !read_records(authorities, counts[1], at)) return false;
  additionals = {at, 0};
  if (counts[2] != 0 && !read_records(additionals, counts[2], at)) return false;
  if (has_opt) response_code = static_cast<std::uint16_t>(response_code | opt.ttl >> 24 << 4);
  // A header that announces something is no message without it.
  return !is_bare() || (counts[0] | counts[1] | counts[2]) == 0;
}

}  // namespace spanbeat
