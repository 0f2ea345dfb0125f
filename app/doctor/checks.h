// What `spanbeat doctor` looks at: each check says what it found, whether that is well, and what to type to mend it.
//
// What:   checks of what DPDK needs (huge pages, IOMMU, driver binding, NUMA, isolated cores, symmetric RSS), of what
//         AF_PACKET needs (ring memory, interfaces, offloads), and of the host (rights, clock, frequency governor).
// Limits: looks, and changes nothing. Only `check_rss` starts EAL and opens the ports, as a capture would.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/doctor/machine.h"
#include "dataplane/source/dpdk/options.h"

namespace spanbeat {

struct Finding {
  enum class Verdict : std::uint8_t { ok, warning, problem };
  Verdict verdict = Verdict::ok;
  std::string check;
  std::string found;
  std::string remedy;  // what to type; empty when all is well
};

// What is going to be captured, by the configuration.
struct Patient {
  bool dpdk = false;
  DpdkOptions options;                  // of dpdk
  std::vector<std::string> interfaces;  // of af_packet; empty or "any": all of them
  std::int64_t ring_mb = 16;
  unsigned workers = 1;
  std::uint64_t capabilities = 0;   // effective ones of this process
  std::uint64_t locked_memory = 0;  // RLIMIT_MEMLOCK in octets
};

using Findings = std::vector<Finding>;

// DPDK.
void check_huge_pages(const Machine& machine, const Patient& patient, Findings& findings);
void check_iommu(const Machine& machine, const Patient& patient, Findings& findings);
void check_binding(const Machine& machine, const Patient& patient, Findings& findings);
void check_placement(const Machine& machine, const Patient& patient, Findings& findings);
void check_isolation(const Machine& machine, const Patient& patient, Findings& findings);
void check_rss(const Patient& patient, Findings& findings);
// AF_PACKET.
void check_ring(const Machine& machine, const Patient& patient, Findings& findings);
void check_interfaces(const Machine& machine, const Patient& patient, Findings& findings);
// Both.
void check_rights(const Patient& patient, Findings& findings);
void check_clock(const Machine& machine, Findings& findings);
void check_governor(const Machine& machine, const Patient& patient, Findings& findings);

// All that concern the patient; `open_ports`: check_rss too.
[[nodiscard]] Findings examine(const Machine& machine, const Patient& patient, bool open_ports);

}  // namespace spanbeat
