// A source for several workers: a thread that reads it and hands each packet to the worker of its flow.
//
// What:   the steering thread filters, looks at the outermost IP header and copies the packet into the worker's queue.
//         TCP, UDP and SCTP go by addresses and ports, whatever could be a tunnel and all else by addresses alone, in
//         both directions alike. A fragment goes where the first fragment of its datagram goes; those that come
//         earlier wait for it.
// Why:    a file, or a port with one queue, can be worked on by several cores, and gives the same documents as with
// one:
//         every worker is told of the input's clock at the same packets.
//         Several sources are shared out by a steering thread each, and a worker reads its queues of all of them
//         (source/group.h): the hash is the same everywhere, so both directions of a flow meet at one worker.
// Limits: of several sources, fragments do not wait for the first one, which may have come by another: they go by
//         addresses. A live source does not wait for a worker whose queue is full: its packets are dropped and counted.
//         Waiting fragments are bounded (kMaxDatagrams, kMaxHeld); what goes over is steered by addresses.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/event/chunk.h"
#include "dataplane/filter/filter.h"
#include "dataplane/source/source.h"

namespace spanbeat {

struct SteeringOptions {
  enum class By : std::uint8_t {
    connections,  // addresses and ports; fragments with their datagram, and so with its connection
    ports,        // the same for several sources: fragments by addresses
    addresses,    // everything between two hosts to one worker
  };
  By by = By::connections;
  bool read_together = false;  // a worker reads its queue in a group: the queue does not wait
  unsigned chunks = 32;        // of 64 KiB, in each worker's queue
};

class Steering {
 public:
  // The source outlives the steering.
  Steering(Source& source, std::optional<Filter> filter, unsigned workers, const SteeringOptions& options = {});
  ~Steering();

  // What worker `number` reads from; a thread each.
  [[nodiscard]] Source& queue(unsigned number);
  // The steering thread: until the source ends or stop() was called; then the queues end.
  void run();
  // From any thread.
  void stop();
  // Readable from any thread while it runs.
  [[nodiscard]] const Counters& counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spanbeat
