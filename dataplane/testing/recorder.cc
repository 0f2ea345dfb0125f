#include "dataplane/testing/recorder.h"

#include <thread>

namespace spanbeat::testing {
namespace {

struct RecorderState {
  bool idle = false;
};

class Recorder final : public DecoderOf<Recorder, RecorderState> {
 public:
  static constexpr DecoderInfo kInfo = {.name = "recorder",
                                        .tcp = true,
                                        .udp = true,
                                        .icmp = false,
                                        .network_protocol = "recorder",
                                        .event_category = "[]",
                                        .event_type = "[]"};
  explicit Recorder(Record& record) : record_(record) { config_.ports = {7}; }
  [[nodiscard]] const DecoderInfo& info() const override { return kInfo; }
  [[nodiscard]] const DecoderConfig& config() const override { return config_; }

  Step on_data(RecorderState&, Direction direction, Cursor data, Context& context) {
    if (record_.message != 0) {
      if (data.size() < record_.message) return Step::more(0, record_.message);
      say(direction, text(data.take(record_.message)), context);
      return Step::more(record_.message);
    }
    if (record_.skip_after != 0) {
      const std::size_t at = text(data.rest()).find('B');
      if (at != std::string_view::npos) {
        say(direction, text(data.take(at + 1)), context);
        return Step::skip(at + 1, record_.skip_after);
      }
    }
    const std::size_t size = data.size();
    say(direction, text(data.rest()), context);
    shown_ += size;
    return record_.done_after != 0 && shown_ >= record_.done_after ? Step::done() : Step::ok(size);
  }
  void on_datagram(RecorderState& state, Direction direction, Cursor data, Context& context) {
    record_.states.insert(&state);
    state.idle = text(data.rest()).ends_with('.');
    say(direction, text(data.rest()), context);
  }
  [[nodiscard]] static bool is_idle(const RecorderState& state) { return state.idle; }
  GapAnswer on_gap(RecorderState&, Direction direction, std::uint64_t bytes, Context&) {
    line(std::string("gap") + arrow(direction) + " " + std::to_string(bytes));
    return GapAnswer::resync;
  }
  void on_end(RecorderState&, Direction direction, Bytes unread, Context&) {
    line(std::string("end") + arrow(direction) + (unread.empty() ? "" : " " + std::string(text(unread))));
  }
  void on_close(RecorderState&, CloseReason reason, Context&) {
    static constexpr const char* kReasons[] = {"fin", "rst", "timeout", "evicted", "shutdown"};
    line(std::string("close ") + kReasons[static_cast<int>(reason)]);
  }

 private:
  static const char* arrow(Direction direction) { return direction == Direction::originator ? ">" : "<"; }
  void line(std::string what) { record_.lines.push_back(std::move(what)); }
  void say(Direction direction, std::string_view data, Context& context) {
    if (record_.show_port) line("port " + std::to_string(context.endpoints().originator_port));
    if (record_.show_time) {
      line(std::string("time") + arrow(direction) + " " + std::to_string(context.time()));
    } else if (!record_.lines.empty() && record_.lines.back().starts_with(arrow(direction))) {
      record_.lines.back().append(data);
      return;
    }
    line(arrow(direction) + std::string(data));
  }
  Record& record_;
  std::size_t shown_ = 0;
  DecoderConfig config_;
};

}  // namespace

void run(FrameSource& source, const WorkerConfig& config, Ran& ran, FlowShunt* shunt) {
  ChunkRing ring;
  std::vector<std::unique_ptr<Decoder>> decoders;
  decoders.push_back(std::make_unique<Recorder>(ran.record));
  Worker worker(config, std::move(decoders), std::nullopt, source, ring, shunt);
  std::thread consumer([&] {
    while (true) {
      const bool closed = ring.closed();
      Chunk* chunk = ring.pop();
      if (chunk == nullptr) {
        if (closed) break;
        std::this_thread::yield();
        continue;
      }
      for_each_event(*chunk, [&](const EventHeader& header, const std::uint8_t* event) {
        ran.events.push_back(header);
        ran.encoded.emplace_back(reinterpret_cast<const char*>(event), header.size);
      });
      ring.release(chunk);
    }
  });
  worker.run();
  consumer.join();
  ran.counters.add_all(worker.counters());
}

bool accounting_holds(const Counters& c) {
  const std::uint64_t accounted =
      c.get(Counter::capture_filtered) + c.get(Counter::capture_duplicate) + c.get(Counter::capture_sampled_out) +
      c.get(Counter::capture_shed) + c.get(Counter::capture_undecodable_link) +
      c.get(Counter::capture_undecodable_network) + c.get(Counter::capture_undecodable_transport) +
      c.get(Counter::capture_undecodable_checksum) + c.get(Counter::capture_undecodable_fragment) +
      c.get(Counter::capture_fragment_merged) + c.get(Counter::capture_flow_only) + c.get(Counter::capture_to_decoder);
  return c.get(Counter::capture_received) == accounted &&
         c.get(Counter::capture_offered) == c.get(Counter::capture_received);
}

}  // namespace spanbeat::testing
