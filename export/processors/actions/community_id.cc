// community_id and add_network_direction: what the two ends of a connection say of it.
#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "dataplane/bytes/address.h"
#include "dataplane/event/community_id.h"
#include "export/processors/access.h"
#include "export/processors/actions/actions.h"
#include "export/processors/encodings.h"
#include "export/processors/networks.h"

namespace spanbeat {
namespace {

std::optional<IpAddress> address_at(const Value& document, const std::string& field) {
  const Value* value = document.find(field);
  IpAddress address;
  if (value == nullptr || !value->is_string() || !parse_ip(value->string(), address)) return std::nullopt;
  return address;
}

std::optional<std::uint64_t> number_in(const Value* value) {
  if (value == nullptr) return std::nullopt;
  if (value->kind() == Value::Kind::integer) return static_cast<std::uint64_t>(value->integer());
  if (value->kind() == Value::Kind::unsigned_integer) return value->unsigned_integer();
  if (!value->is_string()) return std::nullopt;
  const std::string& text = value->string();
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The IANA number of a transport, by number or name in any letter case.
std::optional<std::uint8_t> protocol_in(const Value* value) {
  constexpr std::pair<std::string_view, std::uint8_t> kNames[] = {
      {"icmp", 1},       {"igmp", 2},   {"tcp", 6},   {"udp", 17},  {"gre", 47},  {"icmpv6", 58},
      {"ipv6-icmp", 58}, {"eigrp", 88}, {"ospf", 89}, {"pim", 103}, {"sctp", 132}};
  if (value != nullptr && value->is_string()) {
    std::string name = value->string();
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    for (const auto& [known, number] : kNames) {
      if (known == name) return number;
    }
  }
  const auto number = number_in(value);
  if (!number) return std::nullopt;
  return static_cast<std::uint8_t>(*number);
}

// fields.{source_ip, source_port, destination_ip, destination_port, transport_protocol, iana_number, icmp_type,
// icmp_code}, target, seed. A target that is there stays; without both ends and a protocol nothing happens.
class CommunityId final : public Processor {
 public:
  struct Settings {
    std::string source_ip = "source.ip";
    std::string source_port = "source.port";
    std::string destination_ip = "destination.ip";
    std::string destination_port = "destination.port";
    std::string transport_protocol = "network.transport";
    std::string iana_number = "network.iana_number";
    std::string icmp_type = "icmp.type";
    std::string icmp_code = "icmp.code";
    std::string target = "network.community_id";
    std::uint16_t seed = 0;
  };
  explicit CommunityId(Settings settings) : settings_(std::move(settings)) {}

  Outcome run(Value& document) override {
    if (document.find(settings_.target) != nullptr) return {};
    const auto source = address_at(document, settings_.source_ip);
    const auto destination = address_at(document, settings_.destination_ip);
    const Value* transport = document.find(settings_.iana_number);
    const auto protocol = protocol_in(transport != nullptr ? transport : document.find(settings_.transport_protocol));
    if (!source || !destination || !protocol || source->version != destination->version) return {};
    CommunityDigest digest;
    if (!digest_of(document, {source->wire(), destination->wire(), 0, 0}, *protocol, digest)) return {};
    std::string problem;
    return put_field(document, settings_.target, Value::of_string("1:" + base64(digest)), problem) ? Outcome{}
                                                                                                   : failure();
  }

 private:
  // False when ports are needed and are not there.
  bool digest_of(const Value& document, CommunityEnds ends, std::uint8_t protocol, CommunityDigest& digest) const {
    if (protocol == 1 || protocol == 58) {
      const auto type = number_in(document.find(settings_.icmp_type));
      const auto code = number_in(document.find(settings_.icmp_code));
      const bool known = type && code;
      community_id_icmp(ends, protocol, static_cast<std::uint8_t>(known ? *type : 0),
                        static_cast<std::uint8_t>(known ? *code : 0), digest, settings_.seed);
      return true;
    }
    const bool has_ports = protocol == 6 || protocol == 17 || protocol == 132;
    if (has_ports) {
      const auto source = number_in(document.find(settings_.source_port));
      const auto destination = number_in(document.find(settings_.destination_port));
      if (!source || !destination || *source > 65535 || *destination > 65535) return false;
      ends.source_port = static_cast<std::uint16_t>(*source);
      ends.destination_port = static_cast<std::uint16_t>(*destination);
    }
    community_id(ends, protocol, has_ports, digest, settings_.seed);
    return true;
  }

  Settings settings_;
};

// source, destination, target, internal_networks: internal, outbound, inbound or external.
class AddNetworkDirection final : public Processor {
 public:
  AddNetworkDirection(std::string source, std::string destination, std::string target, NetworkList internal)
      : source_(std::move(source)),
        destination_(std::move(destination)),
        target_(std::move(target)),
        internal_(std::move(internal)) {}

  Outcome run(Value& document) override {
    const auto source = address_at(document, source_);
    const auto destination = address_at(document, destination_);
    if (!source || !destination) return {};
    const bool from_inside = internal_.contains(*source);
    const bool to_inside = internal_.contains(*destination);
    const char* direction = from_inside ? (to_inside ? "internal" : "outbound") : to_inside ? "inbound" : "external";
    std::string problem;
    return put_field(document, target_, Value::of_string(direction), problem) ? Outcome{} : failure();
  }

 private:
  std::string source_;
  std::string destination_;
  std::string target_;
  NetworkList internal_;
};

}  // namespace

std::unique_ptr<Processor> make_community_id(ProcessorOptions& options) {
  CommunityId::Settings settings;
  options.reader.read("target", settings.target);
  std::int64_t seed = 0;
  options.reader.read("seed", seed, 0, 65535);
  settings.seed = static_cast<std::uint16_t>(seed);
  SettingReader fields(options.reader.raw("fields"), options.key() + ".fields", options.diagnostics());
  fields.read("source_ip", settings.source_ip);
  fields.read("source_port", settings.source_port);
  fields.read("destination_ip", settings.destination_ip);
  fields.read("destination_port", settings.destination_port);
  fields.read("transport_protocol", settings.transport_protocol);
  fields.read("iana_number", settings.iana_number);
  fields.read("icmp_type", settings.icmp_type);
  fields.read("icmp_code", settings.icmp_code);
  fields.warn_unknown();
  return std::make_unique<CommunityId>(std::move(settings));
}

std::unique_ptr<Processor> make_add_network_direction(ProcessorOptions& options) {
  std::string source = options.required_text("source");
  std::string destination = options.required_text("destination");
  std::string target = options.required_text("target");
  std::vector<std::string> names;
  options.reader.read("internal_networks", names);
  NetworkList internal;
  for (const std::string& name : names) {
    if (internal.add(name)) continue;
    std::string known;
    for (const std::string& one : NetworkList::names()) known += (known.empty() ? "" : ", ") + one;
    options.diagnostics().error(*options.reader.raw("internal_networks"), options.reader.key("internal_networks"),
                                "'" + name + "' is no network: write a CIDR like 10.0.0.0/8, or one of " + known);
  }
  return std::make_unique<AddNetworkDirection>(std::move(source), std::move(destination), std::move(target),
                                               std::move(internal));
}

}  // namespace spanbeat
