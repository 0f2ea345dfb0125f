#include "decoders/dns/options.h"

#include "dataplane/bytes/cursor.h"
#include "decoders/dns/mnemonics.h"

namespace spanbeat {
namespace {

// https://www.iana.org/assignments/dns-parameters, "DNS EDNS0 Option Codes (OPT)".
enum : std::uint16_t {
  kLlq = 1,   // RFC 8764
  kUl = 2,    // draft-ietf-dnssd-update-lease
  kNsid = 3,  // RFC 5001
  kDau = 5,   // RFC 6975
  kDhu = 6,
  kN3u = 7,
  kSubnet = 8,    // RFC 7871
  kExpire = 9,    // RFC 7314
  kCookie = 10,   // RFC 7873
  kPadding = 12,  // RFC 7830
};

// RFC 7871 section 6.
bool check_subnet(Cursor option) {
  const std::uint16_t family = option.be16();
  const std::uint8_t source = option.u8();
  const std::uint8_t scope = option.u8();
  if (!option.ok()) return false;
  if (family == 0) return source == 0;
  if (family == 1) return source <= 32 && scope <= 32;
  return family == 2 && source <= 128 && scope <= 128;
}

bool check_option(std::uint16_t code, Bytes data) {
  switch (code) {
    case kLlq:
      return data.size() >= 18;
    case kUl:
      return data.size() == 4 || data.size() == 8;
    case kExpire:
      return data.empty() || data.size() >= 4;
    case kSubnet:
      return check_subnet(Cursor(data));
    default:
      return true;
  }
}

void subnet_text(Cursor option, DnsTextBuffer& out) {
  const std::uint16_t family = option.be16();
  const std::uint8_t source = option.u8();
  const std::uint8_t scope = option.u8();
  IpAddress address;
  address.version = family == 2 ? IpVersion::v6 : IpVersion::v4;
  const std::size_t size = option.size() < address.size() ? option.size() : address.size();
  if (family != 0 && size != 0) std::memcpy(address.octets.data(), option.take(size).data(), size);
  char characters[kMaxIpText];
  const std::string_view shown{characters, format_ip(address, characters)};
  const bool brackets = shown.find(':') != std::string_view::npos;
  if (brackets) out.put('[');
  out.put(shown);
  if (brackets) out.put(']');
  out.put('/');
  out.decimal(source);
  out.put('/');
  out.decimal(scope);
}

template <typename Name>
void list_text(Bytes numbers, Name name, DnsTextBuffer& out) {
  for (const std::uint8_t number : numbers) {
    Digits digits;
    out.put(' ');
    out.put(name(number, digits));
  }
}

void write_option(Event& event, std::uint16_t code, Cursor data, DnsTextBuffer& out) {
  out.clear();
  switch (code) {
    case kLlq:
      out.decimal(data.be16());
      out.put(' ');
      out.decimal(data.be16());
      out.put(' ');
      out.decimal(data.be16());
      out.put(' ');
      out.decimal(data.be64());
      out.put(' ');
      out.decimal(data.be32());
      event.set<F::dns_opt_llq>(out.view());
      break;
    case kUl:
      out.decimal(data.be32());
      out.put(' ');
      out.decimal(data.empty() ? 0 : data.be32());
      event.set<F::dns_opt_ul>(out.view());
      break;
    case kNsid:
      out.hexadecimal(data.rest(), false);
      event.set<F::dns_opt_nsid>(out.view());
      break;
    case kDau:
      list_text(data.rest(), dns_algorithm_name, out);
      event.set<F::dns_opt_dau>(out.view());
      break;
    case kDhu:
      list_text(data.rest(), dns_hash_name, out);
      event.set<F::dns_opt_dhu>(out.view());
      break;
    case kN3u:
      list_text(data.rest(), dns_hash_name, out);
      event.set<F::dns_opt_n3u>(out.view());
      break;
    case kSubnet:
      subnet_text(data, out);
      event.set<F::dns_opt_subnet>(out.view());
      break;
    case kExpire:
      if (data.empty()) break;  // a question for it
      out.decimal(data.be32());
      event.set<F::dns_opt_local>(out.view());
      break;
    case kCookie:
      out.hexadecimal(data.rest(), false);
      event.set<F::dns_opt_cookie>(out.view());
      break;
    case kPadding:
      break;
    default:
      out.decimal(code);
      out.put(":0x");
      out.hexadecimal(data.rest(), false);
      event.set<F::dns_opt_local>(out.view());
      break;
  }
}

}  // namespace

bool check_options(Bytes options) {
  Cursor cursor(options);
  while (!cursor.empty()) {
    const std::uint16_t code = cursor.be16();
    const Bytes data = cursor.take(cursor.be16());
    if (!cursor.ok() || !check_option(code, data)) return false;
  }
  return cursor.ok();
}

void write_options(Event& event, Bytes message, const DnsRecord& opt, DnsTextBuffer& scratch) {
  Cursor cursor(message.subspan(opt.begin, opt.end - opt.begin));
  while (!cursor.empty()) {
    const std::uint16_t code = cursor.be16();
    write_option(event, code, Cursor(cursor.take(cursor.be16())), scratch);
  }
}

}  // namespace spanbeat
