// Anything at all as a connection: the first octet chooses the options, the rest is the script.
#include "decoders/http/http.h"
#include "decoders/testing/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace spanbeat;
  if (size == 0) return 0;
  static const auto decoders = [] {
    std::vector<std::unique_ptr<Http>> made;
    for (int i = 0; i < 4; ++i) {
      auto config = std::make_shared<HttpConfig>();
      if ((i & 1) != 0) {
        config->send_all_headers = config->split_cookie = config->send_request = config->send_response = true;
        config->include_body_for = {"t"};
        config->real_ip_header = "X";
        config->max_message_size = 5000;
      }
      if ((i & 2) != 0) {
        config->hide_keywords = {"p", "pass"};
        config->redact_headers = {"host", "cookie"};
        config->redact_authorization = true;
        config->include_response_body_for = {"x"};
      }
      made.push_back(std::make_unique<Http>(std::move(config)));
    }
    return made;
  }();
  testing::PlayOptions options;
  if ((data[0] & 4) != 0) options.event_memory = 8000;
  testing::play_fuzz(*decoders[data[0] & 3], Bytes(data + 1, size - 1), options);
  return 0;
}
