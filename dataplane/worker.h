// The worker: one thread's whole way from packets to events.
//
// What:   takes bursts from a source, dissects, looks flows up in bulk, follows TCP streams, calls decoders, runs the
//         timers, and hands chunks of events to the exporter's ring. Shared-nothing: one worker per queue.
// Limits: never makes a system call per packet, never logs per packet. From a file it waits for the exporter; live it
// never waits.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/dedup.h"
#include "dataplane/dissect/fragments.h"
#include "dataplane/event/chunk.h"
#include "dataplane/filter/filter.h"
#include "dataplane/overload.h"
#include "dataplane/pulse.h"
#include "dataplane/sampling.h"
#include "dataplane/source/source.h"
#include "dataplane/stage_clocks.h"
#include "dataplane/stream/decoder.h"

namespace spanbeat {

struct FlowConfig {
  bool enabled = false;         // flow documents; the table itself is always there
  bool extra_fields = false;    // spanbeat.fields.flow
  bool tunnel_fields = false;   // spanbeat.fields.tunnel, for transactions too
  Time timeout = 30 * kSecond;  // idle time after which a flow ends
  Time period = 10 * kSecond;   // between reports; negative: only final ones
  std::size_t max_flows = std::size_t{1} << 20;
};

struct StreamLimits {
  std::size_t held_per_connection = std::size_t{1} << 20;  // octets of segments waiting for a hole, both directions
  std::size_t held_total = std::size_t{256} << 20;
  std::size_t carry_per_direction = std::size_t{10}
                                    << 20;             // octets that a decoder may leave unread (Packetbeat: 10 MiB)
  std::size_t max_connections = std::size_t{1} << 18;  // decoded at once
  std::uint32_t hole_packets = 64;                     // packets of the flow after which a hole is given up
  Time hole_time = kSecond;                            // or packet time
};

// Whether checksums are looked at, and what becomes of a packet whose checksum is wrong.
enum class ChecksumMode : std::uint8_t { ignore, count, drop };

struct WorkerConfig {
  FlowConfig flows;
  StreamLimits streams;
  FragmentLimits fragments;
  SamplingConfig sampling;
  DedupConfig dedup;
  OverloadConfig overload;
  bool alerts = false;  // documents about the worker itself, alert.h
  unsigned number = 0;  // of the worker
  ChecksumMode checksums = ChecksumMode::ignore;
  TunnelSet tunnels;                                  // whose inside is decoded
  std::size_t event_memory = std::size_t{512} << 20;  // ceiling of open transactions
};

class FlowShunt;

class Worker {
 public:
  // `decoders` by ProtocolId - 1; null where a protocol is off. `filter` may be absent: then every packet is taken.
  // `shunt`: where long flows without a decoder may go. Source, ring and shunt outlive the worker.
  Worker(const WorkerConfig& config, std::vector<std::unique_ptr<Decoder>> decoders, std::optional<Filter> filter,
         Source& source, ChunkRing& ring, FlowShunt* shunt = nullptr);
  ~Worker();

  // Runs until the source ends or stop() was called; then everything open is flushed and the ring closed.
  void run();
  // From any thread, and from a signal handler.
  void stop();
  // Readable from any thread while the worker runs.
  [[nodiscard]] const Counters& counters() const;
  // Cycles of each stage; from any thread.
  [[nodiscard]] StageTimes stages() const;
  // What the watchdog sees, and where it asks; from any thread.
  [[nodiscard]] Pulse& pulse();
  // From any thread: documents are being dropped behind the ring.
  void output_loses(bool loses);
  // Flows in the table now; from any thread.
  [[nodiscard]] std::uint64_t live_flows() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spanbeat
