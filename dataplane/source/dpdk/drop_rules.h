// spanbeat.dpdk.drop: what the NIC itself is to drop, by rules of rte_flow, where it can.
//
// What:   a few words of pcap-filter's language become patterns of rte_flow with COUNT and DROP. The same words,
// negated,
//         go into the filter: what a NIC cannot drop, or lets through, software rejects.
// Why:    backup traffic of gigabits that nobody wants to see need not cross the bus.
// Limits: [ip|ip6] [tcp|udp|sctp] [src|dst] [host A|net N/P] [src|dst] [port N]. Without a counter no rule is made: a
//         packet that vanishes uncounted is none of ours. Tagged packets are not matched, as in pcap-filter.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

struct rte_flow;

namespace spanbeat {

class Ethdev;

// Packets of one direction; zero and empty fields match everything.
struct FlowMatch {
  int version = 4;            // 4 or 6
  std::uint8_t protocol = 0;  // IANA number; 0: any
  std::array<std::uint8_t, 16> source{}, source_mask{};
  std::array<std::uint8_t, 16> destination{}, destination_mask{};
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  bool within_connection = false;  // TCP: neither SYN nor FIN nor RST
};

// A rule that counts and drops. Null, with the device's words in `problem`, when it cannot.
[[nodiscard]] rte_flow* make_drop_rule(Ethdev& device, const FlowMatch& match, std::string& problem);

// The patterns that together match what `text` says. False, with what is wrong and what to write in `problem`.
[[nodiscard]] bool parse_drop(const std::string& text, std::vector<FlowMatch>& matches, std::string& problem);
// `filter`, and none of what `drops` say.
[[nodiscard]] std::string filter_without(const std::string& filter, const std::vector<std::string>& drops);

// Rules of one device; they go with this object, or at `clear`.
class FlowRules {
 public:
  explicit FlowRules(Ethdev& device) : device_(device) {}
  ~FlowRules() { clear(); }
  FlowRules(const FlowRules&) = delete;
  FlowRules& operator=(const FlowRules&) = delete;

  // Counts and drops what matches. False, with the device's words in `problem`, when it cannot.
  [[nodiscard]] bool drop(const FlowMatch& match, std::string& problem);
  [[nodiscard]] std::size_t size() const { return rules_.size(); }
  // What all rules dropped since the last call.
  [[nodiscard]] std::uint64_t take_dropped();
  void clear();

 private:
  struct Rule {
    rte_flow* handle = nullptr;
    std::uint64_t seen = 0;
  };
  Ethdev& device_;
  std::vector<Rule> rules_;
};

}  // namespace spanbeat
