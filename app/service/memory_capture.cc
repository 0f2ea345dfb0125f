#include "app/service/memory_capture.h"

#include <atomic>
#include <optional>
#include <thread>
#include <utility>

#include "app/service/file_capture.h"
#include "app/service/first_packet.h"
#include "dataplane/filter/filter.h"
#include "dataplane/source/memory.h"
#include "dataplane/steering.h"

namespace spanbeat {
namespace {

// Between two passes, beside the time after which flows end.
constexpr Time kPause = 60 * kSecond;

class MemoryCapture final : public FileCapture {
 public:
  MemoryCapture(std::unique_ptr<CaptureFileSource> files, std::vector<std::unique_ptr<MemorySource>> sources)
      : FileCapture(std::move(files)), sources_(std::move(sources)) {}
  std::vector<Source*> sources() override {
    std::vector<Source*> all;
    for (const auto& source : sources_) all.push_back(source.get());
    return all;
  }
  [[nodiscard]] std::string kind() const override { return "memory"; }
  [[nodiscard]] bool shared_out() const override { return sources_.size() > 1; }

 private:
  std::vector<std::unique_ptr<MemorySource>> sources_;
};

class Loading {
 public:
  explicit Loading(Source& files) : files_(files) {}

  // False when `stop` ended it or memory ran out.
  bool run(const GeneralSettings& general, unsigned workers, const std::function<bool()>& stop, std::string& problem) {
    memories_.resize(workers);
    if (workers == 1) {
      drain(files_, memories_.front(), stop);
      files_.collect(counters_);
    } else if (!share_out(general, stop, problem)) {
      return false;
    }
    if (full_) problem = "there is not enough memory for all packets; leave out --memory (spanbeat.preload)";
    return !full_ && !stopped_;
  }
  std::vector<std::unique_ptr<MemorySource>> take(std::uint64_t loops, Time pause) {
    std::vector<std::unique_ptr<MemorySource>> sources;
    for (PacketMemory& memory : memories_) {
      // What all have in common is told by the first.
      sources.push_back(
          std::make_unique<MemorySource>(std::move(memory), loops, pause, sources.empty() ? counters_ : Counters()));
    }
    return sources;
  }

 private:
  void drain(Source& source, PacketMemory& memory, const std::function<bool()>& stop) {
    std::array<Packet, kBurst> packets;
    std::uint64_t bursts = 0;
    while (!full_) {
      const std::size_t count = source.burst(packets);
      for (std::size_t i = 0; i < count; ++i) {
        if (!memory.append(packets[i])) full_ = true;
      }
      if (count == 0 && source.state() == Source::State::end) return;
      if ((count == 0 || (++bursts & 0xfff) == 0) && stop()) {
        stopped_ = true;
        return;
      }
    }
  }

  // Until its end: the steering thread waits for those that take nothing.
  static void discard(Source& queue) {
    std::array<Packet, kBurst> packets;
    while (queue.state() == Source::State::open) (void)queue.burst(packets);
  }

  bool share_out(const GeneralSettings& general, const std::function<bool()>& stop, std::string& problem) {
    FirstPacketSource first(files_);
    while (!first.read_ahead() && first.state() == Source::State::open) {
      if (stop()) return false;
    }
    std::optional<Filter> filter;
    if (const std::string& expression = general.packetbeat_interfaces_bpf_filter; !expression.empty()) {
      auto compiled = Filter::compile(expression, first.read_ahead() ? first.first().link : LinkType::ethernet, 65535);
      if (!compiled.ok()) {
        problem = "packetbeat.interfaces.bpf_filter: " + std::string(compiled.status().message());
        return false;
      }
      filter = std::move(*compiled);
    }
    const auto lanes = static_cast<unsigned>(memories_.size());
    Steering steering(first, std::move(filter), lanes);
    std::vector<std::thread> threads;
    threads.emplace_back([&steering] { steering.run(); });
    for (unsigned i = 1; i < lanes; ++i) {
      threads.emplace_back([&, i] {
        drain(steering.queue(i), memories_[i], [this] { return stopped_.load(); });
        discard(steering.queue(i));
      });
    }
    drain(steering.queue(0), memories_[0], stop);
    if (stopped_ || full_) steering.stop();
    discard(steering.queue(0));
    for (std::thread& thread : threads) thread.join();
    counters_.add_all(steering.counters());
    return true;
  }

  Source& files_;
  std::vector<PacketMemory> memories_;
  Counters counters_;
  std::atomic<bool> full_{false};
  std::atomic<bool> stopped_{false};
};

}  // namespace

std::unique_ptr<Capture> open_memory(const GeneralSettings& general, unsigned workers,
                                     const std::function<bool()>& stop, std::string& problem) {
  if (general.packetbeat_interfaces_oneatatime) {
    problem = "-O waits for each packet; leave out --memory (spanbeat.preload)";
    return nullptr;
  }
  CaptureFileOptions options;
  options.paths = general.packetbeat_interfaces_file;
  options.full_speed = true;
  auto files = open_capture_files(options);
  if (!files.ok()) {
    problem = std::string(files.status().message());
    return nullptr;
  }
  Loading loading(**files);
  if (!loading.run(general, workers, stop, problem)) return nullptr;
  const auto loops = static_cast<std::uint64_t>(general.packetbeat_interfaces_loop);
  return std::make_unique<MemoryCapture>(std::move(*files),
                                         loading.take(loops, general.packetbeat_flows_timeout + kPause));
}

}  // namespace spanbeat
