// DPDK's environment (EAL): started once a process, and only for somebody who has a DPDK device.
//
// What:   puts together EAL's arguments (memory with or without huge pages, one core, no telemetry), starts it, turns
// its
//         messages into ours, and gives the thread its cores back that EAL took away.
// Why:    EAL writes to standard output, where documents may go; claims all PCI devices; pins its caller to one core.
// Limits: EAL cannot be started a second time: later calls get the running one, whatever their arguments. It ends with
//         the process.
#pragma once

#include <string>
#include <vector>

#include "dataplane/source/dpdk/options.h"

namespace spanbeat {

// A PCI address: with or without its domain, with or without arguments of the driver ("0000:3b:00.0,…").
[[nodiscard]] bool is_pci_device(const std::string& device);
// The name of a device without the arguments of its driver.
[[nodiscard]] std::string device_name(const std::string& device);

// Octets of huge pages that are free now.
[[nodiscard]] std::uint64_t free_huge_octets();
// Octets for buffers and drivers, on huge pages or on small ones.
struct EalMemory {
  std::uint64_t huge_pages = 0;
  std::uint64_t small_pages = 0;
  EalMemory& operator+=(const EalMemory& more) {
    huge_pages += more.huge_pages;
    small_pages += more.small_pages;
    return *this;
  }
};
// What rte_eal_init is called with: what the user wrote, and what that leaves open.
[[nodiscard]] std::vector<std::string> eal_arguments(const DpdkOptions& options, const EalMemory& needed,
                                                     std::uint64_t free_huge);

// False, with what failed and the remedy in `problem`.
[[nodiscard]] bool start_eal(const DpdkOptions& options, const EalMemory& needed, std::string& problem);
[[nodiscard]] bool eal_running();
// Where EAL's and the drivers' messages go from now on.
void set_eal_log(const DpdkLog& log);
// The errors that EAL and the drivers told since the last call, in one line; empty when there were none.
[[nodiscard]] std::string take_eal_complaints();

}  // namespace spanbeat
