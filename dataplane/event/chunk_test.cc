// The ring of chunks: nothing is lost or mixed up, however long it is used.
#include "dataplane/event/chunk.h"

#include <gtest/gtest.h>

#include <set>

namespace spanbeat {
namespace {

TEST(ChunkRing, GoesRoundManyTimes) {
  ChunkRing ring(4);
  EventArena arena;
  for (std::uint16_t round = 0; round < 200; ++round) {
    Chunk* chunk = ring.take_empty();
    ASSERT_NE(chunk, nullptr);
    Event event(arena);
    event.header().source_port = round;
    chunk->append(event);
    ring.push(chunk);
    Chunk* popped = ring.pop();
    ASSERT_EQ(popped, chunk);
    std::vector<std::uint16_t> ports;
    for_each_event(*popped,
                   [&](const EventHeader& header, const std::uint8_t*) { ports.push_back(header.source_port); });
    EXPECT_EQ(ports, std::vector<std::uint16_t>{round});
    ring.release(popped);
  }
}

TEST(ChunkRing, HandsOutItsChunksAndNoMore) {
  ChunkRing ring(4);
  std::vector<Chunk*> taken;
  while (Chunk* chunk = ring.take_empty()) taken.push_back(chunk);
  ASSERT_EQ(taken.size(), 4U);
  for (Chunk* chunk : taken) ring.push(chunk);
  ring.close();
  EXPECT_TRUE(ring.closed());
  for (Chunk* chunk : taken) EXPECT_EQ(ring.pop(), chunk) << "in the order of pushing";
  EXPECT_EQ(ring.pop(), nullptr);
}

TEST(ChunkRing, WhatWasNeededAtOnceStopsGoingRound) {
  ChunkRing ring(4 * ChunkRing::kGoingRound);
  const auto going_round = [&ring] {
    std::set<Chunk*> seen;
    for (std::size_t round = 0; round < 8 * ChunkRing::kGoingRound; ++round) {
      Chunk* const chunk = ring.take_empty();
      if (chunk == nullptr) ADD_FAILURE() << "none in round " << round;
      seen.insert(chunk);
      ring.push(chunk);
      ring.release(ring.pop());
    }
    return seen.size();
  };
  EXPECT_EQ(going_round(), ChunkRing::kGoingRound);

  std::set<Chunk*> at_once;
  while (Chunk* chunk = ring.take_empty()) {
    at_once.insert(chunk);
    ring.push(chunk);
  }
  EXPECT_EQ(at_once.size(), 4 * ChunkRing::kGoingRound);
  for (std::size_t i = 0; i < at_once.size(); ++i) ring.release(ring.pop());
  (void)going_round();  // takes them out
  EXPECT_EQ(going_round(), ChunkRing::kGoingRound);
}

TEST(ChunkRing, AChunkThatGrewForOneEventComesBackInItsOwnSize) {
  ChunkRing ring(2);
  Chunk* chunk = ring.take_empty();
  ASSERT_NE(chunk, nullptr);
  chunk->data = std::make_unique_for_overwrite<std::uint8_t[]>(4 * kChunkSize);
  chunk->capacity = 4 * kChunkSize;
  ring.push(chunk);
  ring.release(ring.pop());
  for (int i = 0; i < 2; ++i) {
    Chunk* again = ring.take_empty();
    ASSERT_NE(again, nullptr);
    EXPECT_EQ(again->capacity, kChunkSize);
  }
}

}  // namespace
}  // namespace spanbeat
