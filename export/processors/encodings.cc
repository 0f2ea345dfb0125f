#include "export/processors/encodings.h"

#include <zlib.h>

#include <array>
#include <cstdint>
#include <memory>

namespace spanbeat {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// Groups of `bits` bits, highest first; padded with '=' to whole groups of `group` characters unless that is 0.
std::string encode(Bytes octets, std::string_view alphabet, unsigned bits, std::size_t group) {
  std::string out;
  out.reserve(octets.size() * 8 / bits + 8);
  std::uint32_t held = 0;
  unsigned count = 0;
  for (const std::uint8_t octet : octets) {
    held = (held << 8 | octet) & 0xffff;
    count += 8;
    while (count >= bits) {
      count -= bits;
      out += alphabet[(held >> count) & ((1U << bits) - 1)];
    }
  }
  if (count != 0) out += alphabet[(held << (bits - count)) & ((1U << bits) - 1)];
  while (group != 0 && out.size() % group != 0) out += '=';
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr std::array<std::int8_t, 256> make_base64_digits() {
  std::array<std::int8_t, 256> digits{};
  for (auto& digit : digits) digit = -1;
  for (std::size_t i = 0; i < kBase64.size(); ++i) {
    digits[static_cast<unsigned char>(kBase64[i])] = static_cast<std::int8_t>(i);
  }
  return digits;
}
constexpr std::array<std::int8_t, 256> kBase64Digits = make_base64_digits();

}  // namespace

std::string hexadecimal(Bytes octets) { return encode(octets, kHex, 4, 0); }
std::string base32(Bytes octets) { return encode(octets, kBase32, 5, 8); }
std::string base64(Bytes octets) { return encode(octets, kBase64, 6, 4); }
std::string base64_url(Bytes octets) { return encode(octets, kBase64Url, 6, 0); }

bool decode_base64(std::string_view text, std::string& out, std::size_t& bad_at) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  out.clear();
  out.reserve(text.size() * 3 / 4);
  std::uint32_t held = 0;
  unsigned bits = 0;
  std::size_t digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' || text[i] == '\n') continue;
    const int digit = kBase64Digits[static_cast<unsigned char>(text[i])];
    if (digit < 0) {
      bad_at = i;
      return false;
    }
    held = (held << 6 | static_cast<std::uint32_t>(digit)) & 0xffff;
    bits += 6;
    ++digits;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(held >> bits & 0xff);
    }
  }
  bad_at = text.size();
  return digits % 4 != 1;  // six bits are no octet
}

bool decode_percent(std::string_view text, std::string& out, std::string_view& bad) {
  out.clear();
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        bad = text.substr(i, 3);
        return false;
      }
      out += static_cast<char>(high << 4 | low);
      i += 2;
    }
  }
  return true;
}

bool gunzip(std::string_view compressed, std::string& out, std::string& problem) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) {
    problem = "out of memory";
    return false;
  }
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  out.clear();
  // zlib does not write there.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::array<char, 16384> buffer{};
  while (true) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    const int result = inflate(&stream, Z_NO_FLUSH);
    out.append(buffer.data(), buffer.size() - stream.avail_out);
    if (out.size() > kMaxGunzip) {
      problem = "more than 16 MiB";
      return false;
    }
    if (result == Z_STREAM_END) {
      if (stream.avail_in == 0) return true;
      if (inflateReset(&stream) != Z_OK) break;  // the next member
    } else if (result == Z_BUF_ERROR || (result == Z_OK && stream.avail_in == 0 && stream.avail_out != 0)) {
      problem = compressed.empty() ? "EOF" : "unexpected EOF";
      return false;
    } else if (result != Z_OK) {
      break;
    }
  }
  problem = stream.total_out == 0 && out.empty() ? "gzip: invalid header" : "gzip: corrupt data";
  return false;
}

}  // namespace spanbeat
