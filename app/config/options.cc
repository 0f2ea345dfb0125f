#include "app/config/options.h"

#include <algorithm>

#include "app/config/dpdk.h"
#include "app/config/known.h"
#include "dataplane/alert.h"
#include "dataplane/filter/filter.h"
#include "decoders/registry.h"
#include "export/processors/geoip.h"

namespace spanbeat {
namespace {

void read_flows(const Setting& root, Options& options, Diagnostics& diagnostics) {
  const Setting* section = root.find("packetbeat.flows");
  SettingReader reader(section != nullptr && section->is_map() ? section : nullptr, "packetbeat.flows", diagnostics);
  const GeneralSettings& general = options.general;
  FlowConfig& flows = options.worker.flows;
  // Without the section there are no flow documents; the table of flows is always there.
  flows.enabled = reader.section() != nullptr && general.packetbeat_flows_enabled;
  flows.extra_fields = general.spanbeat_fields_flow;
  flows.tunnel_fields = general.spanbeat_fields_tunnel;
  flows.timeout = general.packetbeat_flows_timeout;
  flows.period = general.packetbeat_flows_period;
  flows.max_flows = static_cast<std::size_t>(general.spanbeat_flow_max_flows);
  if (flows.timeout < kSecond) {
    if (const Setting* timeout = reader.raw("timeout")) {
      diagnostics.error(*timeout, reader.key("timeout"), timeout->describe() + ": timeout must be >= 1s");
    }
  }
  if (flows.period != -kSecond && flows.period < kSecond) {
    if (const Setting* period = reader.raw("period")) {
      diagnostics.error(*period, reader.key("period"),
                        period->describe() + ": report period must be -1s (only final reports) or >= 1s");
    }
  }
  options.exporting.streams[kFlowProtocol] = read_stream_options(reader, nullptr);
}

void read_limits(const GeneralSettings& general, WorkerConfig& worker) {
  StreamLimits& streams = worker.streams;
  streams.held_per_connection = static_cast<std::size_t>(general.spanbeat_streams_held_per_connection);
  streams.held_total = static_cast<std::size_t>(general.spanbeat_streams_held_total);
  streams.carry_per_direction = static_cast<std::size_t>(general.spanbeat_streams_carry_per_direction);
  streams.max_connections = static_cast<std::size_t>(general.spanbeat_streams_max_connections);
  streams.hole_packets = static_cast<std::uint32_t>(general.spanbeat_streams_hole_packets);
  streams.hole_time = general.spanbeat_streams_hole_time;
  worker.sampling.rate = general.spanbeat_sampling_rate;
  worker.sampling.seed = static_cast<std::uint64_t>(general.spanbeat_sampling_seed);
  worker.dedup.window = general.spanbeat_dedup_window;
  worker.dedup.packets = static_cast<std::size_t>(general.spanbeat_dedup_packets);
  worker.overload.enabled = general.spanbeat_overload_enabled;
  worker.overload.big_flow = static_cast<std::uint64_t>(general.spanbeat_overload_big_flow);
  worker.overload.recovery = general.spanbeat_overload_recovery;
  worker.alerts = general.spanbeat_alerts_enabled;
  worker.fragments.datagrams = static_cast<std::size_t>(general.spanbeat_fragments_datagrams);
  worker.fragments.octets = static_cast<std::size_t>(general.spanbeat_fragments_octets);
  worker.fragments.timeout = general.spanbeat_fragments_timeout;
  worker.event_memory = static_cast<std::size_t>(general.spanbeat_event_memory);
}

TunnelSet read_tunnels(const GeneralSettings& general) {
  TunnelSet tunnels;
  tunnels.set(TunnelType::ip_in_ip, general.spanbeat_tunnels_ip_in_ip);
  tunnels.set(TunnelType::six_in_four, general.spanbeat_tunnels_6in4);
  tunnels.set(TunnelType::four_in_six, general.spanbeat_tunnels_4in6);
  tunnels.set(TunnelType::six_in_six, general.spanbeat_tunnels_6in6);
  tunnels.set(TunnelType::gre, general.spanbeat_tunnels_gre);
  tunnels.set(TunnelType::pptp, general.spanbeat_tunnels_gre);
  tunnels.set(TunnelType::nvgre, general.spanbeat_tunnels_nvgre);
  tunnels.set(TunnelType::erspan, general.spanbeat_tunnels_erspan);
  tunnels.set(TunnelType::vxlan, general.spanbeat_tunnels_vxlan);
  tunnels.set(TunnelType::geneve, general.spanbeat_tunnels_geneve);
  tunnels.set(TunnelType::gtp, general.spanbeat_tunnels_gtp);
  return tunnels;
}

// What the types alone do not say.
void check_values(const Setting& root, const GeneralSettings& general, Diagnostics& diagnostics) {
  const auto complain = [&](std::string_view key, bool bad, const std::string& what) {
    const Setting* setting = root.find(key);
    if (bad && setting != nullptr) diagnostics.error(*setting, key, setting->describe() + what);
  };
  const auto negative = [&](std::string_view key, std::int64_t value) {
    complain(key, value < 0, " is below zero; write a duration such as 10s");
  };
  negative("packetbeat.shutdown_timeout", general.packetbeat_shutdown_timeout);
  negative("spanbeat.streams.hole_time", general.spanbeat_streams_hole_time);
  negative("spanbeat.overload.recovery", general.spanbeat_overload_recovery);
  complain("spanbeat.watchdog.timeout",
           general.spanbeat_watchdog_timeout < 0 ||
               (general.spanbeat_watchdog_timeout > 0 && general.spanbeat_watchdog_timeout < kSecond),
           ": write 0 or a duration of at least 1s");
  // Written so that it is also true of what is no number.
  const double rate = general.spanbeat_sampling_rate;
  complain("spanbeat.sampling.rate", !(rate > 0 && rate <= 1), ": write a number above 0 and up to 1, such as 0.1");
  complain("spanbeat.dedup.window", general.spanbeat_dedup_window < 0 || general.spanbeat_dedup_window > 60 * kSecond,
           ": write a duration from 0s up to 1m, such as 2ms");
  complain("spanbeat.fragments.timeout", general.spanbeat_fragments_timeout < kMillisecond,
           ": write a duration of at least 1ms");
  complain("logging.metrics.period", general.logging_metrics_period < kSecond, ": write a duration of at least 1s");
  if (!general.packetbeat_interfaces_bpf_filter.empty()) {
    const auto filter = Filter::compile(general.packetbeat_interfaces_bpf_filter, LinkType::ethernet, 65535);
    complain("packetbeat.interfaces.bpf_filter", !filter.ok(),
             filter.ok() ? "" : ": can't parse filter expression: " + std::string(filter.status().message()));
  }
}

}  // namespace

void read_options(const Setting& root, Options& options, Diagnostics& diagnostics) {
  check_known(root, diagnostics);
  SettingReader reader(&root, "", diagnostics);
  read_general_settings(reader, options.general);
  check_values(root, options.general, diagnostics);
  options.exporting.streams.resize(registered_decoders().size() + 1);
  read_export_config(root, diagnostics, options.exporting);
  options.exporting.streams.resize(registered_decoders().size() + 1);
  options.exporting.ignore_outgoing |= options.general.packetbeat_interfaces_ignore_outgoing;
  if (!options.general.spanbeat_geoip_databases.empty()) {
    std::string problem;
    options.exporting.geoip = make_geoip(options.general.spanbeat_geoip_databases, problem);
    const Setting* where = root.find("spanbeat.geoip.databases");
    if (options.exporting.geoip == nullptr && where != nullptr) {
      diagnostics.error(*where, "spanbeat.geoip.databases", problem + "; name files such as GeoLite2-City.mmdb");
    }
  }
  options.output_context.name = options.exporting.identity.name;
  options.outputs = read_outputs(root, options.output_context, diagnostics);
  options.kibana = read_kibana_setup(root, diagnostics);
  if (options.outputs.spool.enabled) {
    // Documents do not stay in memory, where a crash would cost them.
    QueueOptions& queue = options.exporting.queue;
    queue.events = std::max<std::int64_t>(options.outputs.spool.write_ahead, 32);
    queue.min_events = 1;
    queue.flush_timeout = 0;
  }
  options.exporting.document_id = options.general.spanbeat_document_id;
  read_flows(root, options, diagnostics);
  read_limits(options.general, options.worker);
  options.worker.tunnels = read_tunnels(options.general);
  options.worker.checksums = static_cast<ChecksumMode>(options.general.spanbeat_checksums);
  read_dpdk(root, options.general, options.dpdk, diagnostics);
  read_protocols(root, options.decoders, options.exporting.streams, diagnostics);
  options.exporting.streams.emplace_back().info = &kAlertInfo;
}

}  // namespace spanbeat
