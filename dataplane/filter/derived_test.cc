// The derived filter: what it must never reject, and what it spares.
#include "dataplane/filter/derived.h"

#include <gtest/gtest.h>

#include "dataplane/filter/filter.h"

namespace spanbeat {
namespace {

class Named final : public Decoder {
 public:
  Named(DecoderInfo info, std::vector<std::uint16_t> ports) : info_(info) { config_.ports = std::move(ports); }
  [[nodiscard]] const DecoderInfo& info() const override { return info_; }
  [[nodiscard]] const DecoderConfig& config() const override { return config_; }
  [[nodiscard]] std::size_t state_size() const override { return 1; }
  void construct(void*) override {}
  void destroy(void*) override {}

 private:
  DecoderInfo info_;
  DecoderConfig config_;
};

std::unique_ptr<Decoder> decoder(bool tcp, bool udp, bool icmp, std::vector<std::uint16_t> ports) {
  DecoderInfo info;
  info.tcp = tcp;
  info.udp = udp;
  info.icmp = icmp;
  return std::make_unique<Named>(info, std::move(ports));
}

std::vector<std::unique_ptr<Decoder>> some_decoders() {
  std::vector<std::unique_ptr<Decoder>> made;
  made.push_back(decoder(false, false, true, {}));
  made.push_back(nullptr);
  made.push_back(decoder(true, true, false, {53}));
  made.push_back(decoder(true, false, false, {8080, 80, 8081, 8082}));
  return made;
}

std::string be16(unsigned value) { return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)}; }
std::string ethernet(unsigned type, const std::string& payload) { return std::string(12, '\2') + be16(type) + payload; }
std::string ipv4(unsigned protocol, const std::string& payload, unsigned fragment = 0) {
  return std::string("\x45\0", 2) + be16(static_cast<unsigned>(20 + payload.size())) + be16(1) + be16(fragment) +
         '\x40' + static_cast<char>(protocol) + std::string(2, '\0') + std::string("\xc0\0\2\1\xc0\0\2\2", 8) + payload;
}
std::string ipv6(unsigned next, const std::string& payload) {
  return std::string("\x60\0\0\0", 4) + be16(static_cast<unsigned>(payload.size())) + static_cast<char>(next) + '\x40' +
         std::string(32, '\1') + payload;
}
std::string ports(unsigned source, unsigned destination) {
  return be16(source) + be16(destination) + std::string(16, '\0');
}

bool passes(const std::string& text, const std::string& octets, LinkType link = LinkType::ethernet) {
  auto filter = Filter::compile(text, link, 65535);
  EXPECT_TRUE(filter.ok() && filter->problem().empty()) << text;
  return filter.ok() &&
         filter->matches(
             {.octets = bytes(octets), .wire_length = static_cast<std::uint32_t>(octets.size()), .link = link});
}

TEST(DerivedFilter, NamesEveryPortOnce) {
  TunnelSet none;
  for (std::size_t i = 0; i < kTunnelTypes; ++i) none.set(static_cast<TunnelType>(i), false);
  const std::string text = derived_filter(some_decoders(), none);
  EXPECT_EQ(
      text.rfind("icmp or icmp6 or tcp port 80 or tcp portrange 8080-8082 or tcp port 53 or udp port 53 or ip[6:2]", 0),
      0U)
      << text;
  EXPECT_EQ(text.find("4789"), std::string::npos);
  EXPECT_EQ(text.find("proto 47"), std::string::npos);
}

TEST(DerivedFilter, PassesWhatADecoderCouldWant) {
  const std::string text = derived_filter(some_decoders(), {});
  for (const unsigned port : {53U, 80U, 8080U, 8081U, 8082U}) {
    EXPECT_TRUE(passes(text, ethernet(0x0800, ipv4(6, ports(40000, port))))) << port;
    EXPECT_TRUE(passes(text, ethernet(0x0800, ipv4(6, ports(port, 40000))))) << port;
    EXPECT_TRUE(passes(text, ethernet(0x86dd, ipv6(6, ports(40000, port))))) << port;
  }
  EXPECT_TRUE(passes(text, ethernet(0x0800, ipv4(17, ports(53, 40000)))));
  EXPECT_TRUE(passes(text, ethernet(0x0800, ipv4(1, ports(0, 0)))));
  EXPECT_TRUE(passes(text, ethernet(0x86dd, ipv6(58, ports(0, 0)))));
}

TEST(DerivedFilter, PassesWhatHidesThePorts) {
  const std::string text = derived_filter(some_decoders(), {});
  for (const unsigned type : {0x8100U, 0x88a8U, 0x9100U, 0x8847U, 0x8848U, 0x8864U}) {
    EXPECT_TRUE(passes(text, ethernet(type, std::string(60, '\7')))) << type;
  }
  EXPECT_TRUE(passes(text, ethernet(0x0800, ipv4(17, ports(1, 2), 0x2000)))) << "a first fragment";
  EXPECT_TRUE(passes(text, ethernet(0x0800, ipv4(17, ports(1, 2), 0x0010)))) << "a last fragment";
  for (const unsigned next : {0U, 43U, 44U, 51U, 60U, 135U}) {
    EXPECT_TRUE(passes(text, ethernet(0x86dd, ipv6(next, ports(1, 2))))) << next;
  }
}

TEST(DerivedFilter, PassesOnlyTunnelsThatAreOpened) {
  const std::string all = derived_filter(some_decoders(), {});
  const struct {
    std::vector<TunnelType> types;
    std::string octets;
  } tunnels[] = {
      {{TunnelType::ip_in_ip}, ethernet(0x0800, ipv4(4, ports(1, 2)))},
      {{TunnelType::six_in_four}, ethernet(0x0800, ipv4(41, ports(1, 2)))},
      {{TunnelType::four_in_six}, ethernet(0x86dd, ipv6(4, ports(1, 2)))},
      {{TunnelType::six_in_six}, ethernet(0x86dd, ipv6(41, ports(1, 2)))},
      {{TunnelType::gre, TunnelType::pptp, TunnelType::nvgre, TunnelType::erspan},
       ethernet(0x0800, ipv4(47, ports(1, 2)))},
      {{TunnelType::gre, TunnelType::pptp, TunnelType::nvgre, TunnelType::erspan},
       ethernet(0x86dd, ipv6(47, ports(1, 2)))},
      {{TunnelType::vxlan}, ethernet(0x0800, ipv4(17, ports(1, 4789)))},
      {{TunnelType::geneve}, ethernet(0x86dd, ipv6(17, ports(1, 6081)))},
      {{TunnelType::gtp}, ethernet(0x0800, ipv4(17, ports(2152, 2152)))},
  };
  for (const auto& tunnel : tunnels) {
    EXPECT_TRUE(passes(all, tunnel.octets)) << tunnel_name(tunnel.types[0]);
    TunnelSet without;
    for (const TunnelType type : tunnel.types) without.set(type, false);
    EXPECT_FALSE(passes(derived_filter(some_decoders(), without), tunnel.octets)) << tunnel_name(tunnel.types[0]);
  }
}

TEST(DerivedFilter, RejectsWhatNobodyDecodes) {
  const std::string text = derived_filter(some_decoders(), {});
  EXPECT_FALSE(passes(text, ethernet(0x0800, ipv4(6, ports(40000, 443)))));
  EXPECT_FALSE(passes(text, ethernet(0x86dd, ipv6(17, ports(40000, 443)))));
  EXPECT_FALSE(passes(text, ethernet(0x0800, ipv4(17, ports(40000, 80))))) << "80 is of TCP only";
  EXPECT_FALSE(passes(text, ethernet(0x0806, std::string(46, '\0'))));
}

TEST(DerivedFilter, HasAMeaningForEveryLinkType) {
  const std::string text = derived_filter(some_decoders(), {});
  const std::string wanted = ipv4(6, ports(40000, 80));
  EXPECT_TRUE(passes(text, wanted, LinkType::raw));
  EXPECT_TRUE(passes(text, std::string("\2\0\0\0", 4) + wanted, LinkType::null_loopback));
  EXPECT_TRUE(passes(text, std::string(14, '\0') + be16(0x0800) + wanted, LinkType::linux_sll));
  EXPECT_TRUE(passes(text, be16(0x0800) + std::string(18, '\0') + wanted, LinkType::linux_sll2));
}

}  // namespace
}  // namespace spanbeat
