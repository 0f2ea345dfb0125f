#include "app/service/dpdk_capture.h"

#include <mutex>
#include <utility>

#include "app/log/log.h"
#include "dataplane/source/dpdk/ports.h"
#include "dataplane/source/dpdk/shunt.h"
#include "dataplane/source/dpdk/threads.h"

namespace spanbeat {
namespace {

// Messages come from several threads, and may come while EAL starts: warnings wait for who asks, the rest goes to the
// log.
class Remarks {
 public:
  void add(DpdkLogLevel level, const std::string& line) {
    if (level == DpdkLogLevel::debug) {
      log_debug("dpdk", line);
    } else if (level == DpdkLogLevel::info) {
      log_info("dpdk", line);
    } else {
      const std::lock_guard lock(mutex_);
      if (lines_.size() < kMost) lines_.push_back(line);
    }
  }
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(lines_, {});
  }

 private:
  static constexpr std::size_t kMost = 100;
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

class DpdkCapture final : public Capture {
 public:
  bool open(DpdkOptions options, std::string& problem) {
    options.log = [remarks = remarks_](DpdkLogLevel level, const std::string& line) { remarks->add(level, line); };
    ports_ = DpdkPorts::open(options, problem);
    return ports_ != nullptr;
  }
  DpdkCapture() = default;
  DpdkCapture(const DpdkCapture&) = delete;
  DpdkCapture& operator=(const DpdkCapture&) = delete;

  std::vector<Source*> sources() override { return ports_->readers(); }
  [[nodiscard]] std::optional<SteeringOptions::By> steering() const override {
    if (!ports_->steered()) return std::nullopt;
    return ports_->options().rss == DpdkRss::ports ? SteeringOptions::By::ports : SteeringOptions::By::addresses;
  }
  FlowShunt* shunt(unsigned worker, unsigned workers) override {
    const DpdkOptions& options = ports_->options();
    if (!options.hardware_shunt) return nullptr;
    if (shunt_ == nullptr) {
      std::vector<DpdkPort*> ports;
      for (const auto& port : ports_->ports()) ports.push_back(port.get());
      shunt_ = std::make_unique<DpdkShunt>(ports, workers, options.shunt_flows, options.log);
    }
    return &shunt_->worker(worker);
  }
  void place_worker(unsigned worker) override {
    // Behind the cores of the threads that poll; where none is left the system chooses.
    const std::size_t place = ports_->readers().size() + worker;
    const std::vector<int>& cores = ports_->options().cores;
    std::string problem;
    if (place < cores.size() && !pin_calling_thread(cores[place], problem)) {
      remarks_->add(DpdkLogLevel::warning, "worker " + std::to_string(worker) + ": not pinned: " + problem);
    }
  }
  [[nodiscard]] std::string failure() const override {
    return ports_->all_gone() ? "every DPDK port was pulled out; plug one in and start again" : "";
  }
  [[nodiscard]] std::string kind() const override { return "dpdk"; }
  std::vector<std::string> take_remarks() override { return remarks_->take(); }
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> statistics() const override {
    auto all = ports_->statistics();
    if (shunt_ != nullptr) {
      all.emplace_back("shunt.flows", shunt_->flows());
      all.emplace_back("shunt.packets", shunt_->packets());
    }
    return all;
  }

 private:
  // Shared with EAL's log, which outlives this.
  std::shared_ptr<Remarks> remarks_ = std::make_shared<Remarks>();
  std::unique_ptr<DpdkPorts> ports_;
  std::unique_ptr<DpdkShunt> shunt_;
};

}  // namespace

std::unique_ptr<Capture> open_dpdk(DpdkOptions options, std::string& problem) {
  auto capture = std::make_unique<DpdkCapture>();
  if (!capture->open(std::move(options), problem)) return nullptr;
  return capture;
}

}  // namespace spanbeat
