// Names and small readers of the MySQL client/server protocol.
//
// What:   commands, capability flags, status flags and column types as the MySQL internals manual ("Client/Server
// Protocol")
//         and the MariaDB knowledge base ("Clients & Utilities / Protocol") name them, and length-encoded numbers and
//         texts.
// Limits: only what the decoder uses. All reads are checked by Cursor.
#pragma once

#include "dataplane/bytes/cursor.h"

namespace spanbeat::mysql {

inline constexpr std::size_t kPacketHeader = 4;      // length (3), sequence number (1)
inline constexpr std::size_t kCompressedHeader = 7;  // length (3), sequence number (1), length before compression (3)
inline constexpr std::uint32_t kFullPacket = 0xff'ff'ff;  // a packet of this length is continued by the next one

// "Command Phase"; those from 0xfa on are MariaDB's.
enum class Command : std::uint8_t {
  sleep = 0x00,
  quit = 0x01,
  init_db = 0x02,
  query = 0x03,
  field_list = 0x04,
  statistics = 0x09,
  process_info = 0x0a,
  change_user = 0x11,
  binlog_dump = 0x12,
  table_dump = 0x13,
  stmt_prepare = 0x16,
  stmt_execute = 0x17,
  stmt_send_long_data = 0x18,
  stmt_close = 0x19,
  stmt_reset = 0x1a,
  stmt_fetch = 0x1c,
  binlog_dump_gtid = 0x1e,
  reset_connection = 0x1f,
  clone = 0x20,
  subscribe_group_replication = 0x21,
  stmt_bulk_execute = 0xfa,
};
inline constexpr std::uint8_t kLastCommand = 0x21;
inline constexpr std::uint8_t kFirstMariadbCommand = 0xfa;

// "Capabilities Flags"; bits 32 and up are MariaDB's extended ones.
namespace capability {
inline constexpr std::uint64_t long_password = 1u
                                               << 0;  // MariaDB: a server that leaves it out has extended capabilities
inline constexpr std::uint64_t compress = 1u << 5;
inline constexpr std::uint64_t protocol_41 = 1u << 9;
inline constexpr std::uint64_t ssl = 1u << 11;
inline constexpr std::uint64_t deprecate_eof = 1u << 24;
inline constexpr std::uint64_t optional_metadata = 1u << 25;
inline constexpr std::uint64_t zstd = 1u << 26;
inline constexpr std::uint64_t query_attributes = 1u << 27;
inline constexpr std::uint64_t cache_metadata = std::uint64_t{1} << 36;
}  // namespace capability

// "SERVER_STATUS_flags_enum".
inline constexpr std::uint16_t kMoreResults = 0x0008;
inline constexpr std::uint16_t kCursorExists = 0x0040;

// First octets of the server's packets.
inline constexpr std::uint8_t kOk = 0x00;
inline constexpr std::uint8_t kMoreAuthentication = 0x01;
inline constexpr std::uint8_t kLocalInfile = 0xfb;
inline constexpr std::uint8_t kEof = 0xfe;
inline constexpr std::uint8_t kError = 0xff;
inline constexpr std::uint16_t kProgress = 0xffff;  // MariaDB's progress report: an error packet with this code

// "enum_field_types".
enum class Type : std::uint8_t {
  decimal = 0x00,
  tiny = 0x01,
  short_integer = 0x02,
  long_integer = 0x03,
  floating = 0x04,
  double_floating = 0x05,
  null = 0x06,
  timestamp = 0x07,
  long_long = 0x08,
  int24 = 0x09,
  date = 0x0a,
  time = 0x0b,
  datetime = 0x0c,
  year = 0x0d,
  newdate = 0x0e,
  varchar = 0x0f,
  bit = 0x10,
  timestamp2 = 0x11,
  datetime2 = 0x12,
  time2 = 0x13,
  first_text = 0xf2,  // from vector and json on: decimal, enum, set, blobs, strings, geometry
};
inline constexpr std::uint8_t kUnsignedParameter = 0x80;  // second octet of a parameter's type
inline constexpr std::uint16_t kUnsignedColumn = 0x0020;  // UNSIGNED_FLAG of a column

inline std::uint32_t le24(Cursor& cursor) {
  const std::uint32_t low = cursor.le16();
  return low | std::uint32_t{cursor.u8()} << 16;
}

// "int<lenenc>". 0xfb (NULL) and 0xff are no numbers here: the cursor fails.
inline std::uint64_t length_encoded(Cursor& cursor) {
  const std::uint8_t first = cursor.u8();
  if (first < 0xfb) return first;
  switch (first) {
    case 0xfc:
      return cursor.le16();
    case 0xfd:
      return le24(cursor);
    case 0xfe:
      return cursor.le64();
    default:
      cursor.fail();
      return 0;
  }
}

// "string<lenenc>".
inline Bytes length_encoded_text(Cursor& cursor) {
  const std::size_t length = length_encoded(cursor);
  return cursor.take(length);
}

}  // namespace spanbeat::mysql
