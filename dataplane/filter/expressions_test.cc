// Every expression of tests/filters/expressions.txt: Filter selects what libpcap itself selects, for every link type.
#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include <fstream>
#include <string>
#include <vector>

#include "dataplane/filter/filter.h"

namespace spanbeat {
namespace {

std::vector<std::string> expressions() {
  std::vector<std::string> all;
  std::ifstream file(SPANBEAT_EXPRESSIONS);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') all.push_back(line);
  }
  return all;
}

std::string be16(unsigned value) { return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)}; }
std::string be32(unsigned value) { return be16(value >> 16) + be16(value & 0xffff); }

struct Captured {
  LinkType link;
  std::string octets;
  std::uint32_t wire;
};

// What IP carries, by protocol number.
std::vector<std::pair<unsigned, std::string>> contents() {
  std::vector<std::pair<unsigned, std::string>> made;
  const auto segment = [](unsigned source, unsigned destination, char flags, const std::string& data) {
    return be16(source) + be16(destination) + be32(1) + be32(2) + '\x50' + flags + std::string(6, '\0') + data;
  };
  const auto datagram = [](unsigned source, unsigned destination, const std::string& data) {
    return be16(source) + be16(destination) + be16(static_cast<unsigned>(8 + data.size())) + be16(0) + data;
  };
  // IPv4 and TCP to port 80, for the inside of a tunnel.
  const std::string web =
      std::string("\x45\0\0\x28\0\1\0\0\x40\6\0\0\x0a\0\0\1\x0a\0\0\2", 20) + segment(40000, 80, 2, "");
  made.emplace_back(6, segment(40000, 80, 2, ""));
  made.emplace_back(6, segment(80, 40000, 0x12, ""));
  made.emplace_back(6, segment(40000, 80, 0x18, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  made.emplace_back(6, segment(8080, 50, 0x11, std::string(150, 'x')));
  made.emplace_back(6, segment(443, 8443, 0x10, ""));
  made.emplace_back(17, datagram(5353, 53, "\x01\x02 question"));
  made.emplace_back(17, datagram(53, 5353, std::string("\x81\x80", 2) + std::string(90, 'a')));
  made.emplace_back(17, datagram(60, 70, ""));
  made.emplace_back(17, datagram(49152, 4789, std::string("\x08\0\0\0\0\0\x0a\0", 8) + std::string(60, '\2')));
  made.emplace_back(17, datagram(49152, 6081, std::string("\0\0\x08\0\0\0\x0a\0", 8) + web));
  made.emplace_back(1, std::string("\x08\0\0\0\0\1\0\1ping", 12));
  made.emplace_back(1, std::string("\3\1\0\0\0\0\0\0", 8));
  made.emplace_back(58, std::string("\x80\0\0\0\0\1\0\1ping", 12));
  made.emplace_back(58, std::string("\x87\0\0\0\0\0\0\0", 8) + std::string(16, '\1'));
  made.emplace_back(132, be16(3868) + be16(3868) + std::string(8, '\0') + "chunk");
  made.emplace_back(47, be16(0) + be16(0x6558) + std::string(40, '\2'));
  made.emplace_back(4, std::string("\x45\0\0\x14\0\0\0\0\x40\x06\0\0\1\1\1\1\2\2\2\2", 20));
  return made;
}

std::string ipv4(unsigned protocol, const std::string& payload, unsigned variant) {
  static constexpr unsigned kEnds[][2] = {
      {0xc0000201, 0xc6336407}, {0xc6336407, 0xc0000201}, {0x0a000009, 0xe00000fb}, {0xc0000201, 0xc0000201}};
  const std::string options = variant == 3 ? std::string("\1\1\1\0", 4) : "";
  const unsigned fragment = variant == 1 ? 0x2000 : variant == 2 ? 0x0010 : 0x4000;
  return std::string(1, static_cast<char>(0x45 + options.size() / 4)) + '\0' +
         be16(static_cast<unsigned>(20 + options.size() + payload.size())) + be16(variant) +
         be16(protocol == 17 && variant != 0 ? fragment : 0x4000) + static_cast<char>(variant == 1 ? 5 : 64) +
         static_cast<char>(protocol) + be16(0) + be32(kEnds[variant][0]) + be32(kEnds[variant][1]) + options + payload;
}

std::string ipv6(unsigned next, const std::string& payload, unsigned variant) {
  const std::string net("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0", 15);
  const std::string extension =
      variant == 1   ? std::string(1, static_cast<char>(next)) + std::string("\0\0\1\0\0\0\7", 7)  // a fragment
      : variant == 2 ? std::string(1, static_cast<char>(next)) + std::string(7, '\0')              // hop-by-hop options
                     : "";
  const unsigned first = variant == 1 ? 44 : variant == 2 ? 0 : next;
  return std::string("\x60\0\0\0", 4) + be16(static_cast<unsigned>(extension.size() + payload.size())) +
         static_cast<char>(first) + static_cast<char>(variant == 2 ? 1 : 64) + net + '\1' +
         (variant == 3 ? std::string("\xff\2", 2) + std::string(13, '\0') + '\1' : net + '\2') + extension + payload;
}

std::string tag(unsigned type, unsigned id) { return be16(type) + be16(id); }
std::string label(unsigned number, bool bottom) { return be32(number << 12 | (bottom ? 1U << 8 : 0) | 64); }

void add_ethernet(const std::string& ip, bool six, std::size_t number, std::vector<Captured>& all) {
  const std::string ends = number % 7 == 3   ? std::string(6, '\xff') + std::string("\2\0\0\0\0\1", 6)
                           : number % 7 == 4 ? std::string("\1\0\x5e\0\0\1\2\0\0\0\0\2", 12)
                                             : std::string("\2\0\0\0\0\2\2\0\0\0\0\1", 12);
  const unsigned type = six ? 0x86dd : 0x0800;
  const std::string pppoe =
      std::string("\x11\0\0\x11", 4) + be16(static_cast<unsigned>(ip.size() + 2)) + be16(six ? 0x0057 : 0x0021);
  const std::string fronts[] = {
      be16(type),
      tag(0x8100, 100) + be16(type),
      tag(0x8100, 7) + tag(0x8100, 100) + be16(type),
      tag(0x88a8, 7) + tag(0x8100, 100) + be16(type),
      be16(0x8847) + label(1024, true),
      be16(0x8847) + label(100000, false) + label(1024, true),
      tag(0x8100, 100) + be16(0x8847) + label(1024, true),
      be16(0x8864) + pppoe,
  };
  for (const std::string& front : fronts) {
    const std::string frame = ends + front + ip;
    all.push_back({LinkType::ethernet, frame, static_cast<std::uint32_t>(frame.size())});
  }
}

std::vector<Captured> packets() {
  std::vector<Captured> all;
  std::size_t number = 0;
  for (const auto& [protocol, payload] : contents()) {
    for (unsigned variant = 0; variant < 4; ++variant) {
      for (const bool six : {false, true}) {
        const std::string ip = six ? ipv6(protocol, payload, variant) : ipv4(protocol, payload, variant);
        add_ethernet(ip, six, number++, all);
        const unsigned type = six ? 0x86dd : 0x0800;
        const auto add = [&](LinkType link, const std::string& front) {
          all.push_back({link, front + ip, static_cast<std::uint32_t>(front.size() + ip.size())});
        };
        add(LinkType::raw, "");
        add(LinkType::raw_12, "");
        add(LinkType::null_loopback, std::string(1, six ? '\x0a' : '\2') + std::string(3, '\0'));
        add(LinkType::openbsd_loopback, std::string(3, '\0') + (six ? '\x18' : '\2'));
        add(LinkType::linux_sll, std::string("\0\0\0\1\0\6\2\0\0\0\0\1\0\0", 14) + be16(type));
        add(LinkType::linux_sll2, be16(type) + std::string("\0\0\0\0\0\1\0\1\0\6\2\0\0\0\0\1\0\0", 18));
        add(LinkType::ppp, std::string("\xff\x03", 2) + be16(six ? 0x0057 : 0x0021));
        add(six ? LinkType::ipv6 : LinkType::ipv4, "");
      }
    }
  }
  const std::string arp =
      std::string(6, '\xff') + std::string("\2\0\0\0\0\1", 6) + be16(0x0806) + std::string(46, '\1');
  all.push_back({LinkType::ethernet, arp, 60});
  // What a snapshot length cut, at every length that matters.
  for (std::size_t length = 0; length < 70; length += 3) {
    all.push_back({LinkType::ethernet, all[length % 40].octets.substr(0, length), 1400});
  }
  return all;
}

// libpcap's own verdict.
class Reference {
 public:
  Reference(const std::string& expression, LinkType link) : handle_(::pcap_open_dead(dlt(link), 65535)) {
    good_ = ::pcap_compile(handle_, &program_, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) == 0;
  }
  ~Reference() {
    if (good_) ::pcap_freecode(&program_);
    ::pcap_close(handle_);
  }
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;
  [[nodiscard]] bool selects(const Captured& packet) const {
    const pcap_pkthdr header{{0, 0}, static_cast<bpf_u_int32>(packet.octets.size()), packet.wire};
    return good_ &&
           ::pcap_offline_filter(&program_, &header, reinterpret_cast<const u_char*>(packet.octets.data())) != 0;
  }

 private:
  static int dlt(LinkType link) {
    const bool raw = link == LinkType::raw || link == LinkType::raw_12 || link == LinkType::raw_14;
    return raw ? DLT_RAW : static_cast<int>(link);
  }
  pcap_t* handle_;
  bpf_program program_{};
  bool good_;
};

constexpr LinkType kLinks[] = {LinkType::ethernet,   LinkType::raw, LinkType::raw_12,        LinkType::linux_sll,
                               LinkType::linux_sll2, LinkType::ppp, LinkType::null_loopback, LinkType::openbsd_loopback,
                               LinkType::ipv4,       LinkType::ipv6};

TEST(FilterExpressions, SelectWhatLibpcapSelects) {
  const std::vector<std::string> texts = expressions();
  ASSERT_GE(texts.size(), 60U);
  const std::vector<Captured> all = packets();
  for (const std::string& text : texts) {
    SCOPED_TRACE(text);
    // One filter for packets of every link type, mixed.
    auto filter = Filter::compile(text, LinkType::ethernet, 65535);
    ASSERT_TRUE(filter.ok()) << filter.status().message();
    std::vector<std::unique_ptr<Reference>> references;
    for (const LinkType link : kLinks) references.push_back(std::make_unique<Reference>(text, link));
    std::size_t selected = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto which =
          static_cast<std::size_t>(std::find(std::begin(kLinks), std::end(kLinks), all[i].link) - std::begin(kLinks));
      const bool wanted = references[which]->selects(all[i]);
      selected += wanted ? 1U : 0U;
      ASSERT_EQ(filter->matches({.octets = bytes(all[i].octets), .wire_length = all[i].wire, .link = all[i].link}),
                wanted)
          << "packet " << i << " of link type " << static_cast<int>(all[i].link);
    }
    // An expression that selects nothing or everything proves nothing.
    EXPECT_GT(selected, 0U);
    EXPECT_LT(selected, all.size());
  }
}

}  // namespace
}  // namespace spanbeat
