#include "app/config/dpdk.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "dataplane/source/dpdk/drop_rules.h"

namespace spanbeat {
namespace {

constexpr int kDpdk = 3;  // the place of `dpdk` among the choices of packetbeat.interfaces.type
constexpr int kMostCores = 4096;

// -E cuts lists at commas, and so devices from their arguments: "rx_pcap=FILE" belongs to what stands before it.
std::vector<std::string> joined_devices(const std::vector<std::string>& written) {
  std::vector<std::string> out;
  for (const std::string& part : written) {
    const std::size_t end = part.find_first_of("=,");
    if (!out.empty() && end != std::string::npos && part[end] == '=') {
      out.back() += "," + part;
    } else {
      out.push_back(part);
    }
  }
  return out;
}

std::string_view name_of(std::string_view device) { return device.substr(0, device.find(',')); }

// What a device's name must look like; everything else is for the driver to judge.
bool plausible_device(std::string_view device) {
  const std::string_view name = name_of(device);
  if (name.empty() || name.size() > 63) return false;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != ':' && c != '.' && c != '-') return false;
  }
  const bool address = name.find(':') != std::string_view::npos;
  return address ||
         (name.find('_') != std::string_view::npos && std::isalpha(static_cast<unsigned char>(name[0])) != 0);
}

bool read_number(std::string_view text, int& number) {
  if (text.empty() || text.size() > 5) return false;
  number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + (c - '0');
  }
  return number < kMostCores;
}

bool read_cores(std::string_view text, std::vector<int>& cores) {
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    const std::size_t dash = part.find('-');
    int first = 0;
    int last = 0;
    if (!read_number(part.substr(0, dash), first)) return false;
    if (dash == std::string_view::npos) {
      last = first;
    } else if (!read_number(part.substr(dash + 1), last) || last < first) {
      return false;
    }
    for (int core = first; core <= last; ++core) cores.push_back(core);
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

std::vector<std::string> words(const std::vector<std::string>& texts) {
  std::vector<std::string> out;
  for (const std::string& text : texts) {
    std::size_t at = 0;
    while ((at = text.find_first_not_of(" \t\n", at)) != std::string::npos) {
      const std::size_t end = text.find_first_of(" \t\n", at);
      out.push_back(text.substr(at, end - at));
      if (end == std::string::npos) break;
      at = end;
    }
  }
  return out;
}

// Arguments with which EAL would not start but wait for another process without end, or end the program.
std::string_view unusable_argument(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "-h" || argument == "--help") return "explains EAL's options and ends the program";
    constexpr std::string_view kProcess = "--proc-type";
    if (argument.substr(0, kProcess.size()) != kProcess) continue;
    const std::string_view type = argument.size() > kProcess.size() ? argument.substr(kProcess.size() + 1)
                                  : i + 1 < arguments.size()        ? std::string_view(arguments[i + 1])
                                                                    : std::string_view();
    if (type != "primary") return "makes it wait for another process of DPDK; here a port is always opened by its own";
  }
  return {};
}

// The setting of a text of a list, for its place.
const Setting& place_of(const Setting& list, std::size_t i) {
  return list.is_list() && i < list.list().size() ? list.list()[i] : list;
}

}  // namespace

bool wants_dpdk(const GeneralSettings& general) {
  return static_cast<int>(general.packetbeat_interfaces_type) == kDpdk && general.packetbeat_interfaces_file.empty();
}

void read_dpdk(const Setting& root, const GeneralSettings& general, DpdkOptions& options, Diagnostics& diagnostics) {
  const Setting* section = root.find("spanbeat.dpdk");
  if (!wants_dpdk(general)) {
    if (section != nullptr && section->is_map() && !section->map().empty() &&
        general.packetbeat_interfaces_file.empty()) {
      diagnostics.warn(*section, "spanbeat.dpdk",
                       "has no effect without packetbeat.interfaces.type: dpdk; write that to capture with DPDK");
    }
    return;
  }
  options.devices = joined_devices(general.spanbeat_dpdk_devices);
  options.eal_args = words(general.spanbeat_dpdk_eal_args);
  const std::string& device = general.packetbeat_interfaces_device;
  if (options.devices.empty() && plausible_device(device)) options.devices.push_back(device);
  options.queues = static_cast<int>(general.spanbeat_dpdk_queues);
  options.descriptors = static_cast<int>(general.spanbeat_dpdk_descriptors);
  options.buffers = general.spanbeat_dpdk_buffers;
  options.buffer_size = general.spanbeat_dpdk_buffer_size;
  options.mtu = static_cast<int>(general.spanbeat_dpdk_mtu);
  options.snap_length = static_cast<int>(general.packetbeat_interfaces_snaplen);
  options.promiscuous = general.spanbeat_dpdk_promiscuous;
  options.busy_poll = general.spanbeat_dpdk_busy_poll;
  options.device_time = static_cast<int>(general.spanbeat_dpdk_timestamps) == 0;
  options.rss = static_cast<int>(general.spanbeat_dpdk_rss) == 0 ? DpdkRss::addresses : DpdkRss::ports;
  options.steering = static_cast<DpdkSteering>(general.spanbeat_dpdk_steering);
  options.ports_share_flows = general.spanbeat_dpdk_ports_share_flows;
  options.cache = static_cast<int>(general.spanbeat_dpdk_cache);
  options.checksums = static_cast<int>(general.spanbeat_checksums) != 0;
  options.udp_tunnels =
      general.spanbeat_tunnels_vxlan || general.spanbeat_tunnels_geneve || general.spanbeat_tunnels_gtp;
  // A tunnel that stays closed is one flow, which must not be taken apart by what is inside.
  options.inner_rss = general.spanbeat_tunnels_ip_in_ip && general.spanbeat_tunnels_6in4 &&
                      general.spanbeat_tunnels_4in6 && general.spanbeat_tunnels_6in6 && general.spanbeat_tunnels_gre &&
                      general.spanbeat_tunnels_nvgre && general.spanbeat_tunnels_erspan &&
                      general.spanbeat_tunnels_vxlan && general.spanbeat_tunnels_geneve && general.spanbeat_tunnels_gtp;
  options.stop_when_idle = general.spanbeat_dpdk_stop_when_idle;
  options.filter = general.packetbeat_interfaces_bpf_filter;

  if (const Setting* list = root.find("spanbeat.dpdk.devices")) {
    for (std::size_t i = 0; i < options.devices.size(); ++i) {
      const auto same_name = [&](const std::string& other) { return name_of(other) == name_of(options.devices[i]); };
      const auto here = options.devices.begin() + static_cast<std::ptrdiff_t>(i);
      if (std::any_of(options.devices.begin(), here, same_name)) {
        diagnostics.error(
            place_of(*list, i), "spanbeat.dpdk.devices",
            "'" + std::string(name_of(options.devices[i])) +
                "' is named twice; give each virtual device a number of its own, as in net_pcap0 and net_pcap1");
      }
      if (plausible_device(options.devices[i])) continue;
      diagnostics.error(place_of(*list, i), "spanbeat.dpdk.devices",
                        "'" + options.devices[i] +
                            "' is no device; write a PCI address (0000:3b:00.0) or a virtual device with its "
                            "arguments (net_af_packet0,iface=eth0)");
    }
  }
  options.hardware_shunt = general.spanbeat_dpdk_hardware_shunt;
  options.shunt_flows = static_cast<std::size_t>(general.spanbeat_dpdk_hardware_shunt_flows);
  options.drop = general.spanbeat_dpdk_drop;
  if (const Setting* list = root.find("spanbeat.dpdk.drop")) {
    for (std::size_t i = 0; i < options.drop.size(); ++i) {
      std::vector<FlowMatch> matches;
      std::string problem;
      if (parse_drop(options.drop[i], matches, problem)) continue;
      diagnostics.error(place_of(*list, i), "spanbeat.dpdk.drop", "'" + options.drop[i] + "': " + problem);
    }
  }
  if (const Setting* list = root.find("spanbeat.dpdk.eal_args")) {
    if (const std::string_view what = unusable_argument(options.eal_args); !what.empty()) {
      diagnostics.error(*list, "spanbeat.dpdk.eal_args",
                        list->describe() + ": one of these " + std::string(what) + "; leave it out");
    }
  }
  if (const Setting* list = root.find("spanbeat.dpdk.cores")) {
    const std::vector<std::string>& written = general.spanbeat_dpdk_cores;
    for (std::size_t i = 0; i < written.size(); ++i) {
      if (read_cores(written[i], options.cores)) continue;
      diagnostics.error(place_of(*list, i), "spanbeat.dpdk.cores",
                        "'" + written[i] + "' is no core; write numbers and ranges such as [2, 4-7]");
    }
  }
  const auto complain = [&](const char* key, bool bad, const std::string& what) {
    const Setting* setting = root.find(key);
    if (bad && setting != nullptr) diagnostics.error(*setting, key, setting->describe() + what);
  };
  complain("spanbeat.dpdk.stop_when_idle", options.stop_when_idle < 0, " is below zero; write a duration such as 2s");
  complain("spanbeat.dpdk.buffer_size", options.buffer_size != 0 && options.buffer_size < 256,
           ": write at least 256, or 0 to have it worked out");
  complain("spanbeat.dpdk.buffers", options.buffers != 0 && options.buffers < options.descriptors + 64,
           ": fewer than a queue's descriptors and 64 more; write at least " +
               std::to_string(options.descriptors + 64) + ", or 0 to have it worked out");
  complain("spanbeat.dpdk.mtu", options.mtu != 0 && options.mtu < 68, ": write at least 68, or 0 for the device's own");
  if (options.devices.empty() && options.eal_args.empty()) {
    const Setting* type = root.find("packetbeat.interfaces.type");
    const std::string problem =
        "dpdk needs a device; name it in spanbeat.dpdk.devices, such as 0000:3b:00.0 or net_af_packet0,iface=eth0";
    if (type != nullptr) {
      diagnostics.error(*type, "packetbeat.interfaces.type", problem);
    } else {
      diagnostics.error("packetbeat.interfaces.type: " + problem);
    }
  }
}

}  // namespace spanbeat
