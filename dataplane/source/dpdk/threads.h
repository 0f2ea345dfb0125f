// Threads of DPDK queues and the cores they run on.
//
// What:   pins the calling thread to a core, and makes it known to DPDK, so that it has caches of its own in the pools
// of
//         buffers.
// Limits: EAL runs when `register_dpdk_thread` is called; a thread takes its leave by itself when it ends.
#pragma once

#include <string>
#include <vector>

namespace spanbeat {

// False, with what is wrong and what to write instead, when this process may not run on `core`.
[[nodiscard]] bool core_usable(int core, std::string& problem);
// False, with `problem`, when the system refuses.
[[nodiscard]] bool pin_calling_thread(int core, std::string& problem);
// The cores that this process may run on, as text ("0-3").
[[nodiscard]] std::string usable_cores();

// The NUMA node of a core, or -1. `root` is that of the file system, for tests.
[[nodiscard]] int node_of_core(int core, const std::string& root = "/");

// Nothing when the thread is known already. False when DPDK refuses; the thread can poll all the same, only slower.
bool register_dpdk_thread();

}  // namespace spanbeat
