#include "dataplane/filter/derived.h"

#include <algorithm>
#include <bitset>
#include <string_view>

namespace spanbeat {
namespace {

using Ports = std::bitset<65536>;

void add(std::string& text, std::string_view term) {
  if (!text.empty()) text += " or ";
  text += term;
}

// Neighbouring ports become a range, so that the program stays short.
void add_ports(std::string& text, std::string_view transport, const Ports& ports) {
  for (std::size_t first = 0; first < ports.size(); ++first) {
    if (!ports[first]) continue;
    std::size_t last = first;
    while (last + 1 < ports.size() && ports[last + 1]) ++last;
    std::string term(transport);
    if (!term.empty()) term += ' ';
    term += first == last ? "port " + std::to_string(first)
                          : "portrange " + std::to_string(first) + "-" + std::to_string(last);
    add(text, term);
    first = last;
  }
}

void add_tunnels(std::string& text, const TunnelSet& tunnels) {
  const auto has = [&](TunnelType type) { return tunnels.has(type); };
  if (has(TunnelType::ip_in_ip)) add(text, "ip proto 4");
  if (has(TunnelType::six_in_four)) add(text, "ip proto 41");
  if (has(TunnelType::four_in_six)) add(text, "ip6 proto 4");
  if (has(TunnelType::six_in_six)) add(text, "ip6 proto 41");
  if (has(TunnelType::gre) || has(TunnelType::pptp) || has(TunnelType::nvgre) || has(TunnelType::erspan)) {
    add(text, "ip proto 47");
    add(text, "ip6 proto 47");
  }
  if (has(TunnelType::vxlan)) add(text, "udp dst port " + std::to_string(kVxlanPort));
  if (has(TunnelType::geneve)) add(text, "udp dst port " + std::to_string(kGenevePort));
  if (has(TunnelType::gtp)) add(text, "udp dst port " + std::to_string(kGtpPort));
}

}  // namespace

std::string derived_filter(const std::vector<std::unique_ptr<Decoder>>& decoders, const TunnelSet& tunnels) {
  auto tcp = std::make_unique<Ports>();
  auto udp = std::make_unique<Ports>();
  bool icmp = false;
  for (const auto& decoder : decoders) {
    if (decoder == nullptr) continue;
    const DecoderInfo& info = decoder->info();
    icmp = icmp || info.icmp;
    for (const std::uint16_t port : decoder->config().ports) {
      if (info.tcp) tcp->set(port);
      if (info.udp) udp->set(port);
    }
  }
  const Ports both = *tcp & *udp;
  std::string text;
  if (icmp) add(text, "icmp or icmp6");
  add_ports(text, "tcp", *tcp & ~both);
  add_ports(text, "udp", *udp & ~both);
  for (std::size_t port = 0; port < both.size(); ++port) {
    // Not `port N`, which is SCTP's too.
    if (both[port]) add(text, "tcp port " + std::to_string(port) + " or udp port " + std::to_string(port));
  }
  // Without any protocol there is nothing to be found in a fragment or a tunnel either, but an empty text would pass
  // everything.
  add(text, "ip[6:2] & 0x3fff != 0");  // RFC 791 section 3.1: more fragments, or an offset
  // RFC 8200 section 4: extension headers, which libpcap's ports do not look behind.
  add(text, "ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 44 or ip6[6] = 51 or ip6[6] = 60 or ip6[6] = 135");
  add_tunnels(text, tunnels);
  // 802.1Q, 802.1ad and older tags, MPLS, PPPoE.
  for (const std::string_view type : {"0x8100", "0x88a8", "0x9100", "0x8847", "0x8848", "0x8864"}) {
    add(text, "ether proto " + std::string(type));
  }
  return text;
}

}  // namespace spanbeat
