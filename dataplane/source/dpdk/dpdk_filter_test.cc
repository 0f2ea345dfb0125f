// The filter on DPDK, machine code and interpreter, against libpcap's own verdict on the same packets.
#include <gtest/gtest.h>
#include <pcap/pcap.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "dataplane/source/dpdk/eal.h"
#include "dataplane/source/dpdk/filter.h"

namespace spanbeat {
namespace {

std::string be16(unsigned value) { return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)}; }

std::string ethernet(const std::string& tags, unsigned type, const std::string& payload) {
  return std::string("\x02\0\0\0\0\x02\x02\0\0\0\0\x01", 12) + tags + be16(type) + payload;
}
std::string vlan(unsigned id) { return be16(0x8100) + be16(id); }
std::string service_vlan(unsigned id) { return be16(0x88a8) + be16(id); }
std::string mpls(unsigned label, bool last) {
  const unsigned word = label << 4 | (last ? 1 : 0);
  return be16(word >> 8) + static_cast<char>(word & 0xff) + '\x40';
}
std::string ipv4(const std::string& ends, unsigned protocol, const std::string& payload, unsigned fragment = 0,
                 const std::string& options = "") {
  return std::string(1, static_cast<char>(0x45 + options.size() / 4)) + '\0' +
         be16(static_cast<unsigned>(20 + options.size() + payload.size())) + be16(7) + be16(fragment) + '\x40' +
         static_cast<char>(protocol) + std::string(2, '\0') + ends + options + payload;
}
std::string ipv6(unsigned next, const std::string& payload) {
  return std::string("\x60\0\0\0", 4) + be16(static_cast<unsigned>(payload.size())) + static_cast<char>(next) + '\x40' +
         std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + '\1' + std::string("\x20\x01\x0d\xb8", 4) +
         std::string(11, '\0') + '\2' + payload;
}
std::string udp(unsigned source, unsigned destination, const std::string& payload) {
  return be16(source) + be16(destination) + be16(static_cast<unsigned>(8 + payload.size())) + be16(0) + payload;
}
std::string tcp(unsigned source, unsigned destination, unsigned flags, const std::string& payload) {
  return be16(source) + be16(destination) + std::string(8, '\1') + '\x50' + static_cast<char>(flags) +
         std::string(6, '\0') + payload;
}

const std::string kForth("\xc0\x00\x02\x01\xc6\x33\x64\x07", 8);  // 192.0.2.1 to 198.51.100.7
const std::string kBack("\xc6\x33\x64\x07\xc0\x00\x02\x01", 8);

std::vector<std::string> seeds() {
  const std::string syn = tcp(40000, 80, 0x02, "");
  const std::string get = tcp(40000, 80, 0x18, "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
  const std::string query = udp(5353, 53, std::string("\x12\x34\1\0\0\1\0\0\0\0\0\0", 12));
  return {
      ethernet("", 0x0800, ipv4(kForth, 6, syn)),
      ethernet("", 0x0800, ipv4(kForth, 6, get)),
      ethernet("", 0x0800, ipv4(kBack, 6, tcp(80, 40000, 0x18, std::string(1200, 'x')))),
      ethernet("", 0x0800, ipv4(kBack, 6, tcp(80, 40000, 0x11, ""), 0, std::string(8, '\1'))),
      ethernet("", 0x0800, ipv4(kForth, 17, query)),
      ethernet("", 0x0800, ipv4(kForth, 17, query, 0x2000)),
      ethernet("", 0x0800, ipv4(kForth, 17, query, 0x0010)),
      ethernet("", 0x0800, ipv4(kForth, 1, std::string("\x08\0\0\0\0\1\0\1", 8))),
      ethernet("", 0x0800, ipv4(kForth, 132, udp(7, 8, "sctp"))),
      ethernet("", 0x0800, ipv4(kForth, 47, std::string("\0\0\x08\0", 4) + ipv4(kBack, 6, get))),
      ethernet(vlan(100), 0x0800, ipv4(kForth, 17, query)),
      ethernet(vlan(7) + vlan(100), 0x0800, ipv4(kForth, 6, get)),
      ethernet(service_vlan(9) + vlan(100), 0x86dd, ipv6(6, get)),
      ethernet("", 0x86dd, ipv6(17, query)),
      ethernet("", 0x86dd, ipv6(6, get)),
      ethernet("", 0x86dd, ipv6(58, std::string("\x80\0\0\0\0\1\0\1", 8))),
      ethernet("", 0x86dd, ipv6(44, std::string("\x11\0\0\1\0\0\0\7", 8) + query)),
      ethernet("", 0x8847, mpls(100, true) + ipv4(kForth, 6, get)),
      ethernet("", 0x8847, mpls(100, false) + mpls(200, true) + ipv4(kForth, 17, query)),
      ethernet("", 0x0806, std::string("\0\1\x08\0\6\4\0\1", 8) + std::string(20, '\0')),
      ethernet("", 0x8864, std::string("\x11\0\0\5\0\x20\0\x21", 8) + ipv4(kForth, 6, get)),
      ethernet("", 60, std::string("\xaa\xaa\3", 3) + std::string(57, '\0')),
      std::string(6, '\xff') + std::string("\x02\0\0\0\0\x01", 6) + be16(0x0800) + ipv4(kForth, 17, query),
      std::string("\x01\0\x5e\0\0\xfb", 6) + std::string("\x02\0\0\0\0\x01", 6) + be16(0x0800) +
          ipv4(kForth, 17, query),
  };
}

const char* const kExpressions[] = {
    "",
    "ip",
    "ip6",
    "arp",
    "tcp",
    "udp",
    "icmp",
    "icmp6",
    "sctp",
    "not ip",
    "ip or ip6",
    "tcp or (udp and not port 53)",
    "host 192.0.2.1",
    "src host 192.0.2.1",
    "dst host 192.0.2.1",
    "host 198.51.100.7 and not host 10.0.0.1",
    "ip6 host 2001:db8::1",
    "src host 2001:db8::1",
    "dst net 2001:db8::/32",
    "ip6 and dst host 2001:db8::2 and tcp",
    "net 192.0.2.0/24",
    "src net 198.51.100.0/25",
    "dst net 192.0.0.0/16",
    "net 192.0.2.0 mask 255.255.255.0",
    "not net 192.0.2.0/30",
    "port 53",
    "src port 80",
    "dst port 80",
    "tcp port 80",
    "udp port 80",
    "port 80 or port 53",
    "portrange 50-90",
    "src portrange 39000-41000",
    "udp dst portrange 53-53",
    "tcp dst portrange 1-79",
    "vlan",
    "vlan 100",
    "vlan 7 and vlan 100",
    "vlan and ip",
    "vlan 100 and udp port 53",
    "vlan and ip6 and tcp port 80",
    "port 53 or (vlan and port 53)",
    "not vlan",
    "vlan 7 and tcp",
    "mpls",
    "mpls 100",
    "mpls 100 and mpls 200",
    "mpls 100 and ip",
    "mpls and host 192.0.2.1",
    "mpls 100 and tcp port 80",
    "pppoes",
    "pppoes and ip",
    "pppoes 5 and tcp",
    "greater 500",
    "less 60",
    "len > 100",
    "len = 42",
    "greater 60 and less 100",
    "ip[9] = 6",
    "ip[2:2] > 100",
    "ip[8] < 65",
    "ip[0] & 0xf != 5",
    "ip[6:2] & 0x1fff != 0",
    "ip[6:2] & 0x2000 != 0",
    "tcp[tcpflags] & tcp-syn != 0",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
    "tcp[13] = 0x18",
    "tcp[20:4] = 0x47455420",
    "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420",
    "udp[8:2] = 0x1234",
    "udp[4:2] - 8 > 10",
    "icmp[icmptype] = icmp-echo",
    "ip6[6] = 17",
    "ip6[40:2] = 5353",
    "ether[0] & 1 = 1",
    "ether[12:2] = 0x0800",
    "ether[6:4] = 0x02000000",
    "ether host 02:00:00:00:00:01",
    "ether src 02:00:00:00:00:01",
    "ether proto 0x88a8",
    "ether broadcast",
    "ether multicast",
    "multicast",
    "ip proto 47",
    "proto gre",
    "ip protochain 6",
    "gateway 02:00:00:00:00:02",
    "ip[2:2] * 2 > 200",
    "ip[2:2] / 4 = 10",
    "ip[2:2] % 7 = 3",
    "ip[12:4] ^ ip[16:4] != 0",
    "(ip[0] & 0xf) << 2 = 20",
    "ip[16:4] | 1 = 0xc6336407",
    "ip[1] - 1 < 0",
    "-ip[8] < 0",
    "len - 14 = ip[2:2]",
    "ip[ip[0] & 0xf] != 0",
    "tcp[0:2] > tcp[2:2]",
    "inbound or ip",
    "ip and not (src net 192.0.2.0/24 or dst port 53) and len < 1000",
    "(tcp[tcpflags] & tcp-push != 0) and (src port 80 or dst port 80) and ip[8] = 64",
};

class DpdkFilterTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    DpdkOptions options;
    options.devices = {"net_null0"};
    options.eal_args = {"--no-huge", "-m", "64"};
    std::string problem;
    ASSERT_TRUE(start_eal(options, {}, problem)) << problem;
    pool_ = ::rte_pktmbuf_pool_create("filter", 255, 0, 0, 2048 + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
    ASSERT_NE(pool_, nullptr);
  }
  static rte_mbuf* piece(const std::string& octets) {
    rte_mbuf* made = ::rte_pktmbuf_alloc(pool_);
    std::memcpy(::rte_pktmbuf_append(made, static_cast<std::uint16_t>(octets.size())), octets.data(), octets.size());
    return made;
  }

  static rte_mempool* pool_;
};
rte_mempool* DpdkFilterTest::pool_ = nullptr;

// What libpcap says of a packet that was captured as a whole.
class Libpcap {
 public:
  explicit Libpcap(const std::string& expression) {
    pcap_t* handle = ::pcap_open_dead(DLT_EN10MB, 262144);
    compiled_ = ::pcap_compile(handle, &program_, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) == 0;
    ::pcap_close(handle);
  }
  ~Libpcap() {
    if (compiled_) ::pcap_freecode(&program_);
  }
  Libpcap(const Libpcap&) = delete;
  Libpcap& operator=(const Libpcap&) = delete;
  [[nodiscard]] bool compiled() const { return compiled_; }
  [[nodiscard]] bool matches(const std::string& octets) const {
    return ::bpf_filter(program_.bf_insns, reinterpret_cast<const u_char*>(octets.data()),
                        static_cast<u_int>(octets.size()), static_cast<u_int>(octets.size())) != 0;
  }

 private:
  bpf_program program_{};
  bool compiled_ = false;
};

// The seeds, and what damage and cutting make of them.
std::vector<std::string> packets() {
  std::vector<std::string> all = seeds();
  const std::vector<std::string> whole = all;
  std::mt19937 chance(4);  // NOLINT(cert-msc51-cpp): the same packets every time
  for (const std::string& seed : whole) {
    for (std::size_t length = 0; length < std::min<std::size_t>(seed.size(), 90); ++length) {
      all.push_back(seed.substr(0, length));
    }
    for (int i = 0; i < 60; ++i) {
      std::string damaged = seed;
      for (auto flips = chance() % 6 + 1; flips > 0; --flips) {
        char& octet = damaged[chance() % std::min<std::size_t>(damaged.size(), 64)];
        octet = static_cast<char>(octet ^ 1 << chance() % 8);
      }
      if (chance() % 4 == 0) damaged.resize(chance() % (damaged.size() + 1));
      all.push_back(std::move(damaged));
    }
  }
  return all;
}

TEST_F(DpdkFilterTest, selects_what_libpcap_selects) {
  const std::vector<std::string> all = packets();
  std::size_t compiled = 0;
  std::size_t compared = 0;
  for (const char* expression : kExpressions) {
    const Libpcap expected(expression);
    std::string problem;
    const auto filter = DpdkFilter::compile(expression, problem);
    ASSERT_EQ(filter != nullptr, expected.compiled()) << expression << ": " << problem;
    if (filter == nullptr) continue;
    ++compared;
    if (filter->compiled()) {
      ++compiled;
    } else {
      std::printf("interpreted: %s: %s\n", expression, filter->reason().c_str());
    }
    for (const std::string& octets : all) {
      rte_mbuf* packet = piece(octets);
      EXPECT_EQ(filter->matches(packet), expected.matches(octets)) << expression << ", " << octets.size() << " octets";
      ::rte_pktmbuf_free(packet);
      if (HasFailure()) return;
    }
  }
  EXPECT_GE(compared, 95U);
  EXPECT_GE(compiled, 90U) << "machine code is the rule";
}

TEST_F(DpdkFilterTest, reads_over_the_seams_of_packets_in_several_pieces) {
  for (const char* expression : kExpressions) {
    const Libpcap expected(expression);
    std::string problem;
    const auto filter = DpdkFilter::compile(expression, problem);
    if (filter == nullptr) continue;
    for (const bool machine_code : {true, false}) {
      if (!machine_code) filter->only_interpret();
      for (const std::string& octets : seeds()) {
        for (const std::size_t seam : {13UL, 17UL, 24UL, 37UL, 55UL}) {
          if (seam >= octets.size()) continue;
          rte_mbuf* packet = piece(octets.substr(0, seam));
          ASSERT_EQ(::rte_pktmbuf_chain(packet, piece(octets.substr(seam))), 0);
          EXPECT_EQ(filter->matches(packet), expected.matches(octets))
              << expression << ", " << octets.size() << " octets, seam at " << seam << ", machine code "
              << machine_code;
          ::rte_pktmbuf_free(packet);
          if (HasFailure()) return;
        }
      }
    }
  }
}

TEST_F(DpdkFilterTest, that_is_wrong_gives_libpcaps_message) {
  std::string problem;
  EXPECT_EQ(DpdkFilter::compile("tcp and and", problem), nullptr);
  EXPECT_NE(problem.find("syntax error"), std::string::npos) << problem;
}

}  // namespace
}  // namespace spanbeat
