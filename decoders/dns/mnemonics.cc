#include "decoders/dns/mnemonics.h"

#include <array>
#include <charconv>
#include <cstring>

namespace spanbeat {
namespace {

template <std::size_t size>
std::string_view named(const std::array<std::string_view, size>& names, unsigned value, Digits& digits) {
  return value < size && !names[value].empty() ? names[value] : decimal_text(value, digits);
}

struct Named {
  std::uint16_t number;
  std::string_view name;
};

// https://www.iana.org/assignments/dns-parameters, "Resource Record (RR) TYPEs", below 260.
constexpr Named kTypes[] = {
    {0, "None"},     {1, "A"},           {2, "NS"},     {3, "MD"},        {4, "MF"},          {5, "CNAME"},
    {6, "SOA"},      {7, "MB"},          {8, "MG"},     {9, "MR"},        {10, "NULL"},       {12, "PTR"},
    {13, "HINFO"},   {14, "MINFO"},      {15, "MX"},    {16, "TXT"},      {17, "RP"},         {18, "AFSDB"},
    {19, "X25"},     {20, "ISDN"},       {21, "RT"},    {23, "NSAP-PTR"}, {24, "SIG"},        {25, "KEY"},
    {26, "PX"},      {27, "GPOS"},       {28, "AAAA"},  {29, "LOC"},      {30, "NXT"},        {31, "EID"},
    {32, "NIMLOC"},  {33, "SRV"},        {34, "ATMA"},  {35, "NAPTR"},    {36, "KX"},         {37, "CERT"},
    {39, "DNAME"},   {41, "OPT"},        {42, "APL"},   {43, "DS"},       {44, "SSHFP"},      {46, "RRSIG"},
    {47, "NSEC"},    {48, "DNSKEY"},     {49, "DHCID"}, {50, "NSEC3"},    {51, "NSEC3PARAM"}, {52, "TLSA"},
    {53, "SMIMEA"},  {55, "HIP"},        {56, "NINFO"}, {57, "RKEY"},     {58, "TALINK"},     {59, "CDS"},
    {60, "CDNSKEY"}, {61, "OPENPGPKEY"}, {62, "CSYNC"}, {63, "ZONEMD"},   {64, "SVCB"},       {65, "HTTPS"},
    {99, "SPF"},     {100, "UINFO"},     {101, "UID"},  {102, "GID"},     {103, "UNSPEC"},    {104, "NID"},
    {105, "L32"},    {106, "L64"},       {107, "LP"},   {108, "EUI48"},   {109, "EUI64"},     {249, "TKEY"},
    {250, "TSIG"},   {251, "IXFR"},      {252, "AXFR"}, {253, "MAILB"},   {254, "MAILA"},     {255, "ANY"},
    {256, "URI"},    {257, "CAA"},       {258, "AVC"}};

constexpr std::array<std::string_view, 260> types() {
  std::array<std::string_view, 260> table{};
  for (const Named& entry : kTypes) table[entry.number] = entry.name;
  return table;
}
constexpr std::array<std::string_view, 260> kTypeTable = types();

constexpr std::array<std::string_view, 6> kOpcodes = {"QUERY", "IQUERY", "STATUS", "", "NOTIFY", "UPDATE"};
// 16 is BADVERS as well (RFC 6891 section 9); the name is TSIG's.
constexpr std::array<std::string_view, 24> kResponseCodes = {
    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
    "NXRRSET", "NOTAUTH", "NOTZONE",  "",         "",        "",        "",         "",
    "BADSIG",  "BADKEY",  "BADTIME",  "BADMODE",  "BADNAME", "BADALG",  "BADTRUNC", "BADCOOKIE"};
constexpr std::array<std::string_view, 17> kAlgorithms = {
    "",          "RSAMD5", "DH",        "DSA", "",         "RSASHA1",         "DSA-NSEC3-SHA1",  "RSASHA1-NSEC3-SHA1",
    "RSASHA256", "",       "RSASHA512", "",    "ECC-GOST", "ECDSAP256SHA256", "ECDSAP384SHA384", "ED25519",
    "ED448"};
constexpr std::array<std::string_view, 6> kHashes = {"", "SHA1", "SHA256", "GOST94", "SHA384", "SHA512"};

}  // namespace

std::string_view dns_type_name(std::uint16_t type, Digits& digits) {
  if (type >= 32768) [[unlikely]] {
    if (type == 32768) return "TA";
    if (type == 32769) return "DLV";
    if (type == 65535) return "Reserved";
  }
  return named(kTypeTable, type, digits);
}

std::string_view dns_class_name(std::uint16_t value, Digits& digits) {
  switch (value) {
    case 1:
      return "IN";
    case 2:
      return "CS";
    case 3:
      return "CH";
    case 4:
      return "HS";
    case 254:
      return "NONE";
    case 255:
      return "ANY";
    default:
      return decimal_text(value, digits);
  }
}

std::string_view dns_opcode_name(std::uint8_t opcode, Digits& digits) { return named(kOpcodes, opcode, digits); }

std::string_view dns_response_code_name(std::uint16_t code, Digits& digits) {
  if (code < kResponseCodes.size() && !kResponseCodes[code].empty()) return kResponseCodes[code];
  static constexpr std::string_view kUnknown = "Unknown ";
  std::memcpy(digits.text, kUnknown.data(), kUnknown.size());
  const auto end = std::to_chars(digits.text + kUnknown.size(), digits.text + sizeof digits.text, code);
  return {digits.text, static_cast<std::size_t>(end.ptr - digits.text)};
}

std::string_view dns_algorithm_name(std::uint8_t algorithm, Digits& digits) {
  if (algorithm >= 252) {
    if (algorithm == 252) return "INDIRECT";
    if (algorithm == 253) return "PRIVATEDNS";
    if (algorithm == 254) return "PRIVATEOID";
  }
  return named(kAlgorithms, algorithm, digits);
}

std::string_view dns_hash_name(std::uint8_t hash, Digits& digits) { return named(kHashes, hash, digits); }

namespace {

// Of the numbers whose names are no digits.
template <std::size_t size, typename Number>
std::array<Word, size> words_of(std::string_view (&name)(Number, Digits&)) {
  std::array<Word, size> words;
  for (std::size_t i = 0; i < size; ++i) {
    Digits digits;
    const std::string_view found = name(static_cast<Number>(i), digits);
    const bool made = found.data() >= digits.text && found.data() < digits.text + sizeof digits.text;
    if (!made) words[i] = Word(found);
  }
  return words;
}

}  // namespace

const DnsWords kDnsWords = {words_of<260>(dns_type_name), words_of<256>(dns_class_name), words_of<16>(dns_opcode_name),
                            words_of<24>(dns_response_code_name)};

}  // namespace spanbeat
