// Chunks of events, and the ring that carries them from a worker to an exporter.
//
// What:   a worker appends encoded events to a Chunk; a full or aged chunk goes through `ChunkRing` to the exporter, an
// empty one comes back the same way. One
//         producer, one consumer, no locks.
// Limits: a fixed number of chunks of kChunkSize; an event larger than a chunk travels in a chunk of its own size, one
//         such chunk at a time is counted against the ring like any other.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "dataplane/bytes/prefetch.h"
#include "dataplane/event/event.h"

struct rte_ring;

namespace spanbeat {

inline constexpr std::size_t kChunkSize = std::size_t{64} << 10;

struct Chunk {
  std::unique_ptr<std::uint8_t[]> data;
  std::size_t capacity = 0;  // without the padding behind it
  std::size_t used = 0;
  std::size_t events = 0;
  Time opened = kNever;  // packet clock when the first event was put in

  // Room for one event of `size` octets (padded to 8)?
  [[nodiscard]] bool fits(std::size_t size) const { return used + size <= capacity; }
  // Gives the header of the copy.
  EventHeader& append(Event& event) {
    auto& header = *reinterpret_cast<EventHeader*>(data.get() + used);
    used += (event.encode(data.get() + used) + 7) & ~std::size_t{7};
    ++events;
    return header;
  }
};

// One worker's way to one exporter.
class ChunkRing {
 public:
  // So many chunks go round by turns; the others wait for the time when these are all under way. With 256 going round a
  // worker takes 5 to 7 % more time for packets that make events, as none of them is in a cache any more; and taking
  // those that came back last costs 4 to 8 %, as they still are in the consumer's.
  static constexpr std::size_t kGoingRound = 32;
  // `chunks` is a power of two, at least 2.
  explicit ChunkRing(unsigned chunks = 32);
  ~ChunkRing();
  ChunkRing(const ChunkRing&) = delete;
  ChunkRing& operator=(const ChunkRing&) = delete;

  // Producer: an empty chunk, or null when all are under way.
  [[nodiscard]] Chunk* take_empty();
  // Producer: hands a chunk over. Never fails: there are no more chunks than places.
  void push(Chunk* chunk);
  // Producer: every event of packets up to `number` was pushed.
  void progress(std::uint64_t number) { progress_.store(number, std::memory_order_release); }
  // From either side: the chunks that wait for the consumer, in percent of all.
  [[nodiscard]] unsigned fill() const;
  // Producer: nothing more will come.
  void close() { closed_.store(true, std::memory_order_release); }

  // Consumer: the next chunk, or null when there is none now.
  [[nodiscard]] Chunk* pop();
  // Consumer: gives a chunk back.
  void release(Chunk* chunk);
  // Consumer: a pop after this sees every event of packets up to the number given.
  [[nodiscard]] std::uint64_t progress() const { return progress_.load(std::memory_order_acquire); }
  // Consumer: true once the producer has closed the ring; a pop after that sees everything that was pushed.
  [[nodiscard]] bool closed() const { return closed_.load(std::memory_order_acquire); }

 private:
  struct Ring;
  std::vector<Chunk> chunks_;
  std::unique_ptr<Ring> full_;
  std::unique_ptr<Ring> empty_;
  std::vector<Chunk*> reserve_;           // producer: chunks that do not go round
  std::atomic<std::uint64_t> pushed_{0};  // of full chunks; the ring's own numbers are not for third parties
  std::atomic<std::uint64_t> popped_{0};
  std::atomic<std::uint64_t> progress_{0};
  std::atomic<bool> closed_{false};
};

inline constexpr std::size_t kFetchedAhead = 2048;  // octets of the next event
inline constexpr std::size_t kEvenOfShort = 512;    // without a loop, as nearly all are longer

// Calls `visit(const EventHeader&, const std::uint8_t* event)` for each event of a chunk, in order. The octets lie in
// the cache of the core that wrote them, and an event is a chain of loads: the next one, likely about as long, is
// fetched while this one is visited.
template <typename Visit>
void for_each_event(const Chunk& chunk, Visit visit) {
  std::size_t at = 0;
  while (at + sizeof(EventHeader) <= chunk.used) {
    const std::uint8_t* const event = chunk.data.get() + at;
    const auto& header = *std::launder(reinterpret_cast<const EventHeader*>(event));
    at += (header.size + 7) & ~std::size_t{7};
    const std::size_t ahead =
        std::min<std::size_t>({header.size, chunk.used - std::min(at, chunk.used), kFetchedAhead});
    prefetch_lines(event + header.size, kEvenOfShort);
    if (ahead > kEvenOfShort) prefetch_lines(event + header.size + kEvenOfShort, ahead - kEvenOfShort);
    visit(header, event);
  }
}

}  // namespace spanbeat
