// The ring of chunks: nothing is lost or mixed up, however long it is used.
#include "dataplane/event/chunk.h"

#include <gtest/gtest.h>

namespace spanbeat {
namespace {

TEST(ChunkRing, GoesRoundManyTimes) {
  ChunkRing ring(4);
  std::vector<std::uint8_t> event(64);
  for (std::uint8_t round = 0; round < 200; ++round) {
    Chunk* chunk = ring.take_empty();
    ASSERT_NE(chunk, nullptr);
    event[0] = round;
    chunk->append(event);
    ring.push(chunk);
    Chunk* popped = ring.pop();
    ASSERT_EQ(popped, chunk);
    EXPECT_EQ(popped->used, 64U);
    EXPECT_EQ(popped->data[0], round);
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
