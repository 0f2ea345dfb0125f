// Sources that one thread reads as one, and several steering threads whose queues a worker reads together.
#include "dataplane/source/group.h"

#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "dataplane/dissect/headers.h"
#include "dataplane/steering.h"
#include "dataplane/testing/frames.h"

namespace spanbeat {
namespace {

using testing::FrameSource;
using testing::Tuple;

Tuple tuple_of(unsigned flow) {
  Tuple tuple;
  tuple.client = 0x0a000001 + flow / 7;
  tuple.client_port = static_cast<std::uint16_t>(20000 + flow);
  return tuple;
}

TEST(Group, GivesWhatItsMembersGiveAndNumbersItAnew) {
  FrameSource one;
  FrameSource two;
  for (unsigned i = 0; i < 100; ++i) one.add(kSecond + i, testing::datagram_frame(tuple_of(i), true, "one"));
  for (unsigned i = 0; i < 40; ++i) two.add(kSecond + i, testing::datagram_frame(tuple_of(i), false, "two"));
  GroupSource group({&one, &two}, GroupSource::Idle::sleep);
  std::array<Packet, kBurst> packets;
  std::map<char, unsigned> seen;
  std::uint64_t number = 0;
  while (group.state() == Source::State::open) {
    const std::size_t count = group.burst(packets);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(packets[i].number, ++number);
      ++seen[static_cast<char>(packets[i].octets[packets[i].octets.size() - 3])];
    }
  }
  EXPECT_EQ(seen, (std::map<char, unsigned>{{'o', 100}, {'t', 40}}));
}

class Full final : public Source {
 public:
  explicit Full(unsigned percent) : percent_(percent) {}
  std::size_t burst(std::span<Packet, kBurst> /*packets*/) override { return 0; }
  [[nodiscard]] State state() const override { return State::open; }
  [[nodiscard]] bool live() const override { return true; }
  [[nodiscard]] unsigned backlog() const override { return percent_; }
  void collect(Counters& /*counters*/) override {}
  void interrupt() override {}

 private:
  unsigned percent_;
};

TEST(Group, IsAsFullAsItsFullestMember) {
  Full one(20);
  Full two(90);
  Full three(10);
  EXPECT_EQ(GroupSource({&one, &two, &three}, GroupSource::Idle::spin).backlog(), 90U);
}

// The directions of a tap's flows come by two ports, whose queues are read by two threads; three workers.
void expect_flows_together(SteeringOptions::By by) {
  std::array<FrameSource, 2> ports;
  for (unsigned flow = 0; flow < 300; ++flow) {
    ports[0].add(kSecond + flow * kMillisecond, testing::datagram_frame(tuple_of(flow), true, "question"));
    ports[1].add(kSecond + flow * kMillisecond, testing::datagram_frame(tuple_of(flow), false, "answer"));
  }
  SteeringOptions options;
  options.by = by;
  options.read_together = true;
  constexpr unsigned kWorkers = 3;
  std::vector<std::unique_ptr<Steering>> steerings;
  for (FrameSource& port : ports) {
    steerings.push_back(std::make_unique<Steering>(port, std::nullopt, kWorkers, options));
  }
  std::array<std::map<std::uint16_t, unsigned>, kWorkers> packets_of_flow;  // by the client's port
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kWorkers; ++i) {
    threads.emplace_back([&, i] {
      GroupSource group({&steerings[0]->queue(i), &steerings[1]->queue(i)}, GroupSource::Idle::sleep);
      std::array<Packet, kBurst> packets;
      while (group.state() == Source::State::open) {
        const std::size_t count = group.burst(packets);
        for (std::size_t k = 0; k < count; ++k) {
          if (packets[k].clock) continue;
          Headers headers;
          dissect(packets[k], headers);
          ++packets_of_flow[i][std::max(headers.source_port, headers.destination_port)];
        }
      }
    });
  }
  std::thread other([&] { steerings[1]->run(); });
  steerings[0]->run();
  other.join();
  for (std::thread& thread : threads) thread.join();
  std::size_t flows = 0;
  for (const auto& worker : packets_of_flow) {
    EXPECT_GT(worker.size(), 30U) << "each has its share";
    flows += worker.size();
    for (const auto& [port, count] : worker) EXPECT_EQ(count, 2U) << port;
  }
  EXPECT_EQ(flows, 300U) << "no flow is at two workers";
  EXPECT_EQ(steerings[0]->counters().get(Counter::capture_steered), 300U);
}

TEST(Group, OfSteeredSourcesKeepsTheDirectionsOfAFlowAtOneWorker) {
  expect_flows_together(SteeringOptions::By::addresses);
  expect_flows_together(SteeringOptions::By::ports);
}

}  // namespace
}  // namespace spanbeat
