// Anything at all as a connection: the first octet chooses the options, the rest is the script.
#include "decoders/mysql/mysql.h"
#include "decoders/testing/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace spanbeat;
  if (size == 0) return 0;
  static const auto decoders = [] {
    std::vector<std::unique_ptr<Mysql>> made;
    for (int i = 0; i < 4; ++i) {
      auto config = std::make_shared<MysqlConfig>();
      if ((i & 1) != 0) {
        config->send_request = config->send_response = true;
        config->max_rows = 100;
      }
      if ((i & 2) != 0) {
        config->ports = {40000};  // the originator of the harness: it is the server then
        config->max_row_length = 7;
        config->statement_timeout = 20 * kSecond;
      }
      made.push_back(std::make_unique<Mysql>(std::move(config)));
    }
    return made;
  }();
  testing::PlayOptions options;
  if ((data[0] & 4) != 0) options.event_memory = 8000;
  testing::play_fuzz(*decoders[data[0] & 3], Bytes(data + 1, size - 1), options);
  return 0;
}
