// Where a worker's events go: into chunks, and the chunks into the ring.
//
// What:   gives each event its place in the order of documents, copies it into the current chunk and hands full chunks
// over. Limits: from a file it waits for the exporter; live it never waits: an event that finds no chunk is dropped and
// counted.
#pragma once

#include "base/counters.h"
#include "dataplane/event/chunk.h"
#include "dataplane/event/community_id.h"
#include "dataplane/stage_clocks.h"

namespace spanbeat {

// What a worker does at one packet, in this order. Within a stage events come in the order of their flows, so that the
// streams of several workers can be merged into the one that a single worker gives.
enum class Stage : std::uint8_t { stream_timers, flow_timeouts, flow_reports, packet, last_streams, last_flows };

class EventOutput {
 public:
  EventOutput(ChunkRing& ring, Counters& counters, bool live) : ring_(ring), counters_(counters), live_(live) {}

  // The packet that is being worked on; later events carry its number.
  void packet(std::uint64_t number) {
    packet_ = number;
    sequence_ = 0;
    stage_ = Stage::packet;
  }
  void stage(Stage stage) { stage_ = stage; }
  // Flows are sampled: every event from now on says at which rate.
  void sampled(double rate) {
    sampling_rate_ = rate;
    changes_events_ = sampling_rate_ < 1 || without_payload_;
  }
  // From now on events carry no payload (or do again): neither the texts of request and response nor bodies.
  void leave_payload_out(bool out) {
    without_payload_ = out;
    changes_events_ = sampling_rate_ < 1 || without_payload_;
  }
  [[nodiscard]] std::uint64_t packet_number() const { return packet_; }
  void emit(Event&& event, std::uint64_t order_flow, Time now);
  // Hands the current chunk over if it holds events that are older than a second, or in any case.
  void flush(Time now, bool in_any_case);
  // The input has ended: from now on the worker waits for the exporter.
  void wait_from_now_on() { live_ = false; }
  // Tells the exporter that every event of packets up to `number` has been handed over or lies in the current chunk.
  void progress(std::uint64_t number);
  void close();
  // Of the worker whose output this is: all that it passes through stamps them.
  [[nodiscard]] StageClocks& clocks() { return clocks_; }

 private:
  [[nodiscard]] bool make_room(std::size_t size);
  void hand_over();
  void make_owed();
  void change(Event& event);

  ChunkRing& ring_;
  Counters& counters_;
  StageClocks clocks_;
  Chunk* chunk_ = nullptr;
  std::array<EventHeader*, kCommunityIdsAtOnce> owing_{};  // events of the chunk that owe their Community ID
  std::size_t owing_count_ = 0;
  std::uint64_t packet_ = 0;
  std::uint64_t chunk_packet_ = 0;  // of the first event in the chunk
  std::uint32_t sequence_ = 0;
  Stage stage_ = Stage::packet;
  bool live_;
  bool changes_events_ = false;  // for one of these
  bool without_payload_ = false;
  double sampling_rate_ = 1;
};

}  // namespace spanbeat
