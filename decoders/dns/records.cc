#include "decoders/dns/records.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <string>

#include "dataplane/bytes/cursor.h"
#include "dataplane/event/tree_writer.h"
#include "decoders/dns/mnemonics.h"
#include "decoders/dns/name.h"

namespace spanbeat {
namespace {

using enum RdataKind;

constexpr std::uint16_t kInternet = 1;  // class IN, RFC 1035 section 3.2.4

// The text of the name at `at`; `buffer` has room for kMaxNameText characters.
CheckedText name_text(const DnsText& dns, std::size_t at, char* buffer) {
  const Bytes message = dns.message.octets;
  const CheckedText& asked = dns.message.question_name;
  if (message[at] == 0xc0 && message[at + 1] == DnsMessage::kHeader && !asked.text.empty()) return asked;
  CheckedText name;
  return read_name(message, at, buffer, name) == 0 ? CheckedText() : name;
}

// A name in an empty part is the empty text.
void put_name(const DnsText& dns, std::size_t begin, std::size_t end, DnsTextBuffer& out) {
  if (begin == end) return;
  char buffer[kMaxNameText];
  out.put(name_text(dns, begin, buffer).text);
}

// RFC 4034 section 3.2; leap seconds do not exist here.
void put_time(std::uint32_t seconds, DnsTextBuffer& out) {
  const std::time_t time = seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  out.decimal_padded(static_cast<std::uint64_t>(parts.tm_year) + 1900, 4);
  for (const int part : {parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec}) {
    out.decimal_padded(static_cast<std::uint64_t>(part), 2);
  }
}

void put_types(Bytes map, DnsTextBuffer& out) {
  bool first = true;
  for (Cursor cursor(map); !cursor.empty();) {
    const unsigned window = cursor.u8();
    const Bytes block = cursor.take(cursor.u8());
    for (unsigned i = 0; i < block.size() * 8; ++i) {
      if ((block[i / 8] & (0x80 >> i % 8)) == 0) continue;
      Digits digits;
      if (!first) out.put(' ');
      first = false;
      out.put(dns_type_name(static_cast<std::uint16_t>(window << 8 | i), digits));
    }
  }
}

void put_strings(Cursor cursor, DnsTextBuffer& out) {
  for (bool first = true; !cursor.empty(); first = false) {
    if (!first) out.put(' ');
    out.escaped(cursor.take(cursor.u8()), false);
  }
}

// One part as text. A part that is not there shows as the number 0 or the empty text.
void put_part(RdataKind kind, const DnsText& dns, std::size_t begin, std::size_t end, DnsTextBuffer& out) {
  Cursor octets(dns.message.octets.subspan(begin, end - begin));
  Digits digits;
  switch (kind) {
    case ip4:
    case ip6: {
      char characters[kMaxIpText];
      if (!octets.empty()) out.put({characters, format_ip(IpAddress::from_wire(octets.rest()), characters)});
      break;
    }
    case name:
      put_name(dns, begin, end, out);
      break;
    case name_dotted: {
      const std::size_t before = out.size();
      put_name(dns, begin, end, out);
      if (out.size() != before && out.view(before) != ".") out.put('.');
      break;
    }
    case text8:
      out.decimal(octets.u8());
      break;
    case number16:
    case text16:
      out.decimal(octets.be16());
      break;
    case number32:
    case text32:
      out.decimal(octets.be32());
      break;
    case time32:
      put_time(octets.be32(), out);
      break;
    case type16:
      out.put(dns_type_name(octets.be16(), digits));
      break;
    case algorithm8:
      out.put(dns_algorithm_name(octets.u8(), digits));
      break;
    case hash8:
      out.put(dns_hash_name(octets.u8(), digits));
      break;
    case strings:
      put_strings(octets, out);
      break;
    case base64:
      out.base64(octets.rest());
      break;
    case hex:
      out.hexadecimal(octets.rest(), true);
      break;
    case salt:
      octets.skip(1);
      if (octets.empty()) out.put('-');
      out.hexadecimal(octets.rest(), true);
      break;
    case base32:
      octets.skip(1);
      out.base32hex(octets.rest());
      break;
    case types:
      put_types(octets.rest(), out);
      break;
    case raw:
    case string:
      out.escaped(octets.rest(), true);
      break;
  }
}

// All data as escaped octets, names in it expanded.
void put_raw(const RdataLayout& layout, const DnsText& dns, const DnsRecord& record, DnsTextBuffer& out) {
  const Bytes message = dns.message.octets;
  (void)walk_rdata(layout, message, record.begin, record.end,
                   [&](const RdataPart& part, std::size_t begin, std::size_t end) {
                     if (part.kind != name || begin == end) {
                       out.escaped(message.subspan(begin, end - begin), true);
                       return;
                     }
                     std::uint8_t octets[256];
                     std::size_t length = 0;
                     if (expand_name(message, begin, octets, length) != 0) out.escaped({octets, length}, true);
                   });
}

void write_data(TreeWriter& tree, const DnsText& dns, const DnsRecord& record) {
  const Bytes message = dns.message.octets;
  const std::size_t size = record.end - record.begin;
  // Without data an address is not there at all.
  if (record.type == dns_type::kA || record.type == dns_type::kAaaa) {
    if (size != 0) tree.plain_member("data").ip(IpAddress::from_wire(message.subspan(record.begin, size)));
    return;
  }
  const RdataLayout& layout = rdata_layout(record.type);
  if (layout.raw) {
    dns.scratch.clear();
    put_raw(layout, dns, record, dns.scratch);
    tree.plain_member("data").string(dns.scratch.view());
    return;
  }
  (void)walk_rdata(layout, message, record.begin, record.end,
                   [&](const RdataPart& part, std::size_t begin, std::size_t end) {
                     tree.plain_member(part.key);
                     if (part.kind == name) {
                       char buffer[kMaxNameText];
                       tree.string(begin == end ? std::string_view() : name_text(dns, begin, buffer).text);
                     } else if (part.kind == number16 || part.kind == number32) {
                       Cursor octets(message.subspan(begin, end - begin));
                       tree.integer(part.kind == number16 ? octets.be16() : octets.be32());
                     } else {
                       dns.scratch.clear();
                       put_part(part.kind, dns, begin, end, dns.scratch);
                       tree.string(dns.scratch.view());
                     }
                   });
}

const TreeRecord<IpAddress, CheckedText, Decimal> kAddressRecord{
    {"class", "IN"}, {"data"}, {"name"}, {"ttl"}, {"type", "A"}};
const TreeRecord<IpAddress, CheckedText, Decimal> kAddressRecord6{
    {"class", "IN"}, {"data"}, {"name"}, {"ttl"}, {"type", "AAAA"}};

// The text of one record: `key value, ` of each part that is shown as text, by key, then the data.
std::string_view record_text(const DnsRecord& record, const DnsText& dns) {
  DnsTextBuffer& out = dns.scratch;
  out.clear();
  if (record.type == dns_type::kOpt) return {};
  const RdataLayout& layout = rdata_layout(record.type);
  if (layout.raw) {
    put_raw(layout, dns, record, out);
    return out.view();
  }
  struct Part {
    RdataPart part;
    std::size_t begin;
    std::size_t end;
  };
  std::array<Part, 9> parts;
  std::size_t count = 0;
  (void)walk_rdata(layout, dns.message.octets, record.begin, record.end,
                   [&](const RdataPart& part, std::size_t begin, std::size_t end) {
                     if (part.kind != number16 && part.kind != number32) parts[count++] = {part, begin, end};
                   });
  std::sort(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(count), [](const Part& a, const Part& b) {
    const bool a_last = a.part.key == "data";
    const bool b_last = b.part.key == "data";
    return a_last != b_last ? b_last : a.part.key < b.part.key;
  });
  for (std::size_t i = 0; i < count; ++i) {
    const Part& part = parts[i];
    if (part.part.key != "data") {
      out.put(part.part.key);
      out.put(' ');
    }
    put_part(part.part.kind, dns, part.begin, part.end, out);
    if (part.part.key != "data") out.put(", ");
  }
  return out.view();
}

std::string_view header_text(const DnsText& dns) {
  static constexpr std::string_view kFlags[] = {"aa", "tc", "rd", "ra", "", "ad", "cd"};
  const DnsMessage& message = dns.message;
  DnsTextBuffer& out = dns.scratch;
  Digits digits;
  out.clear();
  out.put("ID ");
  out.decimal(message.id);
  out.put(message.is_response() ? "; QR response; OPCODE " : "; QR query; OPCODE ");
  out.put(dns_opcode_name(message.opcode(), digits));
  out.put("; FLAGS ");
  bool first = true;
  for (unsigned i = 0; i < std::size(kFlags); ++i) {
    if ((message.flags & (0x400 >> i)) == 0 || kFlags[i].empty()) continue;
    if (!first) out.put(' ');
    first = false;
    out.put(kFlags[i]);
  }
  out.put("; RCODE ");
  out.put(dns_response_code_name(message.response_code, digits));
  return out.view();
}

template <Field field>
void render(Event& event, const DnsText& dns) {
  const Bytes message = dns.message.octets;
  event.set<field>(header_text(dns));
  std::size_t at = DnsMessage::kHeader;
  for (std::uint32_t i = 0; i < dns.message.questions; ++i) {
    char buffer[kMaxNameText];
    CheckedText name;
    at = read_name(message, at, buffer, name);
    Cursor rest(message.subspan(at));
    const std::uint16_t type = rest.be16();
    const std::uint16_t class_value = rest.be16();
    at = std::min(at + 4, message.size());
    dns.scratch.clear();
    dns.scratch.put(i == 0 ? "; QUESTION " : "; ");
    QuestionBuffer prefix;
    dns.scratch.put(question_prefix(type, class_value, prefix));
    dns.scratch.put(name.text);
    event.append_text<field>(dns.scratch.view());
  }
  const std::pair<std::string_view, const DnsSection*> sections[] = {{"; ANSWER ", &dns.message.answers},
                                                                     {"; AUTHORITY ", &dns.message.authorities},
                                                                     {"; ADDITIONAL ", &dns.message.additionals}};
  for (const auto& [title, section] : sections) {
    std::string_view before = title;
    for_each_record(message, *section, [&](const DnsRecord& record) {
      event.append_text<field>(before);
      event.append_text<field>(record_text(record, dns));
      before = "; ";
    });
  }
}

}  // namespace

namespace {

std::size_t put_prefix(std::uint16_t type, std::uint16_t class_value, QuestionBuffer& buffer) {
  Digits class_digits;
  Digits type_digits;
  char* at = buffer.text;
  for (const std::string_view part :
       {std::string_view("class "), dns_class_name(class_value, class_digits), std::string_view(", type "),
        dns_type_name(type, type_digits), std::string_view(", ")}) {
    at = std::copy(part.begin(), part.end(), at);
  }
  return static_cast<std::size_t>(at - buffer.text);
}

// Of nearly all questions, by type.
const auto kInternetPrefixes = [] {
  std::array<std::string, std::tuple_size_v<decltype(DnsWords::types)>> prefixes;
  for (std::size_t type = 0; type < prefixes.size(); ++type) {
    QuestionBuffer buffer;
    prefixes[type].assign(buffer.text, put_prefix(static_cast<std::uint16_t>(type), kInternet, buffer));
  }
  return prefixes;
}();

}  // namespace

void write_section(Event& event, Field field, const DnsSection& section, const DnsText& dns, DnsAddresses* addresses) {
  if (section.count == 0) return;
  const Bytes message = dns.message.octets;
  if (section.count == 1 && dns.message.has_opt && field == F::dns_additionals) return;
  TreeWriter tree(event, field);
  tree.array();
  for_each_record(message, section, [&](const DnsRecord& record) {
    if (record.type == dns_type::kOpt) return;
    Digits digits;
    char buffer[kMaxNameText];
    const bool is_address = record.type == dns_type::kA || record.type == dns_type::kAaaa;
    if (is_address && record.begin != record.end) {
      const std::size_t size = record.end - record.begin;
      if (addresses != nullptr && addresses->count < addresses->places.size()) {
        addresses->places[addresses->count++] = {static_cast<std::uint16_t>(record.begin),
                                                 static_cast<std::uint16_t>(size)};
      }
      if (record.class_value == kInternet) {
        tree.record(record.type == dns_type::kA ? kAddressRecord : kAddressRecord6,
                    IpAddress::from_wire(message.subspan(record.begin, size)), name_text(dns, record.name, buffer),
                    Decimal{record.ttl});
        return;
      }
    }
    tree.object();
    tree.plain_member("class").string(dns_class_name(record.class_value, digits));
    write_data(tree, dns, record);
    tree.plain_member("name").string(name_text(dns, record.name, buffer).text);
    tree.plain_member("ttl").string(decimal_text(record.ttl, digits));
    tree.plain_member("type").string(dns_type_name(record.type, digits));
    tree.end();
  });
  tree.end();
}

std::string_view question_prefix(std::uint16_t type, std::uint16_t class_value, QuestionBuffer& buffer) {
  if (class_value == kInternet && type < kInternetPrefixes.size()) [[likely]]
    return kInternetPrefixes[type];
  return {buffer.text, put_prefix(type, class_value, buffer)};
}

void render_request(Event& event, const DnsText& dns) { render<F::request>(event, dns); }
void render_response(Event& event, const DnsText& dns) { render<F::response>(event, dns); }

}  // namespace spanbeat
