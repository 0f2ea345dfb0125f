// The beginning of a connection: what both ends can, and when the first command may come. Secrets are not looked at.
#include "decoders/mysql/mysql.h"

namespace spanbeat {

using mysql::MysqlConnection;
using mysql::Stage;
namespace capability = mysql::capability;

// "Protocol::HandshakeV10".
Mysql::Found Mysql::greeting(MysqlConnection& state, const Message& message) {
  Cursor cursor(message.payload);
  if (cursor.u8() != 10) return Found::progress;  // an error: no connection; or a protocol of the last century
  cursor.until(0, 256);                           // version
  cursor.skip(4 + 8 + 1);                         // connection id, challenge, filler
  std::uint64_t capabilities = cursor.le16();
  cursor.skip(1 + 2);  // character set, status
  capabilities |= std::uint64_t{cursor.le16()} << 16;
  cursor.skip(1 + 6);  // length of the challenge, filler
  const std::uint32_t extended = cursor.le32();
  if ((capabilities & capability::long_password) == 0) capabilities |= std::uint64_t{extended} << 32;
  state.server_capabilities = cursor.ok() ? capabilities : 0;
  state.answer.stage = Stage::authentication;
  return Found::progress;
}

// "Protocol::SSLRequest", "Protocol::HandshakeResponse41", and the packets of authentication plugins behind it.
Mysql::Found Mysql::client_handshake(MysqlConnection& state, const Message& message, Context& context) {
  if (state.session.capabilities_known || message.sequence != 1) return Found::progress;
  Cursor cursor(message.payload);
  std::uint64_t capabilities = cursor.le16();
  bool tls = (capabilities & capability::ssl) != 0 && message.length <= 5;  // before 4.1
  if ((capabilities & capability::protocol_41) != 0) {
    capabilities |= std::uint64_t{cursor.le16()} << 16;
    cursor.skip(4 + 1 + 19);  // longest packet, character set, filler
    const std::uint32_t extended = cursor.le32();
    if ((capabilities & capability::long_password) == 0) capabilities |= std::uint64_t{extended} << 32;
    tls = (capabilities & capability::ssl) != 0 && message.length == 32;
  }
  if (!cursor.ok()) return Found::progress;
  if (tls) {
    context.counters().add(Counter::mysql_tls_connections);
    flush(state, context);
    return Found::stop;
  }
  mysql::Session& session = state.session;
  session.capabilities = state.server_capabilities != 0 ? capabilities & state.server_capabilities : capabilities;
  session.capabilities_known = true;
  session.eof_packets =
      session.has(capability::deprecate_eof) ? mysql::Session::EofPackets::left_out : mysql::Session::EofPackets::sent;
  state.answer.stage = Stage::authentication;
  return Found::progress;
}

// Anything but OK and an error goes on: other plugins, challenges, keys.
Mysql::Found Mysql::authentication(MysqlConnection& state, const Message& message, Context& context) {
  if (message.first != mysql::kOk || message.length < 3) return Found::progress;
  state.answer.stage = Stage::response;
  const mysql::Session& session = state.session;
  if (!session.capabilities_known || !(session.has(capability::compress) || session.has(capability::zstd))) {
    return Found::progress;
  }
  context.counters().add(Counter::mysql_compressed_connections);
  state.session.compressed = true;
  return Found::switched;
}

}  // namespace spanbeat
