#include "app/service/dpdk_capture.h"

#include <mutex>
#include <utility>

#include "app/log/log.h"
#include "dataplane/source/dpdk/ports.h"

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

  std::vector<Source*> sources() override {
    std::vector<Source*> all;
    for (const auto& queue : ports_->sources()) all.push_back(queue.get());
    return all;
  }
  [[nodiscard]] std::string kind() const override { return "dpdk"; }
  std::vector<std::string> take_remarks() override { return remarks_->take(); }
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> statistics() const override {
    return ports_->statistics();
  }

 private:
  // Shared with EAL's log, which outlives this.
  std::shared_ptr<Remarks> remarks_ = std::make_shared<Remarks>();
  std::unique_ptr<DpdkPorts> ports_;
};

}  // namespace

std::unique_ptr<Capture> open_dpdk(DpdkOptions options, std::string& problem) {
  auto capture = std::make_unique<DpdkCapture>();
  if (!capture->open(std::move(options), problem)) return nullptr;
  return capture;
}

}  // namespace spanbeat
