// Several workers' events come out in the order that one worker would have given them.
#include "dataplane/event/merge.h"

#include <gtest/gtest.h>

namespace spanbeat {
namespace {

struct Key {
  std::uint64_t packet;
  std::uint8_t stage;
  std::uint64_t flow;
  std::uint32_t sequence;
};

void push(ChunkRing& ring, const std::vector<Key>& keys) {
  Chunk* chunk = ring.take_empty();
  ASSERT_NE(chunk, nullptr);
  EventArena arena;
  for (const Key& key : keys) {
    Event event(arena);
    EventHeader& header = event.header();
    header.order_packet = key.packet;
    header.order_stage = key.stage;
    header.order_flow = key.flow;
    header.order_sequence = key.sequence;
    chunk->append(event);
  }
  ring.push(chunk);
}

class Merging : public ::testing::Test {
 protected:
  // What comes out now, as packet numbers and flows.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> drain() {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> seen;
    while (merge.drain([&](const EventHeader& header, const std::uint8_t*) {
      seen.emplace_back(header.order_packet, header.order_flow);
    })) {
    }
    return seen;
  }
  using Seen = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

  ChunkRing left{4};
  ChunkRing right{4};
  ChunkRing* rings[2] = {&left, &right};
  EventMerge merge{rings};
};

TEST_F(Merging, TakesTheSmallerPacketFirst) {
  push(left, {{1, 3, 0, 0}, {4, 3, 0, 0}});
  push(right, {{2, 3, 0, 0}, {3, 3, 0, 0}});
  left.close();
  right.close();
  EXPECT_EQ(drain(), (Seen{{1, 0}, {2, 0}, {3, 0}, {4, 0}}));
  EXPECT_TRUE(merge.finished());
}

TEST_F(Merging, PutsTimersOfOnePacketInTheOrderOfStagesAndFlows) {
  push(left, {{9, 0, 5, 0}, {9, 1, 1, 1}, {9, 3, 0, 2}});
  push(right, {{9, 0, 2, 0}, {9, 1, 3, 1}});
  left.close();
  right.close();
  EXPECT_EQ(drain(), (Seen{{9, 2}, {9, 5}, {9, 1}, {9, 3}, {9, 0}}));
}

TEST_F(Merging, WaitsForAWorkerThatHasNotSaidHowFarItIs) {
  push(left, {{5, 3, 0, 0}});
  EXPECT_TRUE(drain().empty()) << "the other worker may still bring packet 3";
  right.progress(4);
  EXPECT_TRUE(drain().empty());
  right.progress(5);
  EXPECT_EQ(drain(), (Seen{{5, 0}}));
  EXPECT_FALSE(merge.finished());
  push(right, {{6, 3, 0, 0}});
  left.progress(7);
  EXPECT_EQ(drain(), (Seen{{6, 0}}));
}

}  // namespace
}  // namespace spanbeat
