// Where packets come from: one interface for files, AF_PACKET rings and DPDK queues.
//
// What:   `burst` gives up to kBurst packets at a time. Nothing after the source knows which kind it was.
#pragma once

#include <span>
#include <string>

#include "base/counters.h"
#include "dataplane/source/packet.h"

namespace spanbeat {

class Source {
 public:
  virtual ~Source() = default;

  enum class State : std::uint8_t {
    open,  // more may come; an empty burst means nothing has arrived yet
    end,   // the input is used up and will give nothing more
  };

  // Fills `packets` from the front and gives how many. The octets stay valid until the next call. Returns 0 at the end
  // and, on live sources, when nothing is there. May block for at most about 100 ms.
  virtual std::size_t burst(std::span<Packet, kBurst> packets) = 0;
  [[nodiscard]] virtual State state() const = 0;
  // Live sources lose packets rather than wait; files wait.
  [[nodiscard]] virtual bool live() const = 0;
  // The time stamp that a packet would have if it came now: what timers go by while bursts are empty. kNever: only the
  // next packet tells.
  [[nodiscard]] virtual Time idle_time() const { return kNever; }
  // How full what holds the packets before the next burst is, in percent; 0 where nobody can tell. Called by the worker
  // now and then.
  [[nodiscard]] virtual unsigned backlog() const { return 0; }
  // Adds what the source alone can count: offered, source_dropped_*, file errors. Called by the worker now and then.
  virtual void collect(Counters& counters) = 0;
  // Asks a blocking burst to return soon; may be called from any thread and from a signal handler.
  virtual void interrupt() = 0;
};

}  // namespace spanbeat
