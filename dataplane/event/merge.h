// Several workers' streams of events, put in the order that one worker would have given them.
//
// What:   takes chunks from the rings and gives the event with the smallest (packet, stage, flow, sequence), as long as
//         no ring can still bring a smaller one: each producer says up to which packet it has handed over everything.
// Limits: one thread. Holds one chunk of each ring; a ring without chunks left must not keep its producer from being
//         told of the input's progress (steering.h sees to that).
#pragma once

#include <span>
#include <tuple>
#include <vector>

#include "dataplane/event/chunk.h"

namespace spanbeat {

class EventMerge {
 public:
  explicit EventMerge(std::span<ChunkRing* const> rings) {
    for (ChunkRing* ring : rings) inputs_.push_back({ring});
  }

  // Visits (const EventHeader&, const std::uint8_t* event) for every event whose turn has come, and up to a chunk's
  // worth of them. True when there were any.
  template <typename Visit>
  bool drain(Visit visit) {
    std::size_t visited = 0;
    while (visited < kAtOnce) {
      Input* first = next();
      if (first == nullptr) break;
      visit(first->header, first->chunk->data.get() + first->at);
      step(*first);
      ++visited;
    }
    return visited != 0;
  }

  // Every ring is closed and empty.
  [[nodiscard]] bool finished() const {
    for (const Input& input : inputs_) {
      if (!input.ended) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t kAtOnce = 256;

  struct Input {
    ChunkRing* ring = nullptr;
    Chunk* chunk = nullptr;
    std::size_t at = 0;
    EventHeader header = {};
    std::uint64_t progress = 0;  // while there is no chunk
    bool ended = false;
  };

  static auto key(const EventHeader& header) {
    return std::tie(header.order_packet, header.order_stage, header.order_flow, header.order_sequence);
  }

  // The event whose turn it is; null when a ring must be waited for.
  Input* next() {
    Input* first = nullptr;
    for (Input& input : inputs_) {
      if (!has_event(input)) continue;
      if (first == nullptr || key(input.header) < key(first->header)) first = &input;
    }
    if (first == nullptr) return nullptr;
    for (const Input& input : inputs_) {
      if (input.chunk == nullptr && !input.ended && input.progress < first->header.order_packet) return nullptr;
    }
    return first;
  }

  static bool has_event(Input& input) {
    if (input.chunk != nullptr) return true;
    if (input.ended) return false;
    // Asked before the ring is, so that nothing is overlooked.
    const bool closed = input.ring->closed();
    input.progress = input.ring->progress();
    input.chunk = input.ring->pop();
    if (input.chunk == nullptr) {
      input.ended = closed;
      return false;
    }
    input.at = 0;
    load(input);
    return true;
  }

  static void load(Input& input) {
    std::memcpy(&input.header, input.chunk->data.get() + input.at, sizeof(EventHeader));
  }

  static void step(Input& input) {
    input.at += (input.header.size + 7) & ~std::size_t{7};
    if (input.at + sizeof(EventHeader) <= input.chunk->used) {
      load(input);
      return;
    }
    input.ring->release(input.chunk);
    input.chunk = nullptr;
  }

  std::vector<Input> inputs_;
};

}  // namespace spanbeat
