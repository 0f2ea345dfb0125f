// Octets in other clothes: hexadecimal, base32 and base64 (RFC 4648), percent-encoding, gzip.
//
// Limits: gunzip gives up after kMaxGunzip octets. Decoders take what Go's of the same name take.
#pragma once

#include <string>
#include <string_view>

#include "dataplane/bytes/bytes.h"

namespace spanbeat {

inline constexpr std::size_t kMaxGunzip = std::size_t{16} << 20;

[[nodiscard]] std::string hexadecimal(Bytes octets);  // lower case
[[nodiscard]] std::string base32(Bytes octets);       // padded
[[nodiscard]] std::string base64(Bytes octets);       // padded
[[nodiscard]] std::string base64_url(Bytes octets);   // URL-safe alphabet, not padded

// Standard alphabet; padding may be missing, line ends are skipped. On failure false and the position of the first
// character that does not belong.
[[nodiscard]] bool decode_base64(std::string_view text, std::string& out, std::size_t& bad_at);
// %XX and '+' as in the query of a URL. On failure false and the escape that is none.
[[nodiscard]] bool decode_percent(std::string_view text, std::string& out, std::string_view& bad);
// All members of a gzip stream (RFC 1952), one after the other. On failure false and why.
[[nodiscard]] bool gunzip(std::string_view compressed, std::string& out, std::string& problem);

}  // namespace spanbeat
