// The ICMP decoder.
#pragma once

#include <memory>

#include "decoders/icmp.config.gen.h"

namespace spanbeat {

struct IcmpState {};

class Icmp final : public DecoderOf<Icmp, IcmpState> {
 public:
  static constexpr DecoderInfo kInfo = {.name = "icmp",
                                        .tcp = false,
                                        .udp = false,
                                        .icmp = true,
                                        .network_protocol = "",
                                        .event_category = R"(["network"])",
                                        .event_type = R"(["connection"])"};
  explicit Icmp(std::shared_ptr<const IcmpConfig> config) : config_(std::move(config)) {}
  // Complains of settings that are wrong beyond their types.
  static void check(SettingReader&, IcmpConfig&) {}

  [[nodiscard]] const DecoderInfo& info() const override { return kInfo; }
  [[nodiscard]] const DecoderConfig& config() const override { return *config_; }

 private:
  std::shared_ptr<const IcmpConfig> config_;
};

}  // namespace spanbeat
