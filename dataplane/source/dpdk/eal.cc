#include "dataplane/source/dpdk/eal.h"

#include <pthread.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string_view>
#include <utility>

namespace spanbeat {
namespace {

struct Messages {
  std::mutex mutex;
  DpdkLog log;
  std::string complaints;
};
// Never destroyed: EAL's own threads may speak until the end of the process.
Messages& messages() {
  static auto* all = new Messages;
  return *all;
}

std::atomic<bool> running{false};

void message(std::string_view line, std::uint32_t level) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (line.empty()) return;
  DpdkLog log;
  {
    Messages& all = messages();
    const std::lock_guard lock(all.mutex);
    if (level <= RTE_LOG_ERR && all.complaints.size() < 1000) {
      if (!all.complaints.empty()) all.complaints += "; ";
      all.complaints += line;
    }
    log = all.log;
  }
  if (!log) return;
  // What EAL calls a warning is news of the machine ("No free 1048576 kB hugepages reported on node 0").
  log(level <= RTE_LOG_ERR       ? DpdkLogLevel::warning
      : level <= RTE_LOG_WARNING ? DpdkLogLevel::info
                                 : DpdkLogLevel::debug,
      std::string(line));
}

ssize_t write_message(void*, const char* text, std::size_t size) {
  const int level = ::rte_log_cur_msg_loglevel();
  message(std::string_view(text, size), level > 0 ? static_cast<std::uint32_t>(level) : RTE_LOG_INFO);
  return static_cast<ssize_t>(size);
}

void capture_messages() {
  cookie_io_functions_t functions{};
  functions.write = write_message;
  FILE* stream = ::fopencookie(nullptr, "w", functions);  // stays open as long as the process
  if (stream == nullptr) return;
  (void)std::setvbuf(stream, nullptr, _IOLBF, 4096);
  (void)::rte_openlog_stream(stream);
}

// EAL explains its options on standard output when it refuses one.
class StandardOutputAside {
 public:
  StandardOutputAside() : kept_((std::fflush(stdout), ::dup(STDOUT_FILENO))) {
    if (kept_ >= 0) (void)::dup2(STDERR_FILENO, STDOUT_FILENO);
  }
  StandardOutputAside(const StandardOutputAside&) = delete;
  StandardOutputAside& operator=(const StandardOutputAside&) = delete;
  ~StandardOutputAside() {
    if (kept_ < 0) return;
    (void)std::fflush(stdout);
    (void)::dup2(kept_, STDOUT_FILENO);
    (void)::close(kept_);
  }

 private:
  int kept_;
};

bool names(const std::string& argument, std::string_view option) {
  return argument.compare(0, option.size(), option) == 0 &&
         (argument.size() == option.size() || argument[option.size()] == '=' ||
          (option.size() == 2 && option[1] != '-'));  // -m512
}

bool any_names(const std::vector<std::string>& arguments, std::initializer_list<std::string_view> options) {
  return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& argument) {
    return std::any_of(options.begin(), options.end(),
                       [&](std::string_view option) { return names(argument, option); });
  });
}

std::uint64_t number_in(const std::filesystem::path& path) {
  FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return 0;
  char text[32] = {};
  const std::size_t size = std::fread(text, 1, sizeof text - 1, file);
  (void)std::fclose(file);
  text[size] = '\0';
  return std::strtoull(text, nullptr, 10);
}

int first_core(const cpu_set_t& cores) {
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &cores)) return core;
  }
  return 0;
}

std::string remedy(int error) {
  switch (error) {
    case EINVAL:
      return "see the options in spanbeat.dpdk.eal_args";
    case EACCES:
    case EPERM:
      return "run as root, or with access to /dev/vfio and huge pages, or use virtual devices with "
             "spanbeat.dpdk.eal_args: [--no-huge]";
    case ENOMEM:
      return "reserve huge pages (echo 512 > /proc/sys/vm/nr_hugepages), or ask for less with spanbeat.dpdk.buffers";
    case ENOTSUP:
      return "this processor lacks what DPDK was built for";
    default:
      return "try spanbeat.dpdk.eal_args: [--no-huge, --no-shconf], which needs neither huge pages nor rights";
  }
}

}  // namespace

std::string device_name(const std::string& device) { return device.substr(0, device.find(',')); }

bool is_pci_device(const std::string& device) {
  const std::string name = device_name(device);
  std::string shape;
  for (const char c : name) shape += std::isxdigit(static_cast<unsigned char>(c)) != 0 ? 'x' : c;
  return shape == "xx:xx.x" || shape == "xxxx:xx:xx.x";
}

std::uint64_t free_huge_octets() {
  std::uint64_t octets = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", error)) {
    const std::string name = entry.path().filename();  // hugepages-2048kB
    const std::size_t dash = name.find('-');
    if (dash == std::string::npos) continue;
    octets += number_in(entry.path() / "free_hugepages") * std::strtoull(name.c_str() + dash + 1, nullptr, 10) * 1024;
  }
  return octets;
}

std::vector<std::string> eal_arguments(const DpdkOptions& options, const EalMemory& needed, std::uint64_t free_huge) {
  const std::vector<std::string>& given = options.eal_args;
  std::vector<std::string> arguments = {"spanbeat"};
  if (!any_names(given, {"-l", "-c", "--lcores"})) {
    // EAL's own thread sleeps; queues are polled by the workers' threads.
    cpu_set_t cores;
    CPU_ZERO(&cores);
    (void)::sched_getaffinity(0, sizeof cores, &cores);
    arguments.insert(arguments.end(), {"--lcores", "0@" + std::to_string(first_core(cores))});
  }
  bool huge = !any_names(given, {"--no-huge"});
  if (huge && !any_names(given, {"--in-memory", "-m", "--socket-mem", "--huge-dir", "--legacy-mem", "--file-prefix",
                                 "--single-file-segments"})) {
    huge = free_huge >= needed.huge_pages;
    // In memory: no mounted hugetlbfs is needed, and nothing is left behind.
    arguments.emplace_back(huge ? "--in-memory" : "--no-huge");
  }
  if (!huge) {
    if (!any_names(given, {"-m", "--socket-mem"})) {
      arguments.insert(arguments.end(), {"-m", std::to_string((needed.small_pages >> 20) + 1)});
    }
    if (!any_names(given, {"--no-shconf"})) arguments.emplace_back("--no-shconf");
    if (!any_names(given, {"--file-prefix"})) arguments.insert(arguments.end(), {"--file-prefix", "spanbeat"});
  }
  if (!any_names(given, {"--telemetry", "--no-telemetry"})) arguments.emplace_back("--no-telemetry");
  if (!any_names(given, {"-a", "--allow", "-b", "--block", "--no-pci"})) {
    bool pci = false;
    for (const std::string& device : options.devices) {
      if (!is_pci_device(device)) continue;
      pci = true;
      arguments.insert(arguments.end(), {"-a", device});
    }
    // Without devices of ours the user means those that EAL finds.
    if (!pci && !options.devices.empty()) arguments.emplace_back("--no-pci");
  }
  arguments.insert(arguments.end(), given.begin(), given.end());
  return arguments;
}

bool eal_running() { return running.load(std::memory_order_relaxed); }

void set_eal_log(const DpdkLog& log) {
  Messages& all = messages();
  const std::lock_guard lock(all.mutex);
  all.log = log;
}

std::string take_eal_complaints() {
  Messages& all = messages();
  const std::lock_guard lock(all.mutex);
  return std::exchange(all.complaints, {});
}

bool start_eal(const DpdkOptions& options, const EalMemory& needed, std::string& problem) {
  set_eal_log(options.log);
  if (eal_running()) return true;
  static bool tried = false;
  if (tried) {
    problem = "DPDK failed to start before; it cannot be started a second time in a process";
    return false;
  }
  tried = true;
  static std::vector<std::string> arguments;  // EAL keeps pointers into them
  arguments = eal_arguments(options, needed, free_huge_octets());
  std::vector<char*> pointers;
  std::string shown;
  for (std::string& argument : arguments) {
    pointers.push_back(argument.data());
    shown += (shown.empty() ? "" : " ") + argument;
  }
  pointers.push_back(nullptr);
  if (options.log) options.log(DpdkLogLevel::info, "starting EAL: " + shown);
  capture_messages();
  cpu_set_t cores;
  CPU_ZERO(&cores);
  (void)::pthread_getaffinity_np(::pthread_self(), sizeof cores, &cores);
  int result = 0;
  int error = 0;
  {
    const StandardOutputAside aside;
    result = ::rte_eal_init(static_cast<int>(arguments.size()), pointers.data());
    error = rte_errno;
  }
  (void)::pthread_setaffinity_np(::pthread_self(), sizeof cores, &cores);
  const std::string complaints = take_eal_complaints();
  if (result < 0) {
    problem = "DPDK does not start (" + shown + "): " + (complaints.empty() ? ::rte_strerror(error) : complaints) +
              "; " + remedy(error);
    return false;
  }
  running.store(true, std::memory_order_relaxed);
  return true;
}

}  // namespace spanbeat
