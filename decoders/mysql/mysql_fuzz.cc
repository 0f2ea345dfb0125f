// Any octets, told as a conversation, must leave the decoder standing and its memory returned.
#include "decoders/mysql/mysql.h"
#include "decoders/testing/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static spanbeat::Mysql decoder(std::make_shared<spanbeat::MysqlConfig>());
  spanbeat::testing::play_fuzz(decoder, {data, size});
  return 0;
}
