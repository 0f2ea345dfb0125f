#include "decoders/icmp/message.h"

#include <cstdio>
#include <span>

namespace spanbeat {
namespace {

struct TypeName {
  std::uint8_t type;
  std::string_view name;
  std::span<const std::string_view> codes;  // by number; empty: the type has no codes, and only 0 is expected
};

// RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1.
constexpr std::string_view kUnreachable4[] = {"Net",
                                              "Host",
                                              "Protocol",
                                              "Port",
                                              "FragmentationNeeded",
                                              "SourceRoutingFailed",
                                              "NetUnknown",
                                              "HostUnknown",
                                              "SourceIsolated",
                                              "NetAdminProhibited",
                                              "HostAdminProhibited",
                                              "NetTOS",
                                              "HostTOS",
                                              "CommAdminProhibited",
                                              "HostPrecedence",
                                              "PrecedenceCutoff"};
constexpr std::string_view kRedirect4[] = {"Net", "Host", "TOS+Net", "TOS+Host"};
constexpr std::string_view kTimeExceeded4[] = {"TTLExceeded", "FragmentReassemblyTimeExceeded"};
constexpr std::string_view kParameterProblem4[] = {"PointerIndicatesError", "MissingOption", "BadLength"};
// RFC 4443 sections 3.1, 3.3, 3.4.
constexpr std::string_view kUnreachable6[] = {"NoRouteToDst",       "AdminProhibited", "BeyondScopeOfSrc",
                                              "AddressUnreachable", "PortUnreachable", "SrcAddressFailedPolicy",
                                              "RejectRouteToDst"};
constexpr std::string_view kTimeExceeded6[] = {"HopLimitExceeded", "FragmentReassemblyTimeExceeded"};
constexpr std::string_view kParameterProblem6[] = {"ErroneousHeaderField", "UnrecognizedNextHeader",
                                                   "UnrecognizedIPv6Option"};

constexpr TypeName kTypes4[] = {{0, "EchoReply", {}},
                                {3, "DestinationUnreachable", kUnreachable4},
                                {4, "SourceQuench", {}},
                                {5, "Redirect", kRedirect4},
                                {8, "EchoRequest", {}},
                                {9, "RouterAdvertisement", {}},
                                {10, "RouterSolicitation", {}},
                                {11, "TimeExceeded", kTimeExceeded4},
                                {12, "ParameterProblem", kParameterProblem4},
                                {13, "TimestampRequest", {}},
                                {14, "TimestampReply", {}},
                                {15, "InfoRequest", {}},
                                {16, "InfoReply", {}},
                                {17, "AddressMaskRequest", {}},
                                {18, "AddressMaskReply", {}}};
constexpr TypeName kTypes6[] = {{1, "DestinationUnreachable", kUnreachable6},
                                {2, "PacketTooBig", {}},
                                {3, "TimeExceeded", kTimeExceeded6},
                                {4, "ParameterProblem", kParameterProblem6},
                                {128, "EchoRequest", {}},
                                {129, "EchoReply", {}},
                                {133, "RouterSolicitation", {}},
                                {134, "RouterAdvertisement", {}},
                                {135, "NeighborSolicitation", {}},
                                {136, "NeighborAdvertisement", {}},
                                {137, "Redirect", {}}};

}  // namespace

bool IcmpMessage::is_response() const {
  if (version == IpVersion::v6) return type == 129;
  return type == 0 || type == 14 || type == 16 || type == 18;
}

bool IcmpMessage::is_paired() const {
  if (version == IpVersion::v6) return type == 128 || type == 129;
  return type == 0 || type == 8 || (type >= 13 && type <= 18);
}

bool IcmpMessage::is_error() const {
  if (version == IpVersion::v6) return type >= 1 && type <= 4;
  return type == 3 || type == 4 || type == 11 || type == 12;
}

bool read_icmp(IpVersion version, Cursor octets, IcmpMessage& message) {
  message = {};
  message.version = version;
  message.type = octets.u8();
  message.code = octets.u8();
  if (!octets.ok()) return false;
  octets.skip(2);  // checksum
  const std::uint16_t identifier = octets.be16();
  const std::uint16_t sequence = octets.be16();
  if (octets.ok() && message.is_paired()) {
    message.identifier = identifier;
    message.sequence = sequence;
  }
  message.length = static_cast<std::uint32_t>(octets.size());
  return true;
}

std::size_t icmp_name(const IcmpMessage& message, char (&out)[kMaxIcmpName]) {
  const std::span<const TypeName> types =
      message.version == IpVersion::v6 ? std::span<const TypeName>(kTypes6) : std::span<const TypeName>(kTypes4);
  int length = 0;
  const TypeName* found = nullptr;
  for (const TypeName& entry : types) {
    if (entry.type == message.type) found = &entry;
  }
  const unsigned code = message.code;
  if (found == nullptr) {
    length = std::snprintf(out, sizeof out, "%u(%u)", static_cast<unsigned>(message.type), code);
  } else if (code < found->codes.size()) {
    const std::string_view meaning = found->codes[code];
    length = std::snprintf(out, sizeof out, "%.*s(%.*s)", static_cast<int>(found->name.size()), found->name.data(),
                           static_cast<int>(meaning.size()), meaning.data());
  } else if (code == 0 && found->codes.empty()) {
    length = static_cast<int>(found->name.copy(out, sizeof out));
  } else {
    length = std::snprintf(out, sizeof out, "%.*s(Code: %u)", static_cast<int>(found->name.size()), found->name.data(),
                           code);
  }
  return static_cast<std::size_t>(length);
}

}  // namespace spanbeat
