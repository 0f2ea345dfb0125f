// Reads packetbeat.protocols.
#include <algorithm>
#include <map>
#include <optional>

#include "app/config/known.h"
#include "app/config/options.h"
#include "decoders/registry.h"

namespace spanbeat {
namespace {

// One section of a protocol.
struct Section {
  const Setting* setting;
  std::string key;  // "packetbeat.protocols.0"
  std::string type;
};

bool same(const Setting& a, const Setting& b) {
  if (a.kind() != b.kind()) return false;
  if (a.is_list()) {
    return std::equal(a.list().begin(), a.list().end(), b.list().begin(), b.list().end(), same);
  }
  if (a.is_map()) {
    return a.map().size() == b.map().size() && std::all_of(a.map().begin(), a.map().end(), [&](const auto& entry) {
             const Setting* other = b.member(entry.first);
             return other != nullptr && same(entry.second, *other);
           });
  }
  return a.scalar_text() == b.scalar_text();
}

class ProtocolReader {
 public:
  ProtocolReader(std::vector<std::shared_ptr<const DecoderConfig>>& decoders, std::vector<StreamOptions>& streams,
                 Diagnostics& diagnostics)
      : decoders_(decoders), streams_(streams), diagnostics_(diagnostics) {}

  void read(const Setting& protocols) {
    if (protocols.is_list()) {
      for (std::size_t i = 0; i < protocols.list().size(); ++i) {
        const Setting& item = protocols.list()[i];
        const std::string key = "packetbeat.protocols." + std::to_string(i);
        if (item.is_null()) continue;
        if (!item.is_map()) {
          diagnostics_.error(item, key,
                             item.describe() + ", where a section is expected; write '- type: " +
                                 (item.is_string() ? item.string() : std::string("http")) + "'");
          continue;
        }
        section(item, key, type_of(item, key));
      }
    } else if (protocols.is_map()) {
      for (const auto& [name, item] : protocols.map()) {
        const std::string key = "packetbeat.protocols." + name;
        if (item.is_null()) continue;
        if (!item.is_map()) {
          diagnostics_.error(item, key,
                             item.describe() + ", where a section is expected; write '" + name + ": {ports: […]}'");
          continue;
        }
        section(item, key, name);
      }
    } else if (!protocols.is_null()) {
      diagnostics_.error(protocols, "packetbeat.protocols",
                         protocols.describe() + ", where a list is expected; write '- type: http' below it");
    }
  }

 private:
  // Empty, and complained of, when there is none.
  std::string type_of(const Setting& item, const std::string& key) {
    const Setting* type = item.member("type");
    if (type == nullptr || type->is_null()) {
      diagnostics_.error(item, key + ".type",
                         "string value is not set; every protocol needs its type, such as 'type: http'");
      return {};
    }
    if (type->is_list() || type->is_map() || type->scalar_text().empty()) {
      diagnostics_.error(*type, key + ".type", type->describe() + " is no name of a protocol");
      return {};
    }
    return type->scalar_text();
  }

  void section(const Setting& item, const std::string& key, const std::string& type) {
    if (type.empty()) return;
    const std::span<const RegisteredDecoder> registered = registered_decoders();
    const auto built =
        std::find_if(registered.begin(), registered.end(), [&](const auto& each) { return each.name == type; });
    const LaterProtocol* later = built == registered.end() ? find_later_protocol(type) : nullptr;
    if (built == registered.end() && later == nullptr) {
      unknown(item, key, type);
      return;
    }
    SettingReader reader(&item, key, diagnostics_);
    bool enabled = true;
    reader.read("enabled", enabled);
    if (!enabled) return;
    if (repeated({&item, key, type})) return;
    reader.known("type");
    if (later != nullptr) {
      read_later(reader, *later);
    } else {
      read_built(reader, *built, static_cast<std::size_t>(built - registered.begin()));
    }
    reader.warn_unknown();
  }

  void read_built(SettingReader& reader, const RegisteredDecoder& entry, std::size_t position) {
    const std::shared_ptr<const DecoderConfig> config = entry.read(reader);
    streams_[position + 1] = read_stream_options(reader, entry.info);
    if (config == nullptr) return;
    for (const std::uint16_t port : config->ports) claim(reader, port, entry.name, entry.info->tcp, entry.info->udp);
    if (config->ports.empty() && !entry.info->icmp) {
      if (reader.raw("ports") == nullptr) {
        diagnostics_.warn(*reader.section(), reader.prefix(),
                          "has no ports, so that " + std::string(entry.name) + " is not decoded; write 'ports: […]'");
      }
      return;
    }
    if (!config->enabled) return;
    decoders_[position] = config;
  }

  void read_later(SettingReader& reader, const LaterProtocol& protocol) {
    DecoderConfig common;
    reader.read("send_request", common.send_request);
    reader.read("send_response", common.send_response);
    reader.read_duration("transaction_timeout", common.transaction_timeout);
    for (const std::uint16_t port : protocol.default_ports) {
      if (port != 0) common.ports.push_back(port);
    }
    reader.read_ports("ports", common.ports);
    check_later_options(reader, protocol);
    (void)read_stream_options(reader, nullptr);
    for (const std::uint16_t port : common.ports) claim(reader, port, protocol.name, protocol.tcp, protocol.udp);
    diagnostics_.warn(*reader.section(), reader.prefix(),
                      std::string(protocol.name) + " is not built yet; its packets only count for flows");
  }

  // A port belongs to one protocol of a transport.
  void claim(SettingReader& reader, std::uint16_t port, std::string_view protocol, bool tcp, bool udp) {
    for (const auto& [uses, owners] : {std::pair(tcp, &tcp_owners_), std::pair(udp, &udp_owners_)}) {
      if (!uses) continue;
      const auto [owner, fresh] = owners->emplace(port, protocol);
      if (fresh || owner->second == protocol) continue;
      const Setting* ports = reader.raw("ports");
      diagnostics_.error(ports != nullptr ? *ports : *reader.section(), reader.key("ports"),
                         "port " + std::to_string(port) + " is already a port of " + owner->second +
                             "; a port can belong to one protocol only, take it out of one of the two");
      return;
    }
  }

  void unknown(const Setting& item, const std::string& key, const std::string& type) {
    std::vector<std::string> names = later_protocol_names();
    for (const RegisteredDecoder& each : registered_decoders()) names.emplace_back(each.name);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    std::string all;
    for (const std::string& name : names) all.append(all.empty() ? "" : ", ").append(name);
    const std::string near = nearest_name(type, names);
    const Setting* place = item.member("type");
    diagnostics_.error(place != nullptr ? *place : item, place != nullptr ? key + ".type" : key,
                       "unknown protocol '" + type + "'; " + (near.empty() ? "" : "did you mean '" + near + "'? ") +
                           "Known are " + all);
  }

  // Is this protocol there already? The same twice is pointless, two different ones are refused.
  bool repeated(const Section& section) {
    for (const Section& earlier : seen_) {
      if (earlier.type != section.type) continue;
      const std::string where = "is configured twice, first at " + earlier.setting->place.text();
      if (section.type == "icmp") {
        diagnostics_.error(*section.setting, section.key,
                           "icmp " + where + ": more than one icmp configuration found; remove one of the two");
      } else if (same(*earlier.setting, *section.setting)) {
        diagnostics_.warn(*section.setting, section.key,
                          section.type + " " + where + ", with the same options; remove one of the two");
      } else {
        diagnostics_.error(*section.setting, section.key,
                           section.type + " " + where + ", with other options; join the two sections into one");
      }
      return true;
    }
    seen_.push_back(section);
    return false;
  }

  std::vector<std::shared_ptr<const DecoderConfig>>& decoders_;
  std::vector<StreamOptions>& streams_;
  Diagnostics& diagnostics_;
  std::vector<Section> seen_;
  std::map<std::uint16_t, std::string> tcp_owners_;
  std::map<std::uint16_t, std::string> udp_owners_;
};

}  // namespace

void read_protocols(const Setting& root, std::vector<std::shared_ptr<const DecoderConfig>>& decoders,
                    std::vector<StreamOptions>& streams, Diagnostics& diagnostics) {
  decoders.assign(registered_decoders().size(), nullptr);
  streams.resize(registered_decoders().size() + 1);
  for (std::size_t i = 0; i < registered_decoders().size(); ++i) streams[i + 1].info = registered_decoders()[i].info;
  const Setting* protocols = root.find("packetbeat.protocols");
  if (protocols != nullptr) ProtocolReader(decoders, streams, diagnostics).read(*protocols);
}

}  // namespace spanbeat
