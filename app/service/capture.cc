#include "app/service/capture.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

#include "app/service/file_capture.h"
#include "dataplane/source/af_packet/af_packet.h"
#include "dataplane/source/af_packet/interfaces.h"

namespace spanbeat {
namespace {

constexpr int kAfPacket = 2;  // packetbeat.interfaces.type

class InterfaceCapture final : public Capture {
 public:
  explicit InterfaceCapture(std::vector<std::unique_ptr<AfPacketSource>> queues) : queues_(std::move(queues)) {}
  std::vector<Source*> sources() override {
    std::vector<Source*> all;
    for (const auto& queue : queues_) all.push_back(queue.get());
    return all;
  }
  [[nodiscard]] std::string kind() const override { return "af_packet"; }
  // All queues are on the same interfaces and see the same happen to them.
  std::vector<std::string> take_remarks() override {
    for (std::size_t i = 1; i < queues_.size(); ++i) (void)queues_[i]->take_remarks();
    return queues_.front()->take_remarks();
  }

 private:
  std::vector<std::unique_ptr<AfPacketSource>> queues_;
};

std::unique_ptr<Capture> open_files(const GeneralSettings& general, std::string& problem) {
  CaptureFileOptions files;
  files.paths = general.packetbeat_interfaces_file;
  files.loops = static_cast<std::uint64_t>(general.packetbeat_interfaces_loop);
  files.full_speed = general.packetbeat_interfaces_topspeed;
  files.one_at_a_time = general.packetbeat_interfaces_oneatatime;
  auto opened = open_capture_files(files);
  if (!opened.ok()) {
    problem = std::string(opened.status().message());
    return nullptr;
  }
  return std::make_unique<FileCapture>(std::move(*opened));
}

std::unique_ptr<Capture> open_interfaces(const GeneralSettings& general, const std::string& filter, unsigned workers,
                                         std::string& problem) {
  AfPacketOptions options;
  options.devices = device_names(general.packetbeat_interfaces_device);
  for (std::string& device : options.devices) {
    std::size_t number = 0;
    const char* end = device.data() + device.size();
    const auto [at, error] = std::from_chars(device.data(), end, number);
    if (error != std::errc() || at != end) continue;
    const std::string name = device_by_number(number, problem);
    if (name.empty()) {
      problem = "Couldn't understand device index " + device + ": " + problem;
      return nullptr;
    }
    device = name;
  }
  options.buffer_octets = (static_cast<std::size_t>(general.packetbeat_interfaces_buffer_size_mb) << 20) / workers;
  options.snaplen = static_cast<std::uint32_t>(general.packetbeat_interfaces_snaplen);
  // Packetbeat's `pcap` is always promiscuous.
  options.promiscuous =
      general.packetbeat_interfaces_type != kAfPacket || general.packetbeat_interfaces_auto_promisc_mode;
  options.hardware_time = general.spanbeat_af_packet_hardware_time;
  options.wait_for_interfaces = general.spanbeat_af_packet_wait_for_interfaces;
  options.filter = filter;
  // Another process must not have the same number by chance.
  if (workers > 1) options.fanout_group = static_cast<std::uint16_t>((::getpid() & 0x7fff) | 0x8000);
  std::vector<std::unique_ptr<AfPacketSource>> queues;
  for (unsigned i = 0; i < workers; ++i) {
    auto opened = AfPacketSource::open(options);
    if (!opened.ok()) {
      problem = std::string(opened.status().message());
      return nullptr;
    }
    queues.push_back(std::move(*opened));
  }
  return std::make_unique<InterfaceCapture>(std::move(queues));
}

}  // namespace

unsigned worker_count(const GeneralSettings& general) {
  if (general.spanbeat_workers > 0) return static_cast<unsigned>(general.spanbeat_workers);
  constexpr std::uintmax_t kLargeFile = std::uintmax_t{64} << 20;
  std::uintmax_t octets = 0;
  for (const std::string& path : general.packetbeat_interfaces_file) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    if (!error) octets += size;
  }
  if (!general.packetbeat_interfaces_file.empty() && octets < kLargeFile) return 1;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  const int count = ::sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
  return static_cast<unsigned>(std::clamp(count - 1, 1, 64));
}

std::unique_ptr<Capture> open_capture(const GeneralSettings& general, const std::string& filter, unsigned workers,
                                      std::string& problem) {
  if (!general.packetbeat_interfaces_file.empty()) return open_files(general, problem);
  return open_interfaces(general, filter, workers, problem);
}

}  // namespace spanbeat
