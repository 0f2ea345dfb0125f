// Names of threads, as `top -H` shows them.
//
// What:   names the thread that calls it. perf/sinks tells the threads that capture from the others by these names.
// Limits: the system keeps 15 octets.
#pragma once

#include <pthread.h>

#include <string>

namespace spanbeat {

inline void name_thread(const std::string& name) {
  (void)::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace spanbeat
