// What a DNS document says: the fields of a query, a question and a message.
#include <array>
#include <vector>

#include "decoders/dns/dns.h"
#include "decoders/dns/mnemonics.h"
#include "decoders/dns/options.h"
#include "decoders/dns/records.h"

namespace spanbeat {
namespace {

const Word kAnswer("answer");
const Word kQuery("query");
const std::array<Word, 1> kVersions = {Word("0")};  // of EDNS: the only one that there is

// RFC 1035 section 4.1.1, RFC 4035 section 3.
enum : std::uint16_t { kAa = 0x400, kTc = 0x200, kRd = 0x100, kRa = 0x80, kAd = 0x20, kCd = 0x10 };

// By the bits of flags_of: the lists of what is set.
const auto kHeaderFlags = [] {
  std::array<Word, 128> lists;
  for (std::size_t set = 1; set < lists.size(); ++set) {
    std::vector<std::string_view> names;
    for (const std::size_t bit : {5U, 4U, 3U, 2U, 1U, 0U, 6U}) {
      static constexpr std::string_view kNames[] = {"CD", "AD", "RA", "RD", "TC", "AA", "DO"};
      if ((set >> bit & 1) != 0) names.push_back(kNames[bit]);
    }
    lists[set] = Word::list(names);
  }
  return lists;
}();

// CD, AD, RA, RD, TC, AA, DO from the lowest bit on.
std::size_t flags_of(const DnsMessage& message) {
  return (message.flags >> 4 & 3U) | (message.flags >> 5 & 0x3cU) | (message.dnssec_ok() ? 64U : 0U);
}

// What follows is in one function with the batch, so that where it writes stays in registers.
#define SPANBEAT_IN_BATCH __attribute__((always_inline)) inline

SPANBEAT_IN_BATCH void write_query(Event::Batch& batch, const DnsQuery& query, CheckedText name) {
  Digits digits;
  batch.set<F::method>(dns_opcode_value(static_cast<std::uint8_t>(query.flags >> 11 & 15), digits));
  if (!query.has_question) return;
  batch.set<F::resource>(name);
  QuestionBuffer buffer;
  batch.set_joined<F::query>(question_prefix(query.question_type, query.question_class, buffer), name);
}

SPANBEAT_IN_BATCH void write_question(Event::Batch& batch, const DnsMessage& message, const PublicSuffixes& suffixes) {
  Digits class_digits;
  Digits type_digits;
  batch.set<F::dns_question_class>(dns_class_value(message.question_class, class_digits));
  batch.set<F::dns_question_name>(message.question_name);
  batch.set<F::dns_question_type>(dns_type_value(message.question_type, type_digits));
  const auto [name, clean] = message.question_name;
  const std::size_t begin = suffixes.registered_domain(name);
  if (begin == PublicSuffixes::kNone) {
    // A suffix of two labels, and the root, count as registered by themselves.
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos || name.find('.', dot + 1) != std::string_view::npos) return;
    batch.set<F::dns_question_registered_domain>(message.question_name);
    if (dot + 1 < name.size()) batch.set<F::dns_question_top_level_domain>(name.substr(dot + 1));
    return;
  }
  const CheckedText registered{name.substr(begin), clean};
  batch.set<F::dns_question_etld_plus_one>(registered);
  batch.set<F::dns_question_registered_domain>(registered);
  if (begin > 1) batch.set<F::dns_question_subdomain>(CheckedText{name.substr(0, begin - 1), clean});
  const std::size_t dot = registered.text.find('.');
  if (dot != std::string_view::npos)
    batch.set<F::dns_question_top_level_domain>(CheckedText{registered.text.substr(dot + 1), clean});
}

// RFC 6891 section 6.1.3: the TTL holds the upper response code, the version and the flags; the class the size.
SPANBEAT_IN_BATCH void write_opt(Event::Batch& batch, const DnsRecord& opt) {
  Digits digits;
  Digits version;
  batch.set<F::dns_opt_do>((opt.ttl & 0x8000) != 0);
  batch.set<F::dns_opt_ext_rcode>(dns_response_code_value(static_cast<std::uint16_t>(opt.ttl >> 24 << 4), digits));
  batch.set<F::dns_opt_udp_size>(opt.class_value);
  batch.set<F::dns_opt_version>(dns_words::value(kVersions, opt.ttl >> 16 & 0xff, decimal_text, version));
}

SPANBEAT_IN_BATCH void write_message(Event::Batch& batch, const DnsMessage& message, const PublicSuffixes& suffixes) {
  Digits opcode;
  Digits response_code;
  const auto flag = [&message](std::uint16_t bit) { return (message.flags & bit) != 0; };
  batch.set<F::dns_additionals_count>(message.additionals.count - (message.has_opt ? 1 : 0));
  batch.set<F::dns_answers_count>(message.answers.count);
  batch.set<F::dns_authorities_count>(message.authorities.count);
  batch.set<F::dns_flags_authentic_data>(flag(kAd));
  batch.set<F::dns_flags_authoritative>(flag(kAa));
  batch.set<F::dns_flags_checking_disabled>(flag(kCd));
  batch.set<F::dns_flags_recursion_available>(flag(kRa));
  batch.set<F::dns_flags_recursion_desired>(flag(kRd));
  batch.set<F::dns_flags_truncated_response>(flag(kTc));
  batch.set<F::dns_id>(message.id);
  batch.set<F::dns_op_code>(dns_opcode_value(message.opcode(), opcode));
  batch.set<F::dns_response_code>(dns_response_code_value(message.response_code, response_code));
  batch.set<F::dns_type>(message.is_response() ? kAnswer : kQuery);
  if (const std::size_t set = flags_of(message); set != 0) batch.set<F::dns_header_flags>(kHeaderFlags[set]);
  if (message.has_opt) write_opt(batch, message.opt);
  if (message.questions != 0) write_question(batch, message, suffixes);
}

#undef SPANBEAT_IN_BATCH

}  // namespace

void Dns::write_document(Event& event, const DnsQuery& query, CheckedText asked, const DnsMessage& message) {
  const DnsText text{message, scratch_};
  if (config_->include_additionals) write_section(event, F::dns_additionals, message.additionals, text);
  DnsAddresses addresses;
  write_section(event, F::dns_answers, message.answers, text, &addresses);
  if (config_->include_authorities) write_section(event, F::dns_authorities, message.authorities, text);
  event.set_each<F::dns_resolved_ip>(addresses.count, [&](std::size_t i) {
    const auto& [begin, size] = addresses.places[i];
    return IpAddress::from_wire(message.octets.subspan(begin, size));
  });
  event.set_same_list<F::related_ip, F::dns_resolved_ip>();
  if (message.has_opt) write_options(event, message.octets, message.opt, scratch_);
  // The names, and more than all numbers and names of numbers.
  const std::size_t room = 2 * asked.text.size() + 5 * message.question_name.text.size() + 512;
  if (Event::Batch batch(event, room, 32); batch) [[likely]] {
    write_query(batch, query, asked);
    write_message(batch, message, suffixes_);
  }
}

}  // namespace spanbeat
