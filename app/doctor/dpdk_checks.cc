#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "app/doctor/checks.h"
#include "dataplane/source/dpdk/eal.h"
#include "dataplane/source/dpdk/port.h"
#include "dataplane/source/dpdk/ports.h"
#include "dataplane/source/dpdk/threads.h"

namespace spanbeat {
namespace {

using Verdict = Finding::Verdict;

std::vector<std::string> pci_addresses(const Patient& patient) {
  std::vector<std::string> out;
  for (const std::string& device : patient.options.devices) {
    if (!is_pci_device(device)) continue;
    const std::string name = device_name(device);
    out.push_back(name.size() == 7 ? "0000:" + name : name);
  }
  return out;
}

bool is_for_userspace(const std::string& driver) {
  return driver == "vfio-pci" || driver == "uio_pci_generic" || driver == "igb_uio";
}

// mlx4 and mlx5 work together with the kernel's driver.
bool shares_with_kernel(const std::string& driver) { return driver == "mlx5_core" || driver == "mlx4_core"; }

bool without_huge_pages(const Patient& patient) {
  const auto& arguments = patient.options.eal_args;
  return std::find(arguments.begin(), arguments.end(), "--no-huge") != arguments.end();
}

std::string list_of(const std::vector<int>& cores) {
  std::string out;
  for (const int core : cores) out += (out.empty() ? "" : ",") + std::to_string(core);
  return out;
}

}  // namespace

void check_huge_pages(const Machine& machine, const Patient& patient, Findings& findings) {
  std::uint64_t needed = std::uint64_t{36} << 20;
  for (const std::string& device : patient.options.devices) {
    DpdkBuffers buffers;
    std::string problem;
    if (plan_buffers(device, patient.options, buffers, problem))
      needed += buffers.needed.huge_pages + kDriverMemory.huge_pages;
  }
  std::uint64_t free = 0;
  std::uint64_t total = 0;
  for (const std::string& name : machine.names("sys/kernel/mm/hugepages")) {  // hugepages-2048kB
    const std::string kilobytes = name.substr(std::min(name.size(), name.find('-') + 1));
    const std::uint64_t size = std::strtoull(kilobytes.c_str(), nullptr, 10) * 1024;
    free += size * static_cast<std::uint64_t>(
                       machine.number("sys/kernel/mm/hugepages/" + name + "/free_hugepages").value_or(0));
    total += size * static_cast<std::uint64_t>(
                        machine.number("sys/kernel/mm/hugepages/" + name + "/nr_hugepages").value_or(0));
  }
  Finding finding{Verdict::ok, "huge pages", {}, {}};
  finding.found = fmt::format("{} MiB free of {} MiB; {} MiB are needed", free >> 20, total >> 20, (needed >> 20) + 1);
  const std::uint64_t pages = (needed >> 21) + 1 + ((total - std::min(total, free)) >> 21);
  if (free < needed) {
    // Without them packets are slower, but a device on the bus cannot do without: its memory must not move.
    const bool must = !pci_addresses(patient).empty() && !without_huge_pages(patient);
    finding.verdict = must ? Verdict::problem : Verdict::warning;
    finding.remedy = fmt::format("scripts/nic hugepages {}", pages);
  }
  findings.push_back(std::move(finding));
}

void check_iommu(const Machine& machine, const Patient& patient, Findings& findings) {
  if (pci_addresses(patient).empty()) return;
  Finding finding{Verdict::ok, "IOMMU", {}, {}};
  const std::size_t units = machine.names("sys/class/iommu").size();
  const bool unsafe = machine.text("sys/module/vfio/parameters/enable_unsafe_noiommu_mode") == "Y";
  const std::string line = machine.text("proc/cmdline");
  if (units != 0) {
    finding.found = fmt::format("{} unit{}", units, units == 1 ? "" : "s");
    if (line.find("iommu=pt") == std::string::npos) {
      finding.verdict = Verdict::warning;
      finding.found += ", not in pass-through mode: the host's own devices pay for it";
      finding.remedy =
          "add iommu=pt to the kernel's command line (GRUB_CMDLINE_LINUX in /etc/default/grub; update-grub; reboot)";
    }
  } else if (unsafe) {
    finding.verdict = Verdict::warning;
    finding.found = "none; vfio runs without (enable_unsafe_noiommu_mode): the NIC can write anywhere";
    finding.remedy =
        "add intel_iommu=on iommu=pt (AMD: iommu=pt) to the kernel's command line and switch the IOMMU on in the "
        "firmware";
  } else {
    finding.verdict = Verdict::problem;
    finding.found = "none is in use, and vfio-pci takes no device without one";
    finding.remedy =
        "add intel_iommu=on iommu=pt (AMD: iommu=pt) to the kernel's command line and switch VT-d or AMD-Vi on in the "
        "firmware; in a virtual machine without one: scripts/nic bind --no-iommu DEVICE";
  }
  findings.push_back(std::move(finding));
}

void check_binding(const Machine& machine, const Patient& patient, Findings& findings) {
  for (const std::string& address : pci_addresses(patient)) {
    Finding finding{Verdict::ok, "driver of " + address, {}, {}};
    const std::string device = "sys/bus/pci/devices/" + address;
    const std::string driver = machine.link(device + "/driver");
    const std::vector<std::string> interfaces = machine.names(device + "/net");
    if (!machine.has(device)) {
      finding.verdict = Verdict::problem;
      finding.found = "there is no such device";
      finding.remedy = "lspci -D | grep -i ethernet, and name one of these in spanbeat.dpdk.devices";
    } else if (is_for_userspace(driver) || shares_with_kernel(driver)) {
      finding.found = driver;
      if (driver == "vfio-pci") {
        const std::string group = machine.link(device + "/iommu_group");
        const bool there = machine.has("dev/vfio/" + group) || machine.has("dev/vfio/noiommu-" + group);
        if (!group.empty() && !there) {
          finding.verdict = Verdict::problem;
          finding.found += ", but /dev/vfio/" + group + " is not there";
          finding.remedy = "modprobe vfio-pci; in a container: give it /dev/vfio";
        }
        for (const std::string& other : machine.names(device + "/iommu_group/devices")) {
          const std::string theirs = machine.link("sys/bus/pci/devices/" + other + "/driver");
          if (other == address || theirs.empty() || is_for_userspace(theirs) || theirs == "pcieport") continue;
          finding.verdict = Verdict::problem;
          finding.found += fmt::format(", but {} of the same IOMMU group has the kernel's driver {}", other, theirs);
          finding.remedy = "scripts/nic bind " + other + ", or put the NIC into another slot";
        }
      }
    } else {
      finding.verdict = Verdict::problem;
      finding.found = driver.empty() ? "none" : "the kernel's " + driver;
      if (!interfaces.empty()) finding.found += " (interface " + interfaces.front() + ")";
      finding.remedy = "scripts/nic bind " + address;
    }
    findings.push_back(std::move(finding));
  }
}

void check_placement(const Machine& machine, const Patient& patient, Findings& findings) {
  for (const std::string& address : pci_addresses(patient)) {
    const std::int64_t node = machine.number("sys/bus/pci/devices/" + address + "/numa_node").value_or(-1);
    Finding finding{Verdict::ok, "NUMA node of " + address, node < 0 ? "not told; one node" : std::to_string(node), {}};
    std::vector<int> far;
    for (const int core : patient.options.cores) {
      const int place = node_of_core(core, machine.root());
      if (node >= 0 && place >= 0 && place != node) far.push_back(core);
    }
    if (!far.empty()) {
      finding.verdict = Verdict::warning;
      finding.found += "; of another one: core " + list_of(far);
      finding.remedy = fmt::format("choose spanbeat.dpdk.cores among {}",
                                   machine.text(fmt::format("sys/devices/system/node/node{}/cpulist", node)));
    } else if (node >= 0 && !without_huge_pages(patient)) {
      std::int64_t pages = 0;
      const std::string there = fmt::format("sys/devices/system/node/node{}/hugepages", node);
      for (const std::string& size : machine.names(there)) {
        pages += machine.number(there + "/" + size + "/free_hugepages").value_or(0);
      }
      if (pages == 0) {
        finding.verdict = Verdict::warning;
        finding.found += "; no huge page is free there";
        finding.remedy = fmt::format("scripts/nic hugepages 512 --node {}", node);
      }
    }
    findings.push_back(std::move(finding));
  }
}

void check_isolation(const Machine& machine, const Patient& patient, Findings& findings) {
  const std::vector<int> isolated = read_core_list(machine.text("sys/devices/system/cpu/isolated"));
  const std::vector<int> online = read_core_list(machine.text("sys/devices/system/cpu/online"));
  Finding finding{Verdict::ok, "cores", {}, {}};
  std::vector<int> shared;
  std::vector<int> missing;
  for (const int core : patient.options.cores) {
    if (std::find(online.begin(), online.end(), core) == online.end()) missing.push_back(core);
    if (std::find(isolated.begin(), isolated.end(), core) == isolated.end()) shared.push_back(core);
  }
  if (!missing.empty()) {
    finding.verdict = Verdict::problem;
    finding.found = "not there: " + list_of(missing);
    finding.remedy = "choose spanbeat.dpdk.cores among " + machine.text("sys/devices/system/cpu/online");
  } else if (patient.options.cores.empty()) {
    finding.verdict = Verdict::warning;
    finding.found = "the polling threads are not pinned";
    finding.remedy = isolated.empty() ? "write spanbeat.dpdk.cores, one core for each queue"
                                      : "spanbeat.dpdk.cores: [" + list_of(isolated) + "]";
  } else if (!shared.empty()) {
    finding.verdict = Verdict::warning;
    finding.found = "the kernel runs other threads on " + list_of(shared) + " too";
    finding.remedy =
        fmt::format("add isolcpus={0} nohz_full={0} rcu_nocbs={0} to the kernel's command line", list_of(shared));
  } else {
    finding.found = "isolated: " + list_of(patient.options.cores);
  }
  findings.push_back(std::move(finding));
}

void check_rss(const Patient& patient, Findings& findings) {
  Finding finding{Verdict::ok, "symmetric RSS", {}, {}};
  DpdkOptions options = patient.options;
  options.busy_poll = false;
  const auto said = std::make_shared<std::pair<std::mutex, std::string>>();
  options.log = [said](DpdkLogLevel level, const std::string& line) {
    const std::lock_guard lock(said->first);
    if (level == DpdkLogLevel::warning) said->second += (said->second.empty() ? "" : "; ") + line;
  };
  std::string problem;
  const auto ports = DpdkPorts::open(options, problem);
  if (ports == nullptr) {
    finding.verdict = Verdict::problem;
    finding.found = "the ports cannot be opened: " + problem;
    finding.remedy = "mend what is said there";
  } else {
    int queues = 0;
    for (const auto& port : ports->ports()) queues += port->queues();
    const std::size_t readers = ports->readers().size();
    finding.found = fmt::format("{} queue{} of {} port{}", queues, queues == 1 ? "" : "s", ports->ports().size(),
                                ports->ports().size() == 1 ? "" : "s");
    if (ports->steered()) {
      finding.verdict = Verdict::warning;
      finding.found += ": packets are steered by software: " + said->second;
      finding.remedy = "a NIC that takes a symmetric key, or spanbeat.dpdk.queues: 1";
    } else {
      finding.found += readers == 1 ? ", one thread polls: nothing to agree on"
                                    : ", key, fields and table read back as they were set";
      if (!said->second.empty()) {
        finding.verdict = Verdict::warning;
        finding.found += "; " + said->second;
        finding.remedy = "see docs/dpdk.md";
      }
    }
  }
  findings.push_back(std::move(finding));
}

}  // namespace spanbeat
