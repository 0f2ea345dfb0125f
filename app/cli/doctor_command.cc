#include "app/cli/doctor_command.h"

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "app/config/dpdk.h"
#include "app/doctor/checks.h"
#include "app/service/capture.h"
#include "dataplane/source/af_packet/interfaces.h"

namespace spanbeat {
namespace {

std::uint64_t effective_capabilities() {
  const std::string status = Machine().text("proc/self/status");
  const std::size_t at = status.find("CapEff:");
  return at == std::string::npos ? 0 : std::strtoull(status.c_str() + at + 7, nullptr, 16);
}

// Of the kernel's offloads: a number by the old calls of ethtool, which every driver still answers.
bool is_on(int handle, const std::string& name, std::uint32_t command) {
  ethtool_value value{command, 0};
  ifreq request{};
  std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&value);
  return ::ioctl(handle, SIOCETHTOOL, &request) == 0 && value.data != 0;
}

// GRO and LRO join packets before they are captured: fewer and longer than on the wire.
void check_offloads(const Patient& patient, Findings& findings) {
  const int handle = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (handle < 0) return;
  for (const std::string& name : patient.interfaces) {
    if (name == "any" || name == "lo") continue;
    std::string joined;
    if (is_on(handle, name, ETHTOOL_GGRO)) joined = " gro off";
    ethtool_value flags{ETHTOOL_GFLAGS, 0};
    ifreq request{};
    std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&flags);
    if (::ioctl(handle, SIOCETHTOOL, &request) == 0 && (flags.data & ETH_FLAG_LRO) != 0) joined += " lro off";
    findings.push_back({joined.empty() ? Finding::Verdict::ok : Finding::Verdict::warning, "offloads of " + name,
                        joined.empty()
                            ? "none that joins packets"
                            : "packets are joined before they are captured; counts and sizes are not the wire's",
                        joined.empty() ? "" : "ethtool -K " + name + joined});
  }
  (void)::close(handle);
}

}  // namespace

int doctor_command(const Options& options) {
  Patient patient;
  patient.dpdk = wants_dpdk(options.general);
  patient.options = options.dpdk;
  if (!patient.dpdk) patient.interfaces = device_names(options.general.packetbeat_interfaces_device);
  patient.ring_mb = options.general.packetbeat_interfaces_buffer_size_mb;
  patient.workers = worker_count(options.general);
  patient.capabilities = effective_capabilities();
  rlimit locked{};
  if (::getrlimit(RLIMIT_MEMLOCK, &locked) == 0) patient.locked_memory = locked.rlim_cur;

  Findings findings = examine(Machine(), patient, true);
  if (!patient.dpdk) check_offloads(patient, findings);
  int problems = 0;
  int warnings = 0;
  for (const Finding& finding : findings) {
    static constexpr const char* kWords[] = {"ok", "warning", "problem"};
    fmt::print("{:<8} {}: {}\n", kWords[static_cast<int>(finding.verdict)], finding.check, finding.found);
    if (!finding.remedy.empty()) fmt::print("         → {}\n", finding.remedy);
    problems += finding.verdict == Finding::Verdict::problem ? 1 : 0;
    warnings += finding.verdict == Finding::Verdict::warning ? 1 : 0;
  }
  fmt::print("{} checks of {}: {} problems, {} warnings\n", findings.size(), patient.dpdk ? "DPDK" : "AF_PACKET",
             problems, warnings);
  return problems == 0 ? 0 : 1;
}

}  // namespace spanbeat
