// A worker's pulse: what the watchdog of the main thread can see of it.
//
// What:   the worker notes which decoder it goes into, and for which packet and connection, and that it came back; and
//         takes the watchdog's wish to switch a protocol off. All of it is plain stores to one cache line.
// Why:    a decoder that does not return cannot be interrupted safely, but it can be known, named and left out.
// Limits: only the worker writes the notes. The ends that `look` gives are read beside it: they are right as long as it
//         still stands where it stood.
#pragma once

#include <pthread.h>

#include <atomic>
#include <ctime>

#include "dataplane/stream/decoder.h"

namespace spanbeat {

class Pulse {
 public:
  // The worker's side.
  void begin() {
    clockid_t clock = 0;
    if (::pthread_getcpuclockid(::pthread_self(), &clock) != 0) return;
    clock_.store(clock, std::memory_order_relaxed);
    watched_.store(true, std::memory_order_release);
  }
  // From now on it may wait for others.
  void end() { watched_.store(false, std::memory_order_relaxed); }
  void beat() { beats_.store(beats_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
  // Each call is a beat: timers of many connections may run at one packet.
  void enter(ProtocolId protocol, std::uint64_t packet, const Endpoints* ends) {
    beat();
    ends_.store(ends, std::memory_order_relaxed);
    place_.store(packet << 16 | protocol, std::memory_order_release);
  }
  void leave() { place_.store(0, std::memory_order_relaxed); }
  // The place whose protocol is to be switched off; 0: none.
  [[nodiscard]] std::uint64_t asked() const { return asked_.load(std::memory_order_relaxed); }
  void answered() { asked_.store(0, std::memory_order_relaxed); }

  // The watchdog's side.
  struct Look {
    bool watched = false;
    std::uint64_t beats = 0;
    std::uint64_t place = 0;  // 0: in no decoder
    Time busy = 0;            // processor time of the worker's thread
  };
  [[nodiscard]] Look look() const {
    Look look;
    look.watched = watched_.load(std::memory_order_acquire);
    look.beats = beats_.load(std::memory_order_relaxed);
    look.place = place_.load(std::memory_order_acquire);
    timespec used{};
    if (!look.watched || ::clock_gettime(clock_.load(std::memory_order_relaxed), &used) != 0) return {};
    look.busy = static_cast<Time>(used.tv_sec) * kSecond + used.tv_nsec;
    return look;
  }
  // The connection that the worker is at; false when it is not at `place` any more.
  __attribute__((no_sanitize("thread"))) bool ends(std::uint64_t place, Endpoints& out) const {
    const Endpoints* ends = ends_.load(std::memory_order_relaxed);
    if (ends == nullptr || place_.load(std::memory_order_acquire) != place) return false;
    out = *ends;
    return place_.load(std::memory_order_acquire) == place;
  }
  // One wish at a time; a later one replaces it.
  void ask(std::uint64_t place) { asked_.store(place, std::memory_order_relaxed); }

  [[nodiscard]] static ProtocolId protocol_of(std::uint64_t place) { return static_cast<ProtocolId>(place & 0xffff); }
  [[nodiscard]] static std::uint64_t packet_of(std::uint64_t place) { return place >> 16; }

 private:
  alignas(64) std::atomic<std::uint64_t> beats_{0};
  std::atomic<std::uint64_t> place_{0};
  std::atomic<const Endpoints*> ends_{nullptr};
  std::atomic<std::uint64_t> asked_{0};
  std::atomic<clockid_t> clock_{0};
  std::atomic<bool> watched_{false};
};

}  // namespace spanbeat
