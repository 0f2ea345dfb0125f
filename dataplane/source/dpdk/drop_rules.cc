#include "dataplane/source/dpdk/drop_rules.h"

#include <arpa/inet.h>
#include <rte_byteorder.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "dataplane/source/dpdk/ethdev.h"

namespace spanbeat {
namespace {

enum class Side : std::uint8_t { either, source, destination };

struct Words {
  int version = 0;  // 0: not said
  std::uint8_t protocol = 0;
  Side host_side = Side::either;
  bool host = false;
  std::array<std::uint8_t, 16> address{}, mask{};
  Side port_side = Side::either;
  std::uint16_t port = 0;
  std::string network;  // "host 10.0.0.1"
};

bool read_address(const std::string& text, bool with_prefix, Words& words, std::string& problem) {
  const std::size_t slash = text.find('/');
  const std::string host = text.substr(0, slash);
  int bits = -1;
  if (with_prefix != (slash != std::string::npos)) {
    problem = "'" + text + "' is no " + (with_prefix ? "network; write net 10.0.0.0/8" : "host; write host 10.0.0.1");
    return false;
  }
  int version = 0;
  if (::inet_pton(AF_INET, host.c_str(), words.address.data()) == 1) version = 4;
  if (version == 0 && ::inet_pton(AF_INET6, host.c_str(), words.address.data()) == 1) version = 6;
  const int most = version == 4 ? 32 : 128;
  bits = with_prefix ? 0 : most;
  for (std::size_t i = slash + 1; with_prefix && i < text.size(); ++i) {
    if (text[i] < '0' || text[i] > '9' || bits > 128) bits = 1000;
    bits = bits * 10 + (text[i] - '0');
  }
  if (version == 0 || bits > most || bits == 0 || (words.version != 0 && words.version != version)) {
    problem = "'" + text + "' is no address" + (words.version != 0 ? " of that IP version" : "");
    return false;
  }
  words.version = version;
  words.host = true;
  for (int bit = 0; bit < bits; ++bit) {
    words.mask[static_cast<std::size_t>(bit / 8)] |= static_cast<std::uint8_t>(0x80U >> (bit % 8));
  }
  for (std::size_t i = 0; i < words.mask.size(); ++i) {
    if ((words.address[i] & ~words.mask[i]) == 0) continue;
    problem = "'" + text + "' has bits outside of its prefix";
    return false;
  }
  return true;
}

bool read_words(const std::string& text, Words& words, std::string& problem) {
  std::size_t at = 0;
  const auto next = [&](std::string& found) {
    at = std::min(text.find_first_not_of(' ', at), text.size());
    const std::size_t end = std::min(text.find(' ', at), text.size());
    found = text.substr(at, end - at);
    at = end;
    return !found.empty();
  };
  std::string word;
  Side side = Side::either;
  bool said = false;
  while (next(word)) {
    const bool plain = side == Side::either && !words.host && words.port == 0;
    std::string value;
    if ((word == "ip" || word == "ip6") && words.version == 0 && words.protocol == 0 && plain) {
      words.version = word == "ip" ? 4 : 6;
      said = true;
    } else if ((word == "tcp" || word == "udp" || word == "sctp") && words.protocol == 0 && plain) {
      words.protocol = word == "tcp" ? IPPROTO_TCP : word == "udp" ? IPPROTO_UDP : IPPROTO_SCTP;
      said = true;
    } else if ((word == "src" || word == "dst") && side == Side::either) {
      side = word == "src" ? Side::source : Side::destination;
    } else if ((word == "host" || word == "net") && !words.host && words.port == 0 && next(value)) {
      if (!read_address(value, word == "net", words, problem)) return false;
      words.host_side = std::exchange(side, Side::either);
      words.network = word + " " + value;
    } else if (word == "port" && words.port == 0 && next(value)) {
      const bool digits =
          value.size() <= 5 && std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
      const long port = digits ? std::atol(value.c_str()) : 0;
      if (port < 1 || port > 65535) {
        problem = "'" + value + "' is no port";
        return false;
      }
      if (words.protocol == 0) {
        problem = "a port wants its protocol before it, as in udp port " + value;
        return false;
      }
      words.port = static_cast<std::uint16_t>(port);
      words.port_side = std::exchange(side, Side::either);
    } else if (word != "and" || (!said && plain)) {
      problem = "'" + word +
                "' is not understood there; write [ip|ip6] [tcp|udp|sctp] [src|dst] [host A|net N/P] "
                "[src|dst] [port N], as in udp dst port 4789";
      return false;
    }
  }
  if (side == Side::either && (said || words.host)) return true;
  problem = "says too little; write something like udp port 4789 or tcp host 10.0.0.1 port 873";
  return false;
}

// Names of the items of a pattern and what they match; rte_flow keeps no pointers to them.
struct Pattern {
  rte_flow_item_ipv4 ipv4{}, ipv4_mask{};
  rte_flow_item_ipv6 ipv6{}, ipv6_mask{};
  rte_flow_item_tcp tcp{}, tcp_mask{};
  rte_flow_item_udp udp{}, udp_mask{};
  rte_flow_item_sctp sctp{}, sctp_mask{};
  std::vector<rte_flow_item> items;

  explicit Pattern(const FlowMatch& match) {
    add(RTE_FLOW_ITEM_TYPE_ETH);
    if (match.version == 4) {
      std::memcpy(&ipv4.hdr.src_addr, match.source.data(), 4);
      std::memcpy(&ipv4.hdr.dst_addr, match.destination.data(), 4);
      std::memcpy(&ipv4_mask.hdr.src_addr, match.source_mask.data(), 4);
      std::memcpy(&ipv4_mask.hdr.dst_addr, match.destination_mask.data(), 4);
      add(RTE_FLOW_ITEM_TYPE_IPV4, &ipv4, &ipv4_mask);
    } else {
      std::memcpy(static_cast<void*>(&ipv6.hdr.src_addr), match.source.data(), 16);
      std::memcpy(static_cast<void*>(&ipv6.hdr.dst_addr), match.destination.data(), 16);
      std::memcpy(static_cast<void*>(&ipv6_mask.hdr.src_addr), match.source_mask.data(), 16);
      std::memcpy(static_cast<void*>(&ipv6_mask.hdr.dst_addr), match.destination_mask.data(), 16);
      add(RTE_FLOW_ITEM_TYPE_IPV6, &ipv6, &ipv6_mask);
    }
    if (match.protocol == IPPROTO_TCP) {
      set_ports(match, tcp.hdr, tcp_mask.hdr);
      if (match.within_connection) tcp_mask.hdr.tcp_flags = RTE_TCP_FIN_FLAG | RTE_TCP_SYN_FLAG | RTE_TCP_RST_FLAG;
      add(RTE_FLOW_ITEM_TYPE_TCP, &tcp, &tcp_mask);
    } else if (match.protocol == IPPROTO_UDP) {
      set_ports(match, udp.hdr, udp_mask.hdr);
      add(RTE_FLOW_ITEM_TYPE_UDP, &udp, &udp_mask);
    } else if (match.protocol == IPPROTO_SCTP) {
      set_ports(match, sctp.hdr, sctp_mask.hdr);
      add(RTE_FLOW_ITEM_TYPE_SCTP, &sctp, &sctp_mask);
    }
    add(RTE_FLOW_ITEM_TYPE_END);
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

 private:
  void add(rte_flow_item_type type, const void* spec = nullptr, const void* mask = nullptr) {
    items.push_back({type, spec, nullptr, mask});
  }
  template <typename Header>
  static void set_ports(const FlowMatch& match, Header& header, Header& mask) {
    header.src_port = rte_cpu_to_be_16(match.source_port);
    header.dst_port = rte_cpu_to_be_16(match.destination_port);
    mask.src_port = match.source_port == 0 ? 0 : 0xffff;
    mask.dst_port = match.destination_port == 0 ? 0 : 0xffff;
  }
};

}  // namespace

bool parse_drop(const std::string& text, std::vector<FlowMatch>& matches, std::string& problem) {
  Words words;
  if (!read_words(text, words, problem)) return false;
  const auto sides = [](bool wanted, Side side) {
    if (!wanted) return std::vector<Side>{Side::either};
    if (side != Side::either) return std::vector<Side>{side};
    return std::vector<Side>{Side::source, Side::destination};
  };
  for (const int version : {4, 6}) {
    if (words.version != 0 && words.version != version) continue;
    for (const Side host : sides(words.host, words.host_side)) {
      for (const Side port : sides(words.port != 0, words.port_side)) {
        FlowMatch& match = matches.emplace_back();
        match.version = version;
        match.protocol = words.protocol;
        (host == Side::source ? match.source : match.destination) = words.address;
        (host == Side::source ? match.source_mask : match.destination_mask) = words.mask;
        (port == Side::source ? match.source_port : match.destination_port) = words.port;
      }
    }
  }
  return true;
}

std::string filter_without(const std::string& filter, const std::vector<std::string>& drops) {
  const auto side = [](Side which) {
    return which == Side::source ? "src " : which == Side::destination ? "dst " : "";
  };
  std::string out = filter.empty() || drops.empty() ? filter : "(" + filter + ")";
  for (const std::string& drop : drops) {
    Words words;
    std::string problem;
    if (!read_words(drop, words, problem)) continue;  // the settings are checked before
    std::string parts;
    const auto add = [&](const std::string& part) { parts += (parts.empty() ? "" : " and ") + part; };
    const std::string protocol = words.protocol == IPPROTO_TCP ? "tcp" : words.protocol == IPPROTO_UDP ? "udp" : "sctp";
    if (words.version != 0) add(words.version == 4 ? "ip" : "ip6");
    if (words.protocol != 0) add(protocol);
    if (words.host) add(side(words.host_side) + words.network);
    if (words.port != 0) add(protocol + " " + side(words.port_side) + "port " + std::to_string(words.port));
    out += (out.empty() ? "not (" : " and not (") + parts + ")";
  }
  return out;
}

rte_flow* make_drop_rule(Ethdev& device, const FlowMatch& match, std::string& problem) {
  const Pattern pattern(match);
  const rte_flow_action_count count{};
  const std::array<rte_flow_action, 3> actions = {rte_flow_action{RTE_FLOW_ACTION_TYPE_COUNT, &count},
                                                  rte_flow_action{RTE_FLOW_ACTION_TYPE_DROP, nullptr},
                                                  rte_flow_action{RTE_FLOW_ACTION_TYPE_END, nullptr}};
  if (device.flow_validate(pattern.items, actions, problem) != 0) return nullptr;
  return device.flow_create(pattern.items, actions, problem);
}

bool FlowRules::drop(const FlowMatch& match, std::string& problem) {
  rte_flow* const handle = make_drop_rule(device_, match, problem);
  if (handle == nullptr) return false;
  rules_.push_back({handle, 0});
  return true;
}

std::uint64_t FlowRules::take_dropped() {
  std::uint64_t dropped = 0;
  for (Rule& rule : rules_) {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    if (device_.flow_count(rule.handle, packets, bytes) != 0 || packets < rule.seen) continue;
    dropped += packets - rule.seen;
    rule.seen = packets;
  }
  return dropped;
}

void FlowRules::clear() {
  for (const Rule& rule : rules_) (void)device_.flow_destroy(rule.handle);
  rules_.clear();
}

}  // namespace spanbeat
