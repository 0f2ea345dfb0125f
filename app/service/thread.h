// What threads tell the system of themselves: a name, and how much they are to be preferred.
//
// What:   each thread calls begin_thread first of all. perf/sinks knows the threads that capture by their names.
// Limits: the system keeps 15 octets of a name. A niceness below 0 needs CAP_SYS_NICE; without it the thread goes on as
//         it was, and the log says so once.
#pragma once

#include <pthread.h>
#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>

#include "app/log/log.h"

namespace spanbeat {

// `nice` as in setpriority(2), -20 to 19; 0 leaves what the process has.
inline void begin_thread(const std::string& name, int nice = 0) {
  (void)::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
  // On Linux 0 means the calling thread, not its process.
  if (nice == 0 || ::setpriority(PRIO_PROCESS, 0, nice) == 0) return;
  static std::atomic<bool> told = false;
  if (told.exchange(true)) return;
  log_warn("", "spanbeat.nice: " + name + " cannot have " + std::to_string(nice) + ": " + std::strerror(errno) +
                   "; give CAP_SYS_NICE, or write 0");
}

}  // namespace spanbeat
