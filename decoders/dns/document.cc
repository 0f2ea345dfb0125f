// What a DNS document says: the fields of a query, a question and a message.
#include "decoders/dns/dns.h"
#include "decoders/dns/mnemonics.h"
#include "decoders/dns/options.h"
#include "decoders/dns/records.h"

namespace spanbeat {
namespace {

const Word kAnswer("answer");
const Word kQuery("query");

// RFC 1035 section 4.1.1, RFC 4035 section 3.
enum : std::uint16_t { kAa = 0x400, kTc = 0x200, kRd = 0x100, kRa = 0x80, kAd = 0x20, kCd = 0x10 };

template <Field field>
void write_addresses(Event& event, const DnsMessage& message, const DnsAddresses& addresses) {
  event.set_each<field>(addresses.count, [&](std::size_t i) {
    const auto& [begin, size] = addresses.places[i];
    return IpAddress::from_wire(message.octets.subspan(begin, size));
  });
}

}  // namespace

void Dns::write_query(Event& event, const DnsQuery& query, std::string_view name) {
  Digits digits;
  const TextOrWord method = dns_opcode_value(static_cast<std::uint8_t>(query.flags >> 11 & 15), digits);
  if (!query.has_question) {
    event.set<F::method>(method);
    return;
  }
  event.set_all<F::method, F::resource>(method, name);
  QuestionBuffer buffer;
  event.set_joined<F::query>(question_prefix(query.question_type, query.question_class, buffer), name);
}

void Dns::write_question(Event& event, const DnsMessage& message) {
  Digits class_digits;
  Digits type_digits;
  const std::string_view name = message.question_name;
  event.set_all<F::dns_question_class, F::dns_question_name, F::dns_question_type>(
      dns_class_value(message.question_class, class_digits), name, dns_type_value(message.question_type, type_digits));
  const std::size_t begin = suffixes_.registered_domain(name);
  if (begin == PublicSuffixes::kNone) {
    // A suffix of two labels, and the root, count as registered by themselves.
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos || name.find('.', dot + 1) != std::string_view::npos) return;
    event.set<F::dns_question_registered_domain>(name);
    if (dot + 1 < name.size()) event.set<F::dns_question_top_level_domain>(name.substr(dot + 1));
    return;
  }
  const std::string_view registered = name.substr(begin);
  event.set_all<F::dns_question_etld_plus_one, F::dns_question_registered_domain>(registered, registered);
  if (begin > 1) event.set<F::dns_question_subdomain>(name.substr(0, begin - 1));
  const std::size_t dot = registered.find('.');
  if (dot != std::string_view::npos) {
    event.set<F::dns_question_top_level_domain>(registered.substr(dot + 1));
  }
}

void Dns::write_message(Event& event, const DnsMessage& message) {
  static constexpr std::pair<std::uint16_t, std::string_view> kFlags[] = {{kAa, "AA"}, {kTc, "TC"}, {kRd, "RD"},
                                                                          {kRa, "RA"}, {kAd, "AD"}, {kCd, "CD"}};
  const DnsText text{message, scratch_};
  if (config_->include_additionals) write_section(event, F::dns_additionals, message.additionals, text);
  DnsAddresses addresses;
  write_section(event, F::dns_answers, message.answers, text, &addresses);
  if (config_->include_authorities) write_section(event, F::dns_authorities, message.authorities, text);
  Digits opcode;
  Digits response_code;
  const auto flag = [&message](std::uint16_t bit) { return (message.flags & bit) != 0; };
  event.set_all<F::dns_additionals_count, F::dns_answers_count, F::dns_authorities_count, F::dns_flags_authentic_data,
                F::dns_flags_authoritative, F::dns_flags_checking_disabled, F::dns_flags_recursion_available,
                F::dns_flags_recursion_desired, F::dns_flags_truncated_response, F::dns_id, F::dns_op_code,
                F::dns_response_code, F::dns_type>(
      message.additionals.count - (message.has_opt ? 1 : 0), message.answers.count, message.authorities.count,
      flag(kAd), flag(kAa), flag(kCd), flag(kRa), flag(kRd), flag(kTc), message.id,
      dns_opcode_value(message.opcode(), opcode), dns_response_code_value(message.response_code, response_code),
      message.is_response() ? kAnswer : kQuery);
  std::array<std::string_view, std::size(kFlags) + 1> flags;
  std::size_t count = 0;
  for (const auto& [bit, name_of_bit] : kFlags) {
    flags[count] = name_of_bit;
    count += flag(bit) ? 1 : 0;
  }
  if (message.dnssec_ok()) flags[count++] = "DO";
  event.set_each<F::dns_header_flags>(count, [&flags](std::size_t i) { return flags[i]; });
  if (message.has_opt) write_opt(event, message.octets, message.opt, scratch_);
  if (message.questions != 0) write_question(event, message);
  write_addresses<F::dns_resolved_ip>(event, message, addresses);
  write_addresses<F::related_ip>(event, message, addresses);
}

}  // namespace spanbeat
