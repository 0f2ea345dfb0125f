#include "app/service.h"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <optional>
#include <thread>

#include "app/log/log.h"
#include "app/metrics/accounting.h"
#include "app/metrics/metrics.h"
#include "app/service/data_directory.h"
#include "app/service/first_packet.h"
#include "app/service/signals.h"
#include "dataplane/filter/filter.h"
#include "dataplane/source/capture_file.h"
#include "dataplane/source/dump.h"
#include "decoders/registry.h"
#include "export/exporter.h"

namespace spanbeat {
namespace {

Time steady_time() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

std::string duration_text(Time duration) {
  if (duration % kSecond == 0) return fmt::format("{}s", duration / kSecond);
  return fmt::format("{}s", static_cast<double>(duration) / static_cast<double>(kSecond));
}

class Service {
 public:
  Service(Options options, const LoadedConfig& config) : options_(std::move(options)), config_(config) {}

  int run() {
    started_ = steady_time();
    if (!set_up()) return 1;
    if (stopping_) return 0;
    log_info("", "packetbeat start running.");
    std::thread exporting([this] {
      exporter_->run(ring_);
      exporter_done_.store(true);
      signals_.wake();
    });
    std::thread capturing([this] {
      worker_->run();
      signals_.wake();
    });
    watch();
    capturing.join();
    exporting.join();
    return finish();
  }

 private:
  bool refuse(const std::string& message) {
    log_error("", "Exiting: " + message);
    fmt::print(stderr, "Exiting: {}\n", message);
    return false;
  }

  bool set_up() {
    log_info("beat", fmt::format("Home path: [{}] Config path: [{}] Data path: [{}] Logs path: [{}]",
                                 config_.paths.home, config_.paths.config, config_.paths.data, config_.paths.logs));
    return identify() && open_source() && find_first_packet() && build();
  }

  // Who this instance is. Files can be read without a directory of one's own.
  bool identify() {
    Identity& identity = options_.exporting.identity;
    std::string problem;
    bool locked = false;
    if (data_.open(config_.paths.data, problem, locked)) identity.id = data_.agent_id(problem);
    if (locked) return refuse(problem);
    if (identity.id.empty()) {
      identity.id = named_uuid("host", identity.name);
      log_warn(
          "beat",
          problem + "; agent.id is made of the host's name; choose a directory that can be written with --path.data");
    }
    log_info("beat", "Beat ID: " + identity.id);
    return true;
  }

  bool open_source() {
    const GeneralSettings& general = options_.general;
    if (general.packetbeat_interfaces_file.empty()) {
      return refuse(
          "capturing from interfaces is not built yet; name a capture file with -I FILE, or "
          "packetbeat.interfaces.file");
    }
    if (general.packetbeat_procs_enabled) log_info("procs", "process monitoring is disabled for files");
    CaptureFileOptions files;
    files.paths = general.packetbeat_interfaces_file;
    files.loops = static_cast<std::uint64_t>(general.packetbeat_interfaces_loop);
    files.full_speed = general.packetbeat_interfaces_topspeed;
    files.one_at_a_time = general.packetbeat_interfaces_oneatatime;
    auto opened = open_capture_files(files);
    if (!opened.ok())
      return refuse("sniffer loop failed: Error starting sniffer: " + std::string(opened.status().message()));
    files_ = std::move(*opened);
    source_ = files_.get();
    if (!general.packetbeat_interfaces_dumpfile.empty()) {
      auto writer = PcapWriter::create(general.packetbeat_interfaces_dumpfile);
      if (!writer.ok()) return refuse("packetbeat.interfaces.dumpfile: " + std::string(writer.status().message()));
      dump_ = std::make_unique<DumpSource>(*source_, std::move(*writer));
      source_ = dump_.get();
    }
    first_ = std::make_unique<FirstPacketSource>(*source_);
    source_ = first_.get();
    return true;
  }

  // Waits for the first packet of the input, or its end, or a signal.
  bool find_first_packet() {
    while (!first_->read_ahead() && first_->state() == Source::State::open) {
      if (signals_.wait(0) == Signals::Event::signal) {
        stopping_ = true;
        return true;
      }
    }
    return true;
  }

  bool build() {
    Identity& identity = options_.exporting.identity;
    const bool any = first_->read_ahead();
    const bool repeatable = options_.general.packetbeat_interfaces_topspeed;
    // The same file gives the same documents, to the last octet.
    identity.ephemeral_id =
        repeatable ? named_uuid(identity.id, std::to_string(any ? first_->first().timestamp : 0)) : random_uuid();
    options_.exporting.own_addresses = interface_addresses();
    options_.exporting.codec = options_.output.codec;
    options_.exporting.wait_when_full = !source_->live();
    log_info("beat", "Setup Beat: packetbeat; Version: 8.1.0");
    log_info("publisher", "Beat name: " + identity.name);

    std::optional<Filter> filter;
    if (!options_.general.packetbeat_interfaces_bpf_filter.empty()) {
      auto compiled = Filter::compile(options_.general.packetbeat_interfaces_bpf_filter,
                                      any ? first_->first().link : LinkType::ethernet, 65535);
      if (!compiled.ok())
        return refuse("packetbeat.interfaces.bpf_filter: " + std::string(compiled.status().message()));
      filter = std::move(*compiled);
    }
    std::vector<std::unique_ptr<Decoder>> decoders;
    for (std::size_t i = 0; i < options_.decoders.size(); ++i) {
      decoders.push_back(options_.decoders[i] == nullptr ? nullptr
                                                         : registered_decoders()[i].make(options_.decoders[i]));
      if (options_.decoders[i] != nullptr) ++streams_;
    }
    if (options_.worker.flows.enabled) ++streams_;
    std::string problem;
    std::unique_ptr<Sink> sink = make_sink(options_.output, problem);
    if (sink == nullptr) return refuse("error initializing publisher: " + problem);
    output_ = sink->name();
    queue_events_ = options_.exporting.queue.events;
    worker_ = std::make_unique<Worker>(options_.worker, std::move(decoders), std::move(filter), *source_, ring_);
    exporter_ = std::make_unique<Exporter>(options_.exporting, std::move(sink));
    return true;
  }

  // Until both threads are done: signals, warnings of the source, metrics.
  void watch() {
    const GeneralSettings& general = options_.general;
    const Time period = general.logging_metrics_enabled ? general.logging_metrics_period : -1;
    if (period > 0) log_info("monitoring", "Starting metrics logging every " + duration_text(period));
    MetricTree shown = metrics();
    Time next = steady_time() + period;
    while (!exporter_done_.load()) {
      const Time until = period > 0 ? std::max<Time>(next - steady_time(), 0) : kSecond;
      const Signals::Event event = signals_.wait(std::min(until, kSecond));
      if (event == Signals::Event::signal) stop();
      if (exporter_->sink_gone() && stops_ == 0) {
        log_error("publisher", "the reader of " + output_ + " has gone; stopping");
        stop();
      }
      show_warnings();
      if (period > 0 && steady_time() >= next) {
        const MetricTree now = metrics();
        show_metrics(metrics_since(shown, now), period);
        shown = now;
        next += period * std::max<Time>((steady_time() - next) / period + 1, 1);
      }
    }
  }

  // The first signal ends the capture and sees everything out; a second one does not wait for a sink that is stuck; a
  // third one ends the program.
  void stop() {
    if (stops_ >= 2) ::_exit(1);
    if (stops_++ == 0) log_info("service", "Packetbeat send stop signal");
    worker_->stop();
    const Time patience = options_.general.packetbeat_shutdown_timeout;
    exporter_->stop(stops_ > 1 ? 0 : patience > 0 ? patience : 5 * kSecond);
  }

  void show_warnings() {
    for (const CaptureWarning& warning : files_->take_warnings()) log_warn("sniffer", warning.text());
  }

  static void show_metrics(const MetricTree& changed, Time period) {
    if (!has_counters(changed)) {
      log_info("monitoring", "No non-zero metrics in the last " + duration_text(period));
      return;
    }
    log_line(LogLevel::info, "monitoring", "Non-zero metrics in the last " + duration_text(period),
             "\"monitoring\":{\"metrics\":" + metrics_json(changed) + "}");
  }

  [[nodiscard]] Counters all_counters() const {
    Counters all;
    all.add_all(worker_->counters());
    all.add_all(exporter_->counters());
    return all;
  }

  [[nodiscard]] MetricTree metrics() const {
    const Counters all = all_counters();
    return collect_metrics({&all, worker_->live_flows(), streams_, output_, options_.exporting.identity.ephemeral_id,
                            steady_time() - started_, queue_events_});
  }

  int finish() {
    show_warnings();
    const Time uptime = steady_time() - started_;
    const Counters all = all_counters();
    log_info("flows", "flows worker loop stopped");
    if (options_.general.logging_metrics_enabled) {
      log_line(LogLevel::info, "monitoring", "Total metrics",
               "\"monitoring\":{\"metrics\":" + metrics_json(metrics()) + "}");
    }
    log_info("monitoring", fmt::format("Uptime: {:.9f}s", static_cast<double>(uptime) / 1e9));
    log_info("monitoring", "Stopping metrics logging.");
    for (const AccountingIdentity& identity : accounting_identities(all)) {
      if (!identity.holds()) {
        log_error("monitoring",
                  fmt::format("accounting is wrong: {}: {} is not {}", identity.text, identity.left, identity.right));
      }
    }
    if (dump_ != nullptr && !dump_->status().ok())
      log_error("sniffer", "dump: " + std::string(dump_->status().message()));
    const absl::Status read = files_->result();
    bool good = !exporter_->sink_gone();
    if (!read.ok()) good = refuse("sniffer loop failed: " + std::string(read.message()));
    log_info("", "packetbeat stopped.");
    fmt::print(stderr, "{}", accounting_table(all, uptime));
    return good ? 0 : 1;
  }

  Options options_;
  const LoadedConfig& config_;
  Signals signals_;  // before any thread
  DataDirectory data_;
  std::unique_ptr<CaptureFileSource> files_;
  std::unique_ptr<DumpSource> dump_;
  std::unique_ptr<FirstPacketSource> first_;
  Source* source_ = nullptr;  // the outermost
  ChunkRing ring_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<Exporter> exporter_;
  std::atomic<bool> exporter_done_{false};
  bool stopping_ = false;  // before anything ran
  int stops_ = 0;
  Time started_ = 0;
  std::uint64_t streams_ = 0;
  std::string output_;
  std::int64_t queue_events_ = 0;
};

}  // namespace

int run_service(Options options, const LoadedConfig& config) { return Service(std::move(options), config).run(); }

}  // namespace spanbeat
