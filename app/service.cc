#include "app/service.h"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <optional>
#include <thread>

#include "app/config/dpdk.h"
#include "app/log/log.h"
#include "app/metrics/accounting.h"
#include "app/metrics/metrics.h"
#include "app/metrics/prometheus.h"
#include "app/service/about.h"
#include "app/service/capture.h"
#include "app/service/data_directory.h"
#include "app/service/dpdk_capture.h"
#include "app/service/endpoint.h"
#include "app/service/first_packet.h"
#include "app/service/memory_capture.h"
#include "app/service/memory_ceiling.h"
#include "app/service/signals.h"
#include "app/service/source_filter.h"
#include "app/service/thread.h"
#include "app/service/worker_care.h"
#include "dataplane/filter/filter.h"
#include "dataplane/source/dump.h"
#include "dataplane/source/group.h"
#include "dataplane/steering.h"
#include "export/exporter.h"

namespace spanbeat {
namespace {

Time steady_time() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

// Of 64 KiB, between a worker and the exporter. Live, they take up what comes at once: reports of all flows.
constexpr unsigned kFileChunks = 32;
constexpr unsigned kLiveChunks = 256;

std::string duration_text(Time duration) {
  if (duration % kSecond == 0) return fmt::format("{}s", duration / kSecond);
  return fmt::format("{}s", static_cast<double>(duration) / static_cast<double>(kSecond));
}

constexpr int kDebugLevel = 3;  // logging.level

class Service {
 public:
  Service(Options options, const LoadedConfig& config)
      : options_(std::move(options)),
        config_(config),
        care_(options_.general.spanbeat_watchdog_timeout, config.paths.data) {}

  int run() {
    started_ = steady_time();
    started_tsc_ = StageClocks::now();
    if (!set_up()) return 1;
    if (stopping_) return 0;
    log_info("", "packetbeat start running.");
    clocks_.start();
    std::vector<std::thread> threads;
    threads.emplace_back([this] {
      begin_thread("exporter");
      const ThreadClocks::Turn turn(clocks_, ThreadRole::exporter);
      std::vector<ChunkRing*> rings;
      for (const auto& lane : lanes_) rings.push_back(&lane->ring);
      const bool in_order = lanes_.size() > 1 && (capture_->shared_out() ||
                                                  (steerings_.size() == 1 && !steerings_.front()->queue(0).live()));
      exporter_->run(rings, in_order ? Exporter::Merge::in_order : Exporter::Merge::as_they_come);
      exporter_done_.store(true);
      signals_.wake();
    });
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      threads.emplace_back([this, &worker = *lanes_[i]->worker, i] {
        begin_thread("worker-" + std::to_string(i), nice());
        const ThreadClocks::Turn turn(clocks_, ThreadRole::worker);
        if (!steerings_.empty()) capture_->place_worker(static_cast<unsigned>(i));
        worker.run();
      });
    }
    for (const auto& steering : steerings_) {
      threads.emplace_back([this, &steering = *steering] {
        begin_thread("steering", nice());
        const ThreadClocks::Turn turn(clocks_, ThreadRole::steering);
        steering.run();
      });
    }
    watch();
    for (std::thread& thread : threads) thread.join();
    endpoint_.reset();
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
    return identify() && open_source() && (stopping_ || find_first_packet()) &&
           (stopping_ || (build() && open_endpoint()));
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
    workers_ = worker_count(general);
    const bool dump = !general.packetbeat_interfaces_dumpfile.empty();
    std::string problem;
    const bool dpdk = wants_dpdk(general);
    const std::string filter = source_filter(options_);
    if (general.packetbeat_interfaces_bpf_filter.empty() && !filter.empty())
      log_info("sniffer", "flows are off: only packets of the protocols' ports are captured: " + filter);
    options_.dpdk.filter = filter;
    const unsigned queues = dump ? 1 : workers_;
    if (preload()) {
      log_info("sniffer", "reading all packets into memory");
      capture_ = open_memory(general, queues, [this] { return interrupted(); }, problem);
      if (stopping_) return true;
    } else {
      capture_ = dpdk ? open_dpdk(options_.dpdk, problem) : open_capture(general, filter, queues, problem);
    }
    if (capture_ == nullptr) return refuse("sniffer loop failed: Error starting sniffer: " + problem);
    sources_ = capture_->sources();
    if (general.packetbeat_procs_enabled) log_info("procs", "process monitoring is not built");
    if (dump) {
      auto writer = PcapWriter::create(general.packetbeat_interfaces_dumpfile);
      if (!writer.ok()) return refuse("packetbeat.interfaces.dumpfile: " + std::string(writer.status().message()));
      dump_ = std::make_unique<DumpSource>(*sources_.front(), std::move(*writer));
      sources_.front() = dump_.get();
    }
    if (!live()) {
      first_ = std::make_unique<FirstPacketSource>(*sources_.front());
      sources_.front() = first_.get();
    }
    // One source for several workers, and sources that part flows, are shared out by threads of their own.
    steered_ = capture_->steering();
    if (steered_.has_value()) {
      if (general.spanbeat_workers == 0) workers_ = static_cast<unsigned>(sources_.size());
    } else if (sources_.size() > 1 || (wants_dpdk(general) && general.spanbeat_workers == 0)) {
      workers_ = static_cast<unsigned>(sources_.size());
    }
    log_info("sniffer",
             fmt::format("capture by {}, {} worker{}", capture_->kind(), workers_, workers_ == 1 ? "" : "s"));
    return true;
  }
  [[nodiscard]] bool preload() const {
    return options_.general.spanbeat_preload && !options_.general.packetbeat_interfaces_file.empty();
  }
  [[nodiscard]] bool live() const { return sources_.front()->live(); }
  [[nodiscard]] int nice() const { return live() ? static_cast<int>(options_.general.spanbeat_nice) : 0; }

  // Waits for the first packet of the input, or its end, or a signal.
  bool find_first_packet() {
    if (first_ == nullptr) return true;
    while (!first_->read_ahead() && first_->state() == Source::State::open) {
      if (interrupted()) return true;
    }
    return true;
  }

  // Before anything runs: was there a signal?
  bool interrupted() {
    if (signals_.wait(0) == Signals::Event::signal) stopping_ = true;
    return stopping_;
  }

  // One for each thread that asks it.
  std::optional<Filter> filter(std::string& problem) {
    const std::string& expression = options_.general.packetbeat_interfaces_bpf_filter;
    if (expression.empty()) return std::nullopt;
    const LinkType link = first_ != nullptr && first_->read_ahead() ? first_->first().link : LinkType::ethernet;
    auto compiled = Filter::compile(expression, link, 65535);
    if (compiled.ok()) {
      if (!compiled->problem().empty() && !std::exchange(filter_told_, true)) {
        log_warn("sniffer", fmt::format("packetbeat.interfaces.bpf_filter '{}' selects no packet of this input, whose "
                                        "link type is {}: {}",
                                        expression, static_cast<unsigned>(link), compiled->problem()));
      }
      return std::move(*compiled);
    }
    problem = "packetbeat.interfaces.bpf_filter: " + std::string(compiled.status().message());
    return std::nullopt;
  }

  // Bounds are those of all workers together.
  [[nodiscard]] WorkerConfig share_of_worker() const {
    WorkerConfig config = options_.worker;
    const auto share = [&](std::size_t& bound) { bound = (bound + workers_ - 1) / workers_; };
    share(config.flows.max_flows);
    share(config.streams.held_total);
    share(config.streams.max_connections);
    share(config.fragments.datagrams);
    share(config.fragments.octets);
    share(config.event_memory);
    return config;
  }

  bool build() {
    Identity& identity = options_.exporting.identity;
    const bool any = first_ != nullptr && first_->read_ahead();
    const bool repeatable = !live() && (preload() || options_.general.packetbeat_interfaces_topspeed);
    // The same file gives the same documents, to the last octet.
    identity.ephemeral_id =
        repeatable ? named_uuid(identity.id, std::to_string(any ? first_->first().timestamp : 0)) : random_uuid();
    options_.exporting.own_addresses = interface_addresses();
    options_.exporting.codec = options_.outputs.first.codec;
    options_.exporting.wait_when_full = !live();
    log_info("beat", "Setup Beat: packetbeat; Version: 8.1.0");
    log_info("publisher", "Beat name: " + identity.name);

    std::string problem;
    if (steered_.has_value() || (sources_.size() == 1 && workers_ > 1)) {
      (void)filter(problem);
      if (!problem.empty()) return refuse(problem);
      steer();
    }
    if (live()) care_.leave_out_quarantined(options_.decoders);
    for (const auto& decoder : options_.decoders) {
      if (decoder != nullptr) ++streams_;
    }
    if (options_.worker.flows.enabled) ++streams_;
    std::unique_ptr<Sink> sink = make_outputs(options_.outputs, options_.exporting, options_.output_context, problem);
    if (sink == nullptr) return refuse("error initializing publisher: " + problem);
    output_ = sink->name();
    batch_size_ = static_cast<std::int64_t>(sink->wanted_documents());
    queue_events_ = options_.exporting.queue.events;
    WorkerConfig config = share_of_worker();
    const bool steered = !steerings_.empty() || capture_->shared_out();
    for (Source* source : sources_) {
      auto lane = std::make_unique<Lane>(live() ? kLiveChunks : kFileChunks);
      lane->worker =
          std::make_unique<Worker>(config, make_decoders(options_), steered ? std::nullopt : filter(problem), *source,
                                   lane->ring, capture_->shunt(static_cast<unsigned>(lanes_.size()), workers_));
      lanes_.push_back(std::move(lane));
      ++config.number;
    }
    exporter_ = std::make_unique<Exporter>(options_.exporting, std::move(sink));
    MemoryUse use = memory_use_of(options_, live(), static_cast<unsigned>(lanes_.size()));
    use.worker = share_of_worker();
    use.chunks = live() ? kLiveChunks : kFileChunks;
    use.steerings = static_cast<unsigned>(steerings_.size());
    memory_ = tell_memory(use);
    return true;
  }

  // From every source to every worker.
  void steer() {
    SteeringOptions options;
    options.read_together = sources_.size() > 1;
    if (steered_.has_value()) options.by = *steered_;
    options.chunks = std::max<unsigned>(options.chunks / static_cast<unsigned>(sources_.size()), 8);
    std::string problem;
    for (Source* one : sources_)
      steerings_.push_back(std::make_unique<Steering>(*one, filter(problem), workers_, options));
    sources_.clear();
    for (unsigned i = 0; i < workers_; ++i) {
      std::vector<Source*> queues;
      for (const auto& steering : steerings_) queues.push_back(&steering->queue(i));
      if (queues.size() > 1)
        queues = {groups_.emplace_back(std::make_unique<GroupSource>(queues, GroupSource::Idle::sleep)).get()};
      sources_.push_back(queues.front());
    }
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
      look_after_workers();
      if (period > 0 && steady_time() >= next) {
        const MetricTree now = metrics();
        show_metrics(metrics_since(shown, now), period);
        shown = now;
        next += period * std::max<Time>((steady_time() - next) / period + 1, 1);
      }
    }
  }

  // Once a second: overload, and decoders that do not come back.
  void look_after_workers() {
    if (steady_time() < next_look_) return;
    next_look_ = steady_time() + kSecond;
    std::vector<Worker*> workers;
    for (const auto& lane : lanes_) workers.push_back(lane->worker.get());
    care_.look(workers, exporter_->counters().get(Counter::event_queue_dropped), stops_ == 0);
  }

  // The first signal ends the capture and sees everything out; a second one does not wait for a sink that is stuck; a
  // third one ends the program.
  void stop() {
    if (stops_ >= 2) ::_exit(1);
    if (stops_++ == 0) log_info("service", "Packetbeat send stop signal");
    for (const auto& steering : steerings_) steering->stop();  // the workers end when their queues do
    if (steerings_.empty()) {
      for (const auto& lane : lanes_) lane->worker->stop();
    }
    const Time patience = options_.general.packetbeat_shutdown_timeout;
    exporter_->stop(stops_ > 1 ? 0 : patience > 0 ? patience : 5 * kSecond);
  }

  void show_warnings() {
    for (const std::string& remark : capture_->take_remarks()) log_warn("sniffer", remark);
    for (const Remarks::Remark& remark : options_.output_context.remarks->take()) {
      const LogLevel level = remark.level == Remarks::Level::info      ? LogLevel::info
                             : remark.level == Remarks::Level::warning ? LogLevel::warn
                                                                       : LogLevel::error;
      log_line(level, "publisher_pipeline_output", remark.text);
    }
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
    for (const auto& lane : lanes_) all.add_all(lane->worker->counters());
    for (const auto& steering : steerings_) all.add_all(steering->counters());
    all.add_all(exporter_->counters());
    all.add(Counter::watchdog_stalls, care_.stalls());
    return all;
  }
  [[nodiscard]] StageTimes stage_times() const {
    StageTimes times;
    for (const auto& lane : lanes_) times.add(lane->worker->stages());
    return times;
  }
  [[nodiscard]] double tsc_hertz() const {
    const Time passed = std::max<Time>(steady_time() - started_, 1);
    return static_cast<double>(StageClocks::now() - started_tsc_) * 1e9 / static_cast<double>(passed);
  }
  [[nodiscard]] std::uint64_t live_flows() const {
    std::uint64_t flows = 0;
    for (const auto& lane : lanes_) flows += lane->worker->live_flows();
    return flows;
  }

  [[nodiscard]] MetricsInput metrics_of(const Counters& all) const {
    return {&all,
            live_flows(),
            streams_,
            output_,
            options_.exporting.identity.ephemeral_id,
            steady_time() - started_,
            queue_events_,
            capture_->statistics(),
            exporter_->sink_statistics(),
            exporter_->sink_accounts(),
            stage_times(),
            tsc_hertz(),
            clocks_.times(),
            memory_};
  }
  [[nodiscard]] MetricTree metrics() const {
    const Counters all = all_counters();
    return collect_metrics(metrics_of(all));
  }

  // http.enabled: from now on anybody who asks is told.
  bool open_endpoint() {
    const GeneralSettings& general = options_.general;
    if (!general.http_enabled) return true;
    const ExportConfig& exporting = options_.exporting;
    Endpoint::Pages pages;
    pages.about = [&exporting] { return about(exporting.identity); };
    pages.state = [this, &exporting] {
      return state_of(exporting.identity, output_, batch_size_, options_.outputs.spool.enabled);
    };
    pages.stats = [this] { return metrics_json(metrics()); };
    pages.metrics = [this] {
      const Counters all = all_counters();
      return prometheus_text(metrics_of(all));
    };
    std::string problem;
    endpoint_ =
        Endpoint::open(general.http_host, static_cast<std::uint16_t>(general.http_port), std::move(pages), problem);
    if (endpoint_ == nullptr) return refuse("could not start the HTTP server for the API: " + problem);
    log_info("api", fmt::format("Metrics endpoint listening on: {}:{} (configured: {})", general.http_host,
                                endpoint_->port(), general.http_host));
    return true;
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
    const std::string failure = capture_->failure();
    bool good = !exporter_->sink_gone();
    if (!failure.empty()) good = refuse("sniffer loop failed: " + failure);
    log_info("", "packetbeat stopped.");
    fmt::print(stderr, "{}{}", accounting_table(all, uptime), cpu_table(clocks_.times()));
    if (options_.show_stages || options_.general.logging_level == kDebugLevel)
      fmt::print(stderr, "{}", stage_table(stage_times(), tsc_hertz()));
    return good ? 0 : 1;
  }

  Options options_;
  const LoadedConfig& config_;
  Signals signals_;  // before any thread
  ThreadClocks clocks_;
  DataDirectory data_;
  std::unique_ptr<Capture> capture_;
  std::unique_ptr<DumpSource> dump_;
  std::unique_ptr<FirstPacketSource> first_;  // of files
  std::vector<Source*> sources_;              // the outermost ones
  unsigned workers_ = 1;
  std::optional<SteeringOptions::By> steered_;        // by the capture's wish
  std::vector<std::unique_ptr<Steering>> steerings_;  // where one source has several workers, or flows lie over several
  std::vector<std::unique_ptr<GroupSource>> groups_;  // a worker's queues of several steering threads
  struct Lane {
    explicit Lane(unsigned chunks) : ring(chunks) {}
    ChunkRing ring;
    std::unique_ptr<Worker> worker;
  };
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::unique_ptr<Exporter> exporter_;
  std::atomic<bool> exporter_done_{false};
  bool stopping_ = false;  // before anything ran
  bool filter_told_ = false;
  int stops_ = 0;
  Time started_ = 0;
  std::uint64_t started_tsc_ = 0;
  std::uint64_t streams_ = 0;
  WorkerCare care_;
  Time next_look_ = 0;
  std::string output_;
  std::int64_t batch_size_ = 0;
  std::unique_ptr<Endpoint> endpoint_;  // asks all of the above
  std::int64_t queue_events_ = 0;
  MemoryCeiling memory_;
};

}  // namespace

int run_service(Options options, const LoadedConfig& config) { return Service(std::move(options), config).run(); }

}  // namespace spanbeat
