// One source for several workers: every packet goes to one of them, a flow's always to the same, and all see the clock.
#include "dataplane/steering.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <thread>

#include "dataplane/testing/frames.h"

namespace spanbeat {
namespace {

using testing::FrameSource;
using testing::Tuple;

struct Seen {
  std::vector<std::uint64_t> packets;
  std::vector<std::uint64_t> clocks;
  std::vector<std::string> octets;
};

// Reads every queue to its end, each in a thread of its own.
std::vector<Seen> steer(FrameSource& source, unsigned workers, Counters* counters = nullptr) {
  Steering steering(source, std::nullopt, workers);
  std::vector<Seen> seen(workers);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < workers; ++i) {
    threads.emplace_back([&, i] {
      Source& queue = steering.queue(i);
      std::array<Packet, kBurst> packets;
      while (queue.state() == Source::State::open) {
        const std::size_t count = queue.burst(packets);
        for (std::size_t k = 0; k < count; ++k) {
          const Packet& packet = packets[k];
          if (packet.clock) {
            seen[i].clocks.push_back(packet.number);
            continue;
          }
          seen[i].packets.push_back(packet.number);
          seen[i].octets.emplace_back(reinterpret_cast<const char*>(packet.octets.data()), packet.octets.size());
        }
      }
    });
  }
  steering.run();
  for (std::thread& thread : threads) thread.join();
  if (counters != nullptr) counters->add_all(steering.counters());
  return seen;
}

TEST(Steering, GivesEveryPacketToOneWorkerAndBothDirectionsToTheSame) {
  FrameSource source;
  for (std::uint16_t flow = 0; flow < 400; ++flow) {
    Tuple tuple;
    tuple.client_port = static_cast<std::uint16_t>(20000 + flow);
    source.add(kSecond + flow * kMillisecond, testing::datagram_frame(tuple, true, "question"));
    source.add(kSecond + flow * kMillisecond, testing::datagram_frame(tuple, false, "answer"));
  }
  Counters counters;
  const std::vector<Seen> seen = steer(source, 3, &counters);
  EXPECT_EQ(counters.get(Counter::capture_offered), 800U);
  std::map<std::uint64_t, unsigned> worker;
  for (unsigned i = 0; i < seen.size(); ++i) {
    EXPECT_GT(seen[i].packets.size(), 100U) << "each has its share";
    EXPECT_EQ(seen[i].clocks, seen[0].clocks) << "all hear of the clock at the same packets";
    for (const std::uint64_t number : seen[i].packets) EXPECT_TRUE(worker.emplace(number, i).second);
  }
  ASSERT_EQ(worker.size(), 800U);
  for (std::uint64_t number = 1; number < 800; number += 2) EXPECT_EQ(worker[number], worker[number + 1]);
}

TEST(Steering, SendsFragmentsWhereTheWholeDatagramsGo) {
  for (const bool first_one_last : {false, true}) {
    FrameSource source;
    const Tuple tuple;
    const std::string whole = testing::udp(5000, 6000, std::string(64, 'x'));
    const auto piece = [&](std::size_t from, std::size_t size, bool more, std::uint16_t id) {
      const auto field = static_cast<std::uint16_t>(from / 8 | (more ? 0x2000 : 0));
      return testing::ethernet(0x0800,
                               testing::ipv4(tuple.client, tuple.server, 17, whole.substr(from, size), field, id));
    };
    for (std::uint16_t id = 1; id <= 20; ++id) {
      source.add(kSecond, testing::ethernet(0x0800, testing::ipv4(tuple.client, tuple.server, 17, whole, 0, id)));
      source.add(kSecond, first_one_last ? piece(32, 40, false, id) : piece(0, 32, true, id));
      source.add(kSecond, first_one_last ? piece(0, 32, true, id) : piece(32, 40, false, id));
    }
    const std::vector<Seen> seen = steer(source, 4);
    std::set<std::size_t> sizes;
    for (const Seen& one : seen) sizes.insert(one.packets.size());
    EXPECT_EQ(sizes, (std::set<std::size_t>{0, 60})) << "all are of one flow";
  }
}

TEST(Steering, GivesUpWaitingForAFirstFragmentAtTheEnd) {
  FrameSource source;
  source.add(kSecond, testing::ethernet(0x0800, testing::ipv4(1, 2, 17, std::string(40, 'x'), 4, 7)));
  std::size_t packets = 0;
  for (const Seen& one : steer(source, 2)) packets += one.packets.size();
  EXPECT_EQ(packets, 1U) << "a worker counts it";
}

// One packet of which its source says all that there is to say.
class OnePacket final : public Source {
 public:
  explicit OnePacket(std::string octets) : octets_(std::move(octets)) {}
  std::size_t burst(std::span<Packet, kBurst> packets) override {
    if (given_) return 0;
    given_ = true;
    Packet& packet = packets[0] = Packet{};
    packet.timestamp = kSecond + 7;
    packet.octets = {reinterpret_cast<const std::uint8_t*>(octets_.data()), octets_.size() - kPadding};
    packet.wire_length = 9000;
    packet.link = LinkType::linux_sll;
    packet.interface = 3;
    packet.checksums = NicChecksums::wrong;
    packet.number = 12;
    return 1;
  }
  [[nodiscard]] State state() const override { return given_ ? State::end : State::open; }
  [[nodiscard]] bool live() const override { return false; }
  void collect(Counters& /*counters*/) override {}
  void interrupt() override {}

 private:
  std::string octets_;
  bool given_ = false;
};

TEST(Steering, APacketKeepsWhatItsSourceSaysOfIt) {
  OnePacket source(std::string(60 + kPadding, 'x'));
  Steering steering(source, std::nullopt, 1);
  std::thread thread([&steering] { steering.run(); });
  Source& queue = steering.queue(0);
  std::array<Packet, kBurst> packets;
  std::size_t seen = 0;
  while (queue.state() == Source::State::open) {
    const std::size_t count = queue.burst(packets);
    for (const Packet& packet : std::span(packets).first(count)) {
      EXPECT_EQ(packet.timestamp, kSecond + 7);
      EXPECT_EQ(packet.number, 12U);
      if (packet.clock) continue;
      ++seen;
      EXPECT_EQ(packet.octets.size(), 60U);
      EXPECT_EQ(packet.wire_length, 9000U);
      EXPECT_EQ(packet.link, LinkType::linux_sll);
      EXPECT_EQ(packet.interface, 3);
      EXPECT_EQ(packet.checksums, NicChecksums::wrong);
      EXPECT_TRUE(packet.selected) << "the steering thread has filtered";
    }
  }
  thread.join();
  EXPECT_EQ(seen, 1U);
}

TEST(Steering, CopiesLargePacketsWhole) {
  FrameSource source;
  std::vector<std::string> sent;
  for (std::size_t size : {std::size_t{60}, std::size_t{70'000}, std::size_t{200'000}, std::size_t{60}}) {
    sent.push_back(testing::ethernet(0x88b5, std::string(size, static_cast<char>('a' + sent.size()))));
    source.add(kSecond, sent.back());
  }
  EXPECT_EQ(steer(source, 2)[0].octets, sent) << "what has no addresses is the first worker's";
}

}  // namespace
}  // namespace spanbeat
