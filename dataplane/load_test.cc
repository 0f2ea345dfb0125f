// A live worker under load, and with a decoder that stands still: each step is taken, told and taken back.
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <mutex>
#include <thread>

#include "dataplane/alert.h"
#include "dataplane/event/event_view.h"
#include "dataplane/testing/recorder.h"

namespace spanbeat::testing {
namespace {

constexpr ProtocolId kAlerts = alert_protocol(1);

struct NoState {
  int unused = 0;
};

// A document with a request text for each datagram; stands still at a datagram "halt" as long as it is told to.
class Teller final : public DecoderOf<Teller, NoState> {
 public:
  static constexpr DecoderInfo kInfo = {.name = "teller",
                                        .tcp = true,
                                        .udp = true,
                                        .icmp = false,
                                        .network_protocol = "teller",
                                        .event_category = "[]",
                                        .event_type = "[]"};
  explicit Teller(const std::atomic<bool>& halted) : halted_(halted) { config_.ports = {7}; }
  [[nodiscard]] const DecoderInfo& info() const override { return kInfo; }
  [[nodiscard]] const DecoderConfig& config() const override { return config_; }
  void on_datagram(NoState&, Direction direction, Cursor data, Context& context) {
    const std::string_view octets = text(data.rest());
    while (octets == "halt" && halted_.load(std::memory_order_relaxed)) {
    }
    Event event = context.event(direction);
    event.header().timestamp = context.time();
    event.set<F::method>("TELL");
    event.set_text<F::request>(data.rest());
    event.set<F::path>("/");
    context.commit(std::move(event));
  }

 private:
  const std::atomic<bool>& halted_;
  DecoderConfig config_;
};

// A port on which an old conversation goes on while new ones begin all the time.
class Port final : public Source {
 public:
  std::size_t burst(std::span<Packet, kBurst> packets) override {
    std::this_thread::sleep_for(std::chrono::microseconds(20));
    if (interrupted_.load()) {
      ended_ = true;
      return 0;
    }
    ++round_;
    Tuple fresh;
    fresh.client = 0x0b000000 + round_;
    frames_[0] = datagram_frame({}, true, std::string(200, 'o'));
    frames_[1] = datagram_frame(fresh, true, halts_.exchange(false) ? "halt" : "new");
    for (std::size_t i = 0; i < 2; ++i) {
      const std::size_t size = frames_[i].size();
      frames_[i].append(kPadding, '\0');
      packets[i] = {.timestamp = kSecond + Time{round_} * kMicrosecond,
                    .octets = bytes(frames_[i]).first(size),
                    .wire_length = static_cast<std::uint32_t>(size),
                    .number = ++number_};
    }
    return 2;
  }
  [[nodiscard]] State state() const override { return ended_ ? State::end : State::open; }
  [[nodiscard]] bool live() const override { return true; }
  [[nodiscard]] unsigned backlog() const override { return backlog_.load(); }
  void collect(Counters& counters) override { counters.set(Counter::capture_offered, number_); }
  void interrupt() override { interrupted_.store(true); }

  std::atomic<unsigned> backlog_{0};
  std::atomic<bool> halts_{false};  // the next new conversation says so

 private:
  std::uint32_t round_ = 0;
  std::uint64_t number_ = 0;
  std::string frames_[2];
  std::atomic<bool> interrupted_{false};
  bool ended_ = false;
};

struct Told {
  ProtocolId protocol = 0;
  std::string encoded;
  [[nodiscard]] bool has(std::string_view octets) const { return encoded.find(octets) != std::string::npos; }
  [[nodiscard]] std::vector<Field> fields() const {
    EventHeader header;
    std::memcpy(&header, encoded.data(), sizeof header);
    const EventView event(header, reinterpret_cast<const std::uint8_t*>(encoded.data()));
    std::vector<Field> found;
    for (const EntryHead head : event.heads()) found.push_back(field_of(head));
    return found;
  }
};

// The worker in a thread, and one that takes its events as long as it is to.
class Running {
 public:
  explicit Running(WorkerConfig config) {
    config.alerts = true;
    config.overload.recovery = kMillisecond;
    std::vector<std::unique_ptr<Decoder>> decoders;
    decoders.push_back(std::make_unique<Teller>(halted));
    worker = std::make_unique<Worker>(config, std::move(decoders), std::nullopt, port, ring_);
    threads_.emplace_back([this] { worker->run(); });
    threads_.emplace_back([this] { consume(); });
  }
  ~Running() {
    if (!threads_.empty()) end();
  }
  void end() {
    halted = false;
    consuming = true;
    worker->stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  [[nodiscard]] std::uint64_t get(Counter counter) const { return worker->counters().get(counter); }
  // Until it is so; a test that waits in vain fails.
  static bool until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  bool reaches(Counter counter, std::uint64_t value) {
    return until([&] { return get(counter) >= value; });
  }
  bool rises(Counter counter, std::uint64_t by) { return reaches(counter, get(counter) + by); }

  Port port;
  std::atomic<bool> halted{true};
  std::atomic<bool> consuming{true};
  std::unique_ptr<Worker> worker;
  std::vector<Told> told;  // after end()

 private:
  void consume() {
    while (true) {
      const bool closed = ring_.closed();
      Chunk* chunk = consuming ? ring_.pop() : nullptr;
      if (chunk == nullptr) {
        if (closed && consuming) return;
        std::this_thread::yield();
        continue;
      }
      for_each_event(*chunk, [&](const EventHeader& header, const std::uint8_t* event) {
        told.push_back({header.protocol, std::string(reinterpret_cast<const char*>(event), header.size)});
      });
      ring_.release(chunk);
    }
  }
  ChunkRing ring_{8};
  std::vector<std::thread> threads_;
};

TEST(Load, EachStepGivesUpWhatItSaysAndIsTakenBack) {
  WorkerConfig config;
  config.overload.big_flow = 4000;
  Running running(config);
  ASSERT_TRUE(running.reaches(Counter::capture_to_decoder, 100));
  running.port.backlog_ = 100;
  ASSERT_TRUE(running.reaches(Counter::overload_payload, 1));
  ASSERT_TRUE(running.rises(Counter::overload_without_payload, 1));
  ASSERT_TRUE(running.reaches(Counter::overload_big_flows, 1));
  ASSERT_TRUE(running.reaches(Counter::overload_flows_given_up, 1));
  ASSERT_TRUE(running.reaches(Counter::overload_new_decoders, 1));
  ASSERT_TRUE(running.rises(Counter::overload_undecoded, 100));
  ASSERT_TRUE(running.reaches(Counter::overload_flow_accounting, 1));
  ASSERT_TRUE(running.rises(Counter::capture_shed, 100));
  ASSERT_TRUE(running.rises(Counter::capture_flow_only, 100)) << "old flows are still accounted";
  running.port.backlog_ = 0;
  ASSERT_TRUE(running.reaches(Counter::overload_taken_back, 4));
  const std::uint64_t shed = running.get(Counter::capture_shed);
  ASSERT_TRUE(running.rises(Counter::capture_to_decoder, 200));
  ASSERT_TRUE(running.rises(Counter::capture_to_decoder, 200));
  running.end();

  EXPECT_TRUE(accounting_holds(running.worker->counters()));
  EXPECT_LE(running.get(Counter::capture_shed), shed + 64) << "no more than what was under way";
  std::vector<std::string> steps;
  std::size_t bare = 0;
  for (const Told& each : running.told) {
    if (each.protocol == kAlerts) {
      steps.push_back(each.has("overload-step-taken-back") ? "back" : each.has("overload-step-taken") ? "up" : "?");
      EXPECT_TRUE(each.has("packets"));
    } else if (each.protocol == 1) {
      const bool whole = each.fields() == std::vector<Field>{F::method, F::request, F::path};
      const bool left = each.fields() == std::vector<Field>{F::method, F::path};
      EXPECT_TRUE(whole || left);
      bare += left ? 1 : 0;
    }
  }
  EXPECT_EQ(steps, (std::vector<std::string>{"up", "up", "up", "up", "back", "back", "back", "back"}));
  EXPECT_GT(bare, 0U);
  const std::uint64_t stripped = running.get(Counter::overload_without_payload);
  EXPECT_LE(bare, stripped);
  EXPECT_GE(bare + running.get(Counter::event_queue_dropped), stripped);
  EXPECT_FALSE(running.told.empty() || running.told.back().protocol == kAlerts);
}

TEST(Load, DocumentsThatNobodyTakesLeadToFewerDocumentsAndNoFurther) {
  Running running({});
  running.consuming = false;
  ASSERT_TRUE(running.reaches(Counter::overload_new_decoders, 1));
  ASSERT_TRUE(running.rises(Counter::capture_flow_only, 1000));
  running.consuming = true;
  ASSERT_TRUE(running.reaches(Counter::overload_taken_back, 3));
  ASSERT_TRUE(running.rises(Counter::capture_to_decoder, 200));
  running.end();
  EXPECT_EQ(running.get(Counter::overload_flow_accounting), 0U);
  EXPECT_EQ(running.get(Counter::capture_shed), 0U);
  EXPECT_TRUE(accounting_holds(running.worker->counters()));
}

TEST(Load, SwitchedOffItOnlyDropsWhatNobodyTakes) {
  WorkerConfig config;
  config.overload.enabled = false;
  Running running(config);
  running.port.backlog_ = 100;
  running.consuming = false;
  ASSERT_TRUE(running.reaches(Counter::event_queue_dropped, 5000));
  running.end();
  EXPECT_EQ(running.get(Counter::overload_payload), 0U);
  EXPECT_TRUE(accounting_holds(running.worker->counters()));
}

TEST(Load, ADecoderThatStandsStillIsSeenAndSwitchedOffWhenItComesBack) {
  Running running({});
  ASSERT_TRUE(running.reaches(Counter::capture_to_decoder, 100));
  Pulse& pulse = running.worker->pulse();
  running.port.halts_ = true;
  // It stands at one place and uses processor time.
  Pulse::Look first;
  ASSERT_TRUE(Running::until([&] {
    const Pulse::Look now = pulse.look();
    if (now.place == 0 || now.place != first.place || now.beats != first.beats) first = now;
    return now.place != 0 && now.busy - first.busy > 20 * kMillisecond;
  }));
  EXPECT_EQ(Pulse::protocol_of(first.place), 1);
  Endpoints ends;
  EXPECT_TRUE(pulse.ends(first.place, ends));
  EXPECT_EQ(ends.responder_port, 7);
  pulse.ask(first.place);
  running.halted = false;
  ASSERT_TRUE(running.reaches(Counter::watchdog_quarantined, 1));
  const std::uint64_t decoded = running.get(Counter::capture_to_decoder);
  ASSERT_TRUE(running.rises(Counter::capture_flow_only, 500));
  running.end();
  EXPECT_EQ(running.get(Counter::capture_to_decoder), decoded);
  EXPECT_GT(running.get(Counter::watchdog_connections), 0U);
  EXPECT_TRUE(accounting_holds(running.worker->counters()));
  std::size_t alerts = 0;
  for (const Told& each : running.told) {
    if (each.protocol == kAlerts && each.has("decoder-quarantined") && each.has("teller")) ++alerts;
  }
  EXPECT_EQ(alerts, 1U);
}

}  // namespace
}  // namespace spanbeat::testing
