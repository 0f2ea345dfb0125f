#include "dataplane/flow/report.h"

#include <xxhash.h>

#include <algorithm>

#include "dataplane/event/community_id.h"

namespace spanbeat {
namespace {

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// flow.id: a hash, with a fixed key, of all that makes the flow: the same in every run over the same capture.
void set_flow_id(const FlowInfo& info, Event& event) {
  struct Identity {
    Time first;
    std::uint64_t first_packet;
    std::uint8_t addresses[64];
    std::uint8_t mac[12];
    std::uint16_t numbers[4];
    std::uint8_t kinds[4];
    std::uint64_t tunnel;
  } identity{};
  identity.first = info.first;
  identity.first_packet = info.first_packet;
  std::memcpy(identity.addresses, info.source, 16);
  std::memcpy(identity.addresses + 16, info.destination, 16);
  std::memcpy(identity.addresses + 32, info.outer_source, 16);
  std::memcpy(identity.addresses + 48, info.outer_destination, 16);
  std::memcpy(identity.mac, info.mac, sizeof identity.mac);
  identity.numbers[0] = info.source_port;
  identity.numbers[1] = info.destination_port;
  identity.numbers[2] = info.vlan[0];
  identity.numbers[3] = info.vlan[1];
  identity.kinds[0] = static_cast<std::uint8_t>(info.version);
  identity.kinds[1] = static_cast<std::uint8_t>(info.outer_version);
  identity.kinds[2] = static_cast<std::uint8_t>(info.protocol);
  identity.kinds[3] = info.vlans;
  identity.tunnel = info.tunnel;
  const XXH128_hash_t hash = XXH3_128bits(&identity, sizeof identity);
  constexpr std::size_t kCharacters = 22;  // six bits each, the last one two
  char* id = event.place_text<F::flow_id>(kCharacters);
  if (id == nullptr) return;
  // From the hash's first octet on, as base64 takes octets.
  unsigned __int128 bits =
      static_cast<unsigned __int128>(__builtin_bswap64(hash.low64)) << 64 | __builtin_bswap64(hash.high64);
  for (std::size_t i = 0; i < kCharacters; ++i) {
    *id++ = kBase64[static_cast<std::size_t>(bits >> 122)];
    bits <<= 6;
  }
}

// Both layers' addresses, where there are two.
void set_layers(const FlowInfo& info, Event& event) {
  const IpAddress inner_source = IpAddress::from_wire(info.source, info.version);
  const IpAddress inner_destination = IpAddress::from_wire(info.destination, info.version);
  const IpAddress outer_source = IpAddress::from_wire(info.outer_source, info.outer_version);
  const IpAddress outer_destination = IpAddress::from_wire(info.outer_destination, info.outer_version);
  const bool inner_first = info.version == IpVersion::v4 && info.outer_version == IpVersion::v6;
  event.set<F::source_ip>(inner_first ? inner_source : outer_source);
  event.set<F::source_ip>(inner_first ? outer_source : inner_source);
  event.set<F::destination_ip>(inner_first ? inner_destination : outer_destination);
  event.set<F::destination_ip>(inner_first ? outer_destination : inner_destination);
}

void set_community_id(const FlowInfo& info, const IpAddress& source, const IpAddress& destination,
                      EventHeader& header) {
  switch (info.transport) {
    case Transport::icmp:
    case Transport::ipv6_icmp:
      community_id_icmp({source.wire(), destination.wire()}, info.transport == Transport::icmp ? 1 : 58, info.icmp_type,
                        info.icmp_code, header.community_id);
      header.community_id_is = CommunityIdIs::made;
      break;
    case Transport::tcp:
    case Transport::udp:
    case Transport::sctp:
      header.community_id_is = CommunityIdIs::owed;
      break;
    case Transport::none:
      break;
  }
}

template <Field field>
void set_flags(std::uint8_t flags, Event& event) {
  static constexpr std::string_view kNames[] = {"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"};
  for (unsigned bit = 0; bit < 8; ++bit) {
    if ((flags >> bit & 1) != 0) event.set<field>(kNames[bit]);
  }
}

void set_tcp(const TcpAccount& tcp, Event& event) {
  if (tcp.handshake_rtt() >= 0) event.set<F::spanbeat_flow_handshake_rtt>(tcp.handshake_rtt());
  const TcpAccount::Side source = tcp.result(0);
  const TcpAccount::Side destination = tcp.result(1);
  set_flags<F::spanbeat_flow_source_flags>(source.flags, event);
  set_flags<F::spanbeat_flow_destination_flags>(destination.flags, event);
  event.set<F::spanbeat_flow_source_retransmitted_bytes>(static_cast<std::int64_t>(source.retransmitted_bytes));
  event.set<F::spanbeat_flow_source_reordered_bytes>(static_cast<std::int64_t>(source.reordered_bytes));
  event.set<F::spanbeat_flow_source_lost_bytes>(static_cast<std::int64_t>(source.lost_bytes));
  event.set<F::spanbeat_flow_destination_retransmitted_bytes>(
      static_cast<std::int64_t>(destination.retransmitted_bytes));
  event.set<F::spanbeat_flow_destination_reordered_bytes>(static_cast<std::int64_t>(destination.reordered_bytes));
  event.set<F::spanbeat_flow_destination_lost_bytes>(static_cast<std::int64_t>(destination.lost_bytes));
}

std::string_view reason_name(CloseReason reason, const TcpAccount& tcp) {
  // How the connection ended, where it ended before the flow did.
  if (tcp.saw_rst()) return "rst";
  if (tcp.saw_fin()) return "fin";
  switch (reason) {
    case CloseReason::fin:
      return "fin";
    case CloseReason::rst:
      return "rst";
    case CloseReason::timeout:
      return "timeout";
    case CloseReason::evicted:
      return "evicted";
    case CloseReason::shutdown:
      return "shutdown";
  }
  return "shutdown";
}

}  // namespace

void write_flow_event(const FlowReport& report, Event& event) {
  const FlowRecord& record = *report.record;
  const FlowInfo& info = *report.info;
  EventHeader& header = event.header();
  header.protocol = kFlowProtocol;
  header.transport = info.transport;
  header.timestamp = report.now;
  header.start = info.first;
  header.end = std::max(info.first, record.last);
  header.source_bytes = record.bytes[0];
  header.destination_bytes = record.bytes[1];
  header.source_port = info.source_port;
  header.destination_port = info.destination_port;
  if (info.version != IpVersion::none) {
    const bool layers = info.outer_version != IpVersion::none;
    header.source = layers ? IpAddress::from_wire(info.outer_source, info.outer_version)
                           : IpAddress::from_wire(info.source, info.version);
    header.destination = layers ? IpAddress::from_wire(info.outer_destination, info.outer_version)
                                : IpAddress::from_wire(info.destination, info.version);
    set_community_id(info, header.source, header.destination, header);
    if (layers) set_layers(info, event);
  }
  std::uint64_t packets[2];
  for (std::size_t side = 0; side < 2; ++side)
    packets[side] = record.packets[side] | std::uint64_t{info.packets_high[side]} << 32;
  if (packets[0] != 0) event.set<F::source_packets>(static_cast<std::int64_t>(packets[0]));
  if (packets[1] != 0) event.set<F::destination_packets>(static_cast<std::int64_t>(packets[1]));
  event.set<F::network_packets>(static_cast<std::int64_t>(packets[0] + packets[1]));
  if (info.has_mac) {
    MacAddress address;
    std::memcpy(address.data(), info.mac, address.size());
    if (char* const text = event.place_text<F::destination_mac>(kMacText)) (void)format_mac(address, text);
    std::memcpy(address.data(), info.mac + 6, address.size());
    if (char* const text = event.place_text<F::source_mac>(kMacText)) (void)format_mac(address, text);
  }
  for (std::size_t i = 0; i < info.vlans; ++i) event.set<F::flow_vlan>(info.vlan[i]);
  event.set<F::event_type>("connection");
  if (report.final) event.set<F::event_type>("end");
  event.set<F::flow_final>(report.final);
  set_flow_id(info, event);
  if (report.tunnel != nullptr) report.tunnel->set_fields(event);
  if (report.tcp != nullptr) {
    if (info.transport == Transport::tcp) set_tcp(*report.tcp, event);
    if (report.final) event.set<F::spanbeat_flow_end_reason>(reason_name(report.reason, *report.tcp));
  }
}

}  // namespace spanbeat
