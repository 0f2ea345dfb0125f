// The ring is DPDK's, in memory of our own, so no EAL is needed. The C11 memory model makes its ordering visible to
// ThreadSanitizer; on x86 it costs the same.
#define RTE_USE_C11_MEM_MODEL 1
#include "dataplane/event/chunk.h"

#include <rte_ring.h>

#include <algorithm>
#include <new>

namespace spanbeat {

struct ChunkRing::Ring {
  // `places` is a power of two, and one of them stays free. (With RING_F_EXACT_SZ a ring takes twice the memory that
  // rte_ring_get_memsize says.)
  explicit Ring(unsigned places) {
    const auto size = static_cast<std::size_t>(rte_ring_get_memsize(places));
    memory = ::operator new(size, std::align_val_t{64});
    ring = static_cast<rte_ring*>(memory);
    if (rte_ring_init(ring, "chunks", places, RING_F_SP_ENQ | RING_F_SC_DEQ) != 0) std::terminate();
  }
  ~Ring() { ::operator delete(memory, std::align_val_t{64}); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  void* memory;
  rte_ring* ring;
};

ChunkRing::ChunkRing(unsigned chunks)
    : chunks_(chunks), full_(std::make_unique<Ring>(chunks * 2)), empty_(std::make_unique<Ring>(chunks * 2)) {
  for (Chunk& chunk : chunks_) reserve_.push_back(&chunk);
}

ChunkRing::~ChunkRing() = default;

Chunk* ChunkRing::take_empty() {
  const auto back = [this]() -> Chunk* {
    void* chunk = nullptr;
    return rte_ring_sc_dequeue(empty_->ring, &chunk) == 0 ? static_cast<Chunk*>(chunk) : nullptr;
  };
  const std::size_t going_round = chunks_.size() - reserve_.size();
  Chunk* taken = nullptr;
  if (going_round >= kGoingRound || reserve_.empty()) taken = back();
  if (taken == nullptr) {
    if (reserve_.empty()) return nullptr;
    taken = reserve_.back();
    reserve_.pop_back();
  } else if (going_round > kGoingRound) {
    if (Chunk* const spare = back(); spare != nullptr) reserve_.push_back(spare);
  }
  if (taken->capacity < kChunkSize) {
    taken->data = std::make_unique_for_overwrite<std::uint8_t[]>(kChunkSize + kPadding);
    taken->capacity = kChunkSize;
  }
  taken->used = 0;
  taken->events = 0;
  taken->opened = kNever;
  return taken;
}

void ChunkRing::push(Chunk* chunk) {
  pushed_.store(pushed_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  rte_ring_sp_enqueue(full_->ring, chunk);
}

Chunk* ChunkRing::pop() {
  void* chunk = nullptr;
  if (rte_ring_sc_dequeue(full_->ring, &chunk) != 0) return nullptr;
  popped_.store(popped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return static_cast<Chunk*>(chunk);
}

unsigned ChunkRing::fill() const {
  // In this order: a chunk is popped after it was pushed.
  const std::uint64_t popped = popped_.load(std::memory_order_relaxed);
  const std::uint64_t waiting = pushed_.load(std::memory_order_relaxed) - popped;
  return static_cast<unsigned>(std::min<std::uint64_t>(waiting * 100 / chunks_.size(), 100));
}

void ChunkRing::release(Chunk* chunk) {
  // A chunk that grew for one large event does not stay large.
  if (chunk->capacity > kChunkSize) {
    chunk->data.reset();
    chunk->capacity = 0;
  }
  rte_ring_sp_enqueue(empty_->ring, chunk);
}

}  // namespace spanbeat
