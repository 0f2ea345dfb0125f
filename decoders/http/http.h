// The HTTP decoder.
#pragma once

#include <memory>

#include "decoders/http.config.gen.h"

namespace spanbeat {

struct HttpState {};

class Http final : public DecoderOf<Http, HttpState> {
 public:
  static constexpr DecoderInfo kInfo = {.name = "http",
                                        .tcp = true,
                                        .udp = false,
                                        .icmp = false,
                                        .network_protocol = "http",
                                        .event_category = R"(["network"])",
                                        .event_type = R"(["connection","protocol"])"};
  explicit Http(std::shared_ptr<const HttpConfig> config) : config_(std::move(config)) {}
  // Complains of settings that are wrong beyond their types.
  static void check(SettingReader&, HttpConfig&) {}

  [[nodiscard]] const DecoderInfo& info() const override { return kInfo; }
  [[nodiscard]] const DecoderConfig& config() const override { return *config_; }

 private:
  std::shared_ptr<const HttpConfig> config_;
};

}  // namespace spanbeat
