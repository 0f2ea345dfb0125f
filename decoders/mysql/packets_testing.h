// Packets of the MySQL protocol for tests, made by hand.
//
// What:   functions that give octets: headers, texts, greetings, definitions, rows, ends of results.
// Limits: what the tests need.
#pragma once

#include <string>
#include <vector>

#include "decoders/mysql/wire.h"

namespace spanbeat::mysql::testing {

inline std::string little(std::uint64_t value, std::size_t octets) {
  std::string made;
  for (std::size_t i = 0; i < octets; ++i) made += static_cast<char>(value >> 8 * i);
  return made;
}
inline std::string packet(unsigned sequence, const std::string& payload) {
  return little(payload.size(), 3) + static_cast<char>(sequence) + payload;
}
inline std::string counted(const std::string& value) {
  if (value.size() < 251) return static_cast<char>(value.size()) + value;
  if (value.size() < 0x10000) return "\xfc" + little(value.size(), 2) + value;
  return "\xfd" + little(value.size(), 3) + value;
}
inline std::string command(Command command, const std::string& rest = {}) {
  return packet(0, std::string(1, static_cast<char>(command)) + rest);
}
inline std::string query(const std::string& sql) { return command(Command::query, sql); }
inline std::string ok(unsigned sequence, unsigned affected = 0, unsigned insert_id = 0, unsigned status = 2) {
  return packet(sequence, std::string(1, '\0') + static_cast<char>(affected) + static_cast<char>(insert_id) +
                              little(status, 2) + little(0, 2));
}
inline std::string eof(unsigned sequence, unsigned status = 2) {
  return packet(sequence, "\xfe" + little(0, 2) + little(status, 2));
}
// The end of rows where EOF packets are left out.
inline std::string ok_at_end(unsigned sequence, unsigned status = 2) {
  return packet(sequence, std::string("\xfe\0\0", 3) + little(status, 2) + little(0, 2));
}
inline std::string error(unsigned sequence, unsigned code, const std::string& state, const std::string& words) {
  return packet(sequence, "\xff" + little(code, 2) + "#" + state + words);
}
inline std::string column(unsigned sequence, const std::string& schema, const std::string& table,
                          const std::string& name, unsigned type = 0xfd, unsigned flags = 0) {
  return packet(sequence, counted("def") + counted(schema) + counted(table) + counted(table) + counted(name) +
                              counted(name) + "\x0c" + little(33, 2) + little(255, 4) + static_cast<char>(type) +
                              little(flags, 2) + little(0, 3));
}
inline std::string row(unsigned sequence, const std::vector<std::string>& values) {
  std::string payload;
  for (const std::string& value : values) payload += value == "\xfb" ? value : counted(value);
  return packet(sequence, payload);
}
// One column `a` of shop.items, with the rows given.
inline std::string result(const std::vector<std::string>& rows, bool eofs = true, unsigned status = 2,
                          unsigned sequence = 1) {
  std::string made = packet(sequence, "\x01");
  made += column(sequence + 1, "shop", "items", "a");
  sequence += 2;
  if (eofs) made += eof(sequence++);
  for (const std::string& each : rows) made += row(sequence++, {each});
  return made + (eofs ? eof(sequence, status) : ok_at_end(sequence, status));
}
inline constexpr std::uint64_t kClassic = capability::long_password | capability::protocol_41;
inline std::string greeting(std::uint64_t capabilities) {
  return packet(0, std::string("\x0a") + std::string("8.0.35\0", 7) + little(7, 4) + "12345678" + std::string(1, '\0') +
                       little(capabilities, 2) + "\x21" + little(2, 2) + little(capabilities >> 16, 2) + "\x15" +
                       std::string(6, '\0') + little(capabilities >> 32, 4) + std::string("123456789012\0", 13) +
                       std::string("mysql_native_password\0", 22));
}
inline std::string login(std::uint64_t capabilities, unsigned sequence = 1) {
  return packet(sequence, little(capabilities, 4) + little(1 << 24, 4) + "\x21" + std::string(19, '\0') +
                              little(capabilities >> 32, 4) + std::string("app\0", 4) +
                              counted("secret-secret-secret"));
}

}  // namespace spanbeat::mysql::testing
