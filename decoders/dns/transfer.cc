// Zone transfers: AXFR (RFC 5936) and IXFR (RFC 1995), of which one query is answered by many messages.
//
// A transfer begins and ends with the SOA record of the zone. An incremental one has pairs of SOA records between, the
// older one first, so that its end is known by the serial number and by being the first of a pair.
#include "dataplane/bytes/cursor.h"
#include "decoders/dns/dns.h"
#include "decoders/dns/name.h"

namespace spanbeat {
namespace {

std::uint32_t serial_of(Bytes message, const DnsRecord& soa) {
  const std::size_t primary = skip_name(message, soa.begin);
  const std::size_t mailbox = primary == 0 || primary >= soa.end ? 0 : skip_name(message, primary);
  return mailbox == 0 || mailbox >= soa.end ? 0 : Cursor(message.subspan(mailbox)).be32();
}

}  // namespace

bool Dns::begin_transfer(DnsQuery& query, const DnsMessage& message, Event& event) {
  if (query.question_type != dns_type::kAxfr && query.question_type != dns_type::kIxfr) return false;
  if (message.response_code != 0 || message.answers.count == 0) return false;
  DnsRecord first;
  if (read_record(message.octets, message.answers.begin, first) == 0 || first.type != dns_type::kSoa) return false;
  // To IXFR, a single SOA says that there is nothing newer.
  if (query.question_type == dns_type::kIxfr && message.answers.count == 1) return false;
  query.transfer_serial = serial_of(message.octets, first);
  if (transfer_ends(query, message)) return false;
  query.transferring = true;
  query.transfer = std::move(event);
  return true;
}

bool Dns::transfer_ends(DnsQuery& query, const DnsMessage& message) {
  if (message.response_code != 0) return true;
  bool ends = false;
  for_each_record(message.octets, message.answers, [&](const DnsRecord& record) {
    if (record.type != dns_type::kSoa) return;
    // The first SOA has the number 0; behind it, odd ones begin a pair or end the transfer.
    const bool odd = query.transfer_soas++ % 2 == 1;
    if (odd && serial_of(message.octets, record) == query.transfer_serial) ends = true;
  });
  return ends;
}

}  // namespace spanbeat
