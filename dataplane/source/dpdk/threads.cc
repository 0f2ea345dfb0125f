#include "dataplane/source/dpdk/threads.h"

#include <pthread.h>
#include <rte_lcore.h>
#include <sched.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "dataplane/source/dpdk/eal.h"

namespace spanbeat {
namespace {

// The cores that the process was given, looked at before the first thread is pinned.
const cpu_set_t& given_cores() {
  static const cpu_set_t given = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    (void)::sched_getaffinity(0, sizeof set, &set);
    return set;
  }();
  return given;
}

struct Registration {
  bool registered = false;
  ~Registration() {
    if (registered && eal_running()) ::rte_thread_unregister();
  }
};

}  // namespace

std::string usable_cores() {
  const cpu_set_t& given = given_cores();
  std::string text;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &given)) continue;
    int last = core;
    while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, &given)) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(core);
    if (last > core) text += '-' + std::to_string(last);
    core = last;
  }
  return text;
}

bool core_usable(int core, std::string& problem) {
  if (core >= 0 && core < CPU_SETSIZE && CPU_ISSET(core, &given_cores())) return true;
  problem = "this process cannot run on core " + std::to_string(core) + "; write cores among " + usable_cores();
  return false;
}

bool pin_calling_thread(int core, std::string& problem) {
  if (!core_usable(core, problem)) return false;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  const int result = ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
  if (result == 0) return true;
  problem = "core " + std::to_string(core) + ": " + std::strerror(result);
  return false;
}

int node_of_core(int core, const std::string& root) {
  std::error_code error;
  const std::filesystem::path cpu =
      std::filesystem::path(root) / "sys/devices/system/cpu" / ("cpu" + std::to_string(core));
  for (const auto& entry : std::filesystem::directory_iterator(cpu, error)) {
    const std::string name = entry.path().filename();  // node0
    if (name.rfind("node", 0) == 0 && name.size() > 4 && name[4] >= '0' && name[4] <= '9') {
      return std::atoi(name.c_str() + 4);
    }
  }
  return -1;
}

bool register_dpdk_thread() {
  if (::rte_lcore_id() != LCORE_ID_ANY) return true;
  static thread_local Registration registration;
  registration.registered = ::rte_thread_register() == 0;
  return registration.registered;
}

}  // namespace spanbeat
