// Stories about what the settings mean: protocols, flows, limits, and what is refused.
#include "app/config/options.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "app/config/load.h"
#include "app/config/yaml_reader.h"
#include "decoders/registry.h"

namespace spanbeat {
namespace {

struct Outcome {
  Options options;
  std::string errors;
  std::string warnings;
};

Outcome outcome(const std::string& text) {
  Outcome out;
  Setting root;
  Diagnostics diagnostics;
  EXPECT_TRUE(read_yaml(text + "\noutput.console: {}\n", "f.yml", root, diagnostics));
  read_options(root, out.options, diagnostics);
  for (const auto& finding : diagnostics.findings())
    (finding.error ? out.errors : out.warnings) += finding.message + "\n";
  return out;
}

std::size_t position(std::string_view name) {
  for (std::size_t i = 0; i < registered_decoders().size(); ++i) {
    if (registered_decoders()[i].name == name) return i;
  }
  ADD_FAILURE() << name << " is not registered";
  return 0;
}

bool is_on(const Options& options, std::string_view name) { return options.decoders[position(name)] != nullptr; }

TEST(Protocols, ListAndDictionaryMeanTheSame) {
  for (const auto* text : {"packetbeat.protocols:\n- type: http\n  ports: [80, 81]\n- type: icmp\n",
                           "packetbeat.protocols:\n  http: {ports: [80, 81]}\n  icmp: {enabled: true}\n",
                           "packetbeat.protocols.http.ports: [80, 81]\npacketbeat.protocols.icmp.enabled: true\n"}) {
    const Outcome out = outcome(text);
    EXPECT_EQ(out.errors + out.warnings, "") << text;
    ASSERT_TRUE(is_on(out.options, "http"));
    EXPECT_TRUE(is_on(out.options, "icmp"));
    EXPECT_FALSE(is_on(out.options, "dns"));
    EXPECT_EQ(out.options.decoders[position("http")]->ports, (std::vector<std::uint16_t>{80, 81}));
  }
}

TEST(Protocols, SwitchedOffOrWithoutPortsIsOff) {
  Outcome out =
      outcome("packetbeat.protocols:\n- {type: http, ports: [80], enabled: false}\n- {type: icmp, enabled: no}\n");
  EXPECT_FALSE(is_on(out.options, "http"));
  EXPECT_FALSE(is_on(out.options, "icmp"));
  EXPECT_EQ(out.errors + out.warnings, "");
  out = outcome("packetbeat.protocols: [{type: dns}]\n");
  EXPECT_FALSE(is_on(out.options, "dns"));
  EXPECT_NE(out.warnings.find("has no ports"), std::string::npos);
  EXPECT_EQ(outcome("packetbeat.protocols: [{type: dns, ports: []}]\n").warnings, "") << "an empty list is on purpose";
}

TEST(Protocols, AnUnknownOneIsRefusedWithTheNearestName) {
  EXPECT_EQ(outcome("packetbeat.protocols:\n- type: htpp\n  ports: [80]\n").errors.substr(0, 87),
            "f.yml:2:9: packetbeat.protocols.0.type: unknown protocol 'htpp'; did you mean 'http'? K");
}

TEST(Protocols, OnePortBelongsToOneProtocolOfATransport) {
  const std::string errors =
      outcome("packetbeat.protocols:\n- {type: http, ports: [53]}\n- {type: dns, ports: [53]}\n").errors;
  EXPECT_NE(errors.find("f.yml:3:15: packetbeat.protocols.1.ports: port 53 is already a port of http"),
            std::string::npos)
      << errors;
  EXPECT_NE(outcome("packetbeat.protocols: [{type: http, ports: [443]}, {type: tls, ports: [443]}]\n")
                .errors.find("port 443"),
            std::string::npos);
  EXPECT_EQ(outcome("packetbeat.protocols: [{type: http, ports: [5060]}, {type: sip, ports: [5060]}]\n").errors, "")
      << "one is over TCP, the other over UDP";
  EXPECT_NE(outcome("packetbeat.protocols: [{type: dns, ports: [67]}, {type: dhcpv4}]\n").errors.find("port 67"),
            std::string::npos)
      << "dhcpv4 has ports of its own";
  EXPECT_EQ(
      outcome("packetbeat.protocols: [{type: http, ports: [80]}, {type: tls, ports: [80], enabled: false}]\n").errors,
      "");
}

TEST(Protocols, PortsOutOfRangeAreRefused) {
  EXPECT_NE(outcome("packetbeat.protocols: [{type: http, ports: [99999]}]\n")
                .errors.find("99999 is no port; write a number from 1 to 65535"),
            std::string::npos);
}

TEST(Protocols, TheSameTwice) {
  EXPECT_NE(outcome("packetbeat.protocols: [{type: http, ports: [80]}, {type: http, ports: [81]}]\n")
                .errors.find("configured twice"),
            std::string::npos);
  const Outcome same = outcome("packetbeat.protocols: [{type: http, ports: [80]}, {ports: [80], type: http}]\n");
  EXPECT_EQ(same.errors, "");
  EXPECT_NE(same.warnings.find("with the same options"), std::string::npos);
  EXPECT_NE(outcome("packetbeat.protocols: [{type: icmp}, {type: icmp}]\n").errors.find("more than one icmp"),
            std::string::npos);
}

TEST(Protocols, SectionsThatAreNone) {
  EXPECT_NE(outcome("packetbeat.protocols: [{ports: [80]}]\n")
                .errors.find("packetbeat.protocols.0.type: string value is not set"),
            std::string::npos);
  EXPECT_NE(outcome("packetbeat.protocols: [http]\n").errors.find("write '- type: http'"), std::string::npos);
  EXPECT_NE(outcome("packetbeat.protocols: http\n").errors.find("where a list is expected"), std::string::npos);
  EXPECT_NE(outcome("packetbeat.protocols: {http: 80}\n").errors.find("where a section is expected"),
            std::string::npos);
}

TEST(Protocols, MisspeltOptionsAreWarnedOf) {
  EXPECT_NE(outcome("packetbeat.protocols: [{type: http, ports: [80], send_heders: [a]}]\n")
                .warnings.find("did you mean 'send_headers'?"),
            std::string::npos);
  EXPECT_NE(outcome("packetbeat.protocols: [{type: mysql, ports: [1], max_row: 3}]\n")
                .warnings.find("did you mean 'max_rows'?"),
            std::string::npos);
}

TEST(Flows, NoSectionNoDocuments) {
  EXPECT_FALSE(outcome("name: x").options.worker.flows.enabled);
  EXPECT_FALSE(outcome("packetbeat.flows:").options.worker.flows.enabled);
  EXPECT_FALSE(outcome("packetbeat.flows: {enabled: false, timeout: 5s}").options.worker.flows.enabled);
  const Outcome out = outcome("packetbeat.flows: {timeout: 1m, period: -1s}\nspanbeat.fields.flow: true\n");
  EXPECT_EQ(out.errors + out.warnings, "");
  EXPECT_TRUE(out.options.worker.flows.enabled);
  EXPECT_TRUE(out.options.worker.flows.extra_fields);
  EXPECT_EQ(out.options.worker.flows.timeout, 60 * kSecond);
  EXPECT_EQ(out.options.worker.flows.period, -kSecond);
}

TEST(Flows, TimesThatAreTooShortOrHaveNoUnit) {
  EXPECT_NE(outcome("packetbeat.flows.timeout: 10ms").errors.find("timeout must be >= 1s"), std::string::npos);
  EXPECT_NE(outcome("packetbeat.flows.period: 10ms").errors.find("report period must be"), std::string::npos);
  EXPECT_NE(outcome("packetbeat.flows.period: 10").errors.find("has no unit"), std::string::npos);
}

TEST(Limits, ReachTheWorkerAndAreChecked) {
  const Outcome out = outcome(
      "spanbeat.streams: {held_per_connection: 64KiB, hole_packets: 7, hole_time: 2s}\nspanbeat.flow.max_flows: 2048\n"
      "spanbeat.fragments.timeout: 5s\nspanbeat.event_memory: 2MiB\n");
  EXPECT_EQ(out.errors + out.warnings, "");
  EXPECT_EQ(out.options.worker.streams.held_per_connection, 65536U);
  EXPECT_EQ(out.options.worker.streams.hole_packets, 7U);
  EXPECT_EQ(out.options.worker.streams.hole_time, 2 * kSecond);
  EXPECT_EQ(out.options.worker.flows.max_flows, 2048U);
  EXPECT_EQ(out.options.worker.fragments.timeout, 5 * kSecond);
  EXPECT_EQ(out.options.worker.event_memory, std::size_t{2} << 20);
  EXPECT_NE(outcome("spanbeat.event_memory: 5").errors.find("out of range"), std::string::npos);
  EXPECT_NE(outcome("spanbeat.flow.max_flows: 1").errors.find("out of range"), std::string::npos);
  EXPECT_NE(outcome("spanbeat.workers: 65").errors.find("out of range"), std::string::npos);
}

TEST(LineRate, SettingsReachTheWorkerAndAreChecked) {
  const Outcome out = outcome(
      "spanbeat.sampling: {rate: 0.25, seed: 9}\nspanbeat.dedup: {window: 2ms, packets: 4096}\n"
      "spanbeat.overload: {enabled: false, big_flow: 2MiB, recovery: 5s}\nspanbeat.alerts.enabled: true\n"
      "spanbeat.watchdog.timeout: 0\n");
  EXPECT_EQ(out.errors + out.warnings, "");
  const WorkerConfig& worker = out.options.worker;
  EXPECT_EQ(worker.sampling.rate, 0.25);
  EXPECT_EQ(worker.sampling.seed, 9U);
  EXPECT_EQ(worker.dedup.window, 2 * kMillisecond);
  EXPECT_EQ(worker.dedup.packets, 4096U);
  EXPECT_FALSE(worker.overload.enabled);
  EXPECT_EQ(worker.overload.big_flow, std::size_t{2} << 20);
  EXPECT_EQ(worker.overload.recovery, 5 * kSecond);
  EXPECT_TRUE(worker.alerts);
  for (const char* rate : {"0", "-0.5", "1.01", ".nan", ".inf"})
    EXPECT_NE(outcome("spanbeat.sampling.rate: " + std::string(rate)).errors, "") << rate;
  EXPECT_NE(outcome("spanbeat.dedup.window: 61s").errors.find("up to 1m"), std::string::npos);
  EXPECT_NE(outcome("spanbeat.dedup.window: -1ms").errors.find("up to 1m"), std::string::npos);
  EXPECT_NE(outcome("spanbeat.watchdog.timeout: 100ms").errors.find("at least 1s"), std::string::npos);
}

TEST(Limits, DefaultsAreThoseOfTheRooms) {
  const Outcome out = outcome("name: x");
  const WorkerConfig preset;
  EXPECT_EQ(out.options.worker.streams.held_per_connection, preset.streams.held_per_connection);
  EXPECT_EQ(out.options.worker.streams.held_total, preset.streams.held_total);
  EXPECT_EQ(out.options.worker.streams.carry_per_direction, preset.streams.carry_per_direction);
  EXPECT_EQ(out.options.worker.streams.max_connections, preset.streams.max_connections);
  EXPECT_EQ(out.options.worker.streams.hole_packets, preset.streams.hole_packets);
  EXPECT_EQ(out.options.worker.streams.hole_time, preset.streams.hole_time);
  EXPECT_EQ(out.options.worker.flows.max_flows, preset.flows.max_flows);
  EXPECT_EQ(out.options.worker.flows.timeout, preset.flows.timeout);
  EXPECT_EQ(out.options.worker.flows.period, preset.flows.period);
  EXPECT_EQ(out.options.worker.fragments.datagrams, preset.fragments.datagrams);
  EXPECT_EQ(out.options.worker.fragments.octets, preset.fragments.octets);
  EXPECT_EQ(out.options.worker.fragments.timeout, preset.fragments.timeout);
  EXPECT_EQ(out.options.worker.event_memory, preset.event_memory);
  EXPECT_EQ(out.options.worker.sampling.rate, preset.sampling.rate);
  EXPECT_EQ(out.options.worker.dedup.window, preset.dedup.window);
  EXPECT_EQ(out.options.worker.dedup.packets, preset.dedup.packets);
  EXPECT_EQ(out.options.worker.overload.enabled, preset.overload.enabled);
  EXPECT_EQ(out.options.worker.overload.big_flow, preset.overload.big_flow);
  EXPECT_EQ(out.options.worker.overload.recovery, preset.overload.recovery);
}

TEST(Tunnels, AreAllOpenedAndEachCanBeSwitchedOffAlone) {
  const Outcome preset = outcome("name: x");
  EXPECT_FALSE(preset.options.worker.flows.tunnel_fields);
  for (std::size_t each = 0; each < kTunnelTypes; ++each) {
    const auto type = static_cast<TunnelType>(each);
    EXPECT_TRUE(preset.options.worker.tunnels.has(type)) << tunnel_name(type);
    if (type == TunnelType::pptp) continue;  // has no switch of its own
    const Outcome out = outcome("spanbeat.tunnels." + std::string(tunnel_name(type)) + ": false");
    EXPECT_EQ(out.errors + out.warnings, "");
    for (std::size_t other = 0; other < kTunnelTypes; ++other) {
      const auto left = static_cast<TunnelType>(other);
      const bool off = left == type || (type == TunnelType::gre && left == TunnelType::pptp);
      EXPECT_EQ(out.options.worker.tunnels.has(left), !off)
          << tunnel_name(left) << " with " << tunnel_name(type) << " switched off";
    }
  }
}

TEST(Tunnels, TakeASectionAndTellOfWhatIsNone) {
  const Outcome out = outcome("spanbeat.tunnels: {vxlan: no, gtp: off, 6in4: true}\nspanbeat.fields.tunnel: true\n");
  EXPECT_EQ(out.errors + out.warnings, "");
  EXPECT_FALSE(out.options.worker.tunnels.has(TunnelType::vxlan));
  EXPECT_FALSE(out.options.worker.tunnels.has(TunnelType::gtp));
  EXPECT_TRUE(out.options.worker.tunnels.has(TunnelType::six_in_four));
  EXPECT_TRUE(out.options.worker.tunnels.has(TunnelType::geneve));
  EXPECT_TRUE(out.options.worker.flows.tunnel_fields);
  EXPECT_NE(outcome("spanbeat.tunnels.vxlam: false").warnings.find("vxlan"), std::string::npos)
      << "the nearest name is told";
  EXPECT_NE(outcome("spanbeat.tunnels.vxlan: 7").errors.find("spanbeat.tunnels.vxlan"), std::string::npos);
  EXPECT_NE(outcome("spanbeat.tunnels.vxlan: [4789]").errors.find("spanbeat.tunnels.vxlan"), std::string::npos);
}

TEST(Options, AFilterThatIsNoneIsRefusedWithItsPlace) {
  EXPECT_NE(outcome("packetbeat.interfaces.bpf_filter: 'tcp prt 80'")
                .errors.find("f.yml:1:35: packetbeat.interfaces.bpf_filter: 'tcp prt 80': can't parse"),
            std::string::npos);
  EXPECT_EQ(outcome("packetbeat.interfaces.bpf_filter: 'tcp port 80'").errors, "");
}

TEST(Options, NetworksOutputsAndProcessors) {
  EXPECT_NE(outcome("packetbeat.interfaces.internal_networks: [nosuch]").errors.find("nosuch"), std::string::npos);
  EXPECT_NE(outcome("output.file.path: /tmp").errors.find("more than one"), std::string::npos);
  EXPECT_NE(outcome("processors: [{nosuch: {a: 1}}]").errors.find("nosuch"), std::string::npos);
  EXPECT_NE(
      outcome("packetbeat.protocols: [{type: http, ports: [80], processors: [{nosuch: }]}]").errors.find("nosuch"),
      std::string::npos);
  EXPECT_TRUE(outcome("packetbeat.interfaces.ignore_outgoing: true").options.exporting.ignore_outgoing);
}

TEST(Options, TheBuiltInConfigurationIsRight) {
  const Outcome out = outcome(std::string(builtin_config()));
  EXPECT_EQ(out.errors, "");
  for (const auto* name : {"icmp", "dns", "http"}) EXPECT_TRUE(is_on(out.options, name)) << name;
  EXPECT_TRUE(out.options.worker.flows.enabled);
}

}  // namespace
}  // namespace spanbeat
