#include <fmt/format.h>

#include <algorithm>

#include "app/doctor/checks.h"

namespace spanbeat {
namespace {

using Verdict = Finding::Verdict;

// linux/capability.h.
constexpr unsigned kNetAdmin = 12;
constexpr unsigned kNetRaw = 13;
constexpr unsigned kIpcLock = 14;

bool has_capability(const Patient& patient, unsigned which) { return (patient.capabilities >> which & 1) != 0; }

bool is_all(const std::vector<std::string>& interfaces) {
  return interfaces.empty() || std::find(interfaces.begin(), interfaces.end(), "any") != interfaces.end();
}

}  // namespace

void check_rights(const Patient& patient, Findings& findings) {
  std::string missing;
  const auto want = [&](unsigned which, const char* name) {
    if (!has_capability(patient, which)) missing += (missing.empty() ? "" : ",") + std::string(name);
  };
  if (!patient.dpdk) want(kNetRaw, "cap_net_raw");
  if (!patient.dpdk) want(kNetAdmin, "cap_net_admin");
  if (patient.dpdk && patient.locked_memory < (std::uint64_t{1} << 30)) want(kIpcLock, "cap_ipc_lock");
  Finding finding{Verdict::ok, "rights", "enough", {}};
  if (!missing.empty()) {
    // Without cap_net_admin capturing works, but not promiscuous.
    finding.verdict = missing == "cap_net_admin" ? Verdict::warning : Verdict::problem;
    finding.found = "missing: " + missing + (missing == "cap_net_admin" ? " (no promiscuous mode)" : "");
    finding.remedy = "run as root, or: setcap " + missing + "+ep $(command -v spanbeat)";
  }
  findings.push_back(std::move(finding));
}

void check_ring(const Machine& machine, const Patient& patient, Findings& findings) {
  Finding finding{Verdict::ok, "ring memory", {}, {}};
  // A ring of AF_PACKET is the kernel's own memory, outside of net.core.rmem_max and RLIMIT_MEMLOCK; a control group
  // and the machine bound it.
  std::int64_t available_kb = 0;
  const std::string memory = machine.text("proc/meminfo");
  if (const std::size_t at = memory.find("MemAvailable:"); at != std::string::npos) {
    available_kb = std::strtoll(memory.c_str() + at + 13, nullptr, 10);
  }
  const std::int64_t ring_kb = patient.ring_mb << 10;
  finding.found = fmt::format("{} MB for {} worker{}, {} MB available", patient.ring_mb, patient.workers,
                              patient.workers == 1 ? "" : "s", available_kb >> 10);
  if (available_kb != 0 && ring_kb > available_kb / 2) {
    finding.verdict = Verdict::problem;
    finding.remedy =
        fmt::format("packetbeat.interfaces.buffer_size_mb: {}", std::max<std::int64_t>(available_kb >> 12, 1));
  } else if (patient.ring_mb < 64) {
    finding.verdict = Verdict::warning;
    finding.found += ": at 10 Gbit/s that is " + std::to_string(patient.ring_mb * 8 / 10) + " ms";
    finding.remedy = "packetbeat.interfaces.buffer_size_mb: 256, on a fast link";
  }
  findings.push_back(std::move(finding));

  const std::int64_t backlog = machine.number("proc/sys/net/core/netdev_max_backlog").value_or(0);
  const std::int64_t budget = machine.number("proc/sys/net/core/netdev_budget").value_or(0);
  const std::int64_t receive = machine.number("proc/sys/net/core/rmem_max").value_or(0);
  Finding limits{Verdict::ok,
                 "kernel's limits",
                 fmt::format("netdev_max_backlog {}, netdev_budget {}, rmem_max {}", backlog, budget, receive),
                 {}};
  if (backlog != 0 && backlog < 10000) {
    limits.verdict = Verdict::warning;
    limits.found += ": bursts can be lost before they reach the ring";
    limits.remedy = "sysctl -w net.core.netdev_max_backlog=250000 net.core.netdev_budget=600";
  }
  if (backlog == 0) limits.found = "not told (a network namespace of its own): those of the host hold";
  findings.push_back(std::move(limits));

  const std::string release = machine.text("proc/sys/kernel/osrelease");
  int major = 0;
  int minor = 0;
  if (std::sscanf(release.c_str(), "%d.%d", &major, &minor) == 2) {
    const bool fanout = major > 4 || (major == 4 && minor >= 9);  // symmetric hash of PACKET_FANOUT_HASH
    findings.push_back(
        {fanout || patient.workers == 1 ? Verdict::ok : Verdict::problem, "fanout",
         fmt::format("kernel {}, {} worker{}", release, patient.workers, patient.workers == 1 ? "" : "s"),
         fanout || patient.workers == 1 ? "" : "spanbeat.workers: 1, or a kernel from 4.9 on"});
  }
}

void check_interfaces(const Machine& machine, const Patient& patient, Findings& findings) {
  const bool all = is_all(patient.interfaces);
  const std::vector<std::string> names = all ? machine.names("sys/class/net") : patient.interfaces;
  for (const std::string& name : names) {
    const std::string path = "sys/class/net/" + name;
    Finding finding{Verdict::ok, "interface " + name, {}, {}};
    if (!machine.has(path)) {
      finding.verdict = Verdict::problem;
      finding.found = "there is none of this name";
      finding.remedy = "spanbeat devices lists them; name one in packetbeat.interfaces.device";
      findings.push_back(std::move(finding));
      continue;
    }
    if (!machine.has(path + "/operstate")) continue;  // bonding_masters and the like
    const std::string state = machine.text(path + "/operstate");
    const std::string speed = machine.text(path + "/speed");
    finding.found = state;
    if (!speed.empty() && speed != "-1") finding.found += ", " + speed + " Mbit/s";
    if (state == "down" || state == "lowerlayerdown" || state == "notpresent") {
      finding.verdict = all ? Verdict::ok : Verdict::warning;
      if (!all) finding.remedy = "ip link set " + name + " up, and look at the cable";
    }
    const std::size_t queues = static_cast<std::size_t>([&] {
      const auto entries = machine.names(path + "/queues");
      return std::count_if(entries.begin(), entries.end(),
                           [](const std::string& entry) { return entry.rfind("rx-", 0) == 0; });
    }());
    if (queues != 0) finding.found += fmt::format(", {} queue{}", queues, queues == 1 ? "" : "s");
    findings.push_back(std::move(finding));
  }
}

void check_clock(const Machine& machine, Findings& findings) {
  const std::string source = machine.text("sys/devices/system/clocksource/clocksource0/current_clocksource");
  Finding finding{Verdict::ok, "clock source", source.empty() ? "not told" : source, {}};
  if (!source.empty() && source != "tsc" && source != "kvm-clock" && source != "hyperv_clocksource_tsc_page" &&
      source != "arch_sys_counter") {
    finding.verdict = Verdict::warning;
    finding.found += ": each look at the clock is a system call";
    const std::string there = machine.text("sys/devices/system/clocksource/clocksource0/available_clocksource");
    finding.remedy = there.find("tsc") != std::string::npos
                         ? "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource"
                         : "look in the kernel's log why tsc was given up: dmesg | grep -i tsc";
  }
  findings.push_back(std::move(finding));
}

void check_governor(const Machine& machine, const Patient& patient, Findings& findings) {
  std::string slow;
  std::string seen;
  std::vector<int> cores = patient.options.cores;
  if (cores.empty()) cores = read_core_list(machine.text("sys/devices/system/cpu/online"));
  for (const int core : cores) {
    const std::string governor =
        machine.text(fmt::format("sys/devices/system/cpu/cpu{}/cpufreq/scaling_governor", core));
    if (governor.empty()) continue;
    seen = governor;
    if (governor != "performance") slow = governor;
  }
  if (seen.empty()) return;  // virtual machines have none
  Finding finding{Verdict::ok, "CPU governor", seen, {}};
  if (!slow.empty()) {
    finding.verdict = Verdict::warning;
    finding.found = slow + ": a core is slow when a burst comes";
    finding.remedy = "cpupower frequency-set -g performance";
  }
  findings.push_back(std::move(finding));
}

Findings examine(const Machine& machine, const Patient& patient, bool open_ports) {
  Findings findings;
  check_rights(patient, findings);
  if (patient.dpdk) {
    check_huge_pages(machine, patient, findings);
    check_iommu(machine, patient, findings);
    check_binding(machine, patient, findings);
    check_placement(machine, patient, findings);
    check_isolation(machine, patient, findings);
    if (open_ports) check_rss(patient, findings);
  } else {
    check_ring(machine, patient, findings);
    check_interfaces(machine, patient, findings);
  }
  check_clock(machine, findings);
  check_governor(machine, patient, findings);
  return findings;
}

}  // namespace spanbeat
