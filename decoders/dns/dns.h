// The DNS decoder.
#pragma once

#include <memory>

#include "decoders/dns.config.gen.h"

namespace spanbeat {

struct DnsState {};

class Dns final : public DecoderOf<Dns, DnsState> {
 public:
  static constexpr DecoderInfo kInfo = {.name = "dns",
                                        .tcp = true,
                                        .udp = true,
                                        .icmp = false,
                                        .network_protocol = "dns",
                                        .event_category = R"(["network"])",
                                        .event_type = R"(["connection","protocol"])"};
  explicit Dns(std::shared_ptr<const DnsConfig> config) : config_(std::move(config)) {}
  // Complains of settings that are wrong beyond their types.
  static void check(SettingReader&, DnsConfig&) {}

  [[nodiscard]] const DecoderInfo& info() const override { return kInfo; }
  [[nodiscard]] const DecoderConfig& config() const override { return *config_; }

 private:
  std::shared_ptr<const DnsConfig> config_;
};

}  // namespace spanbeat
