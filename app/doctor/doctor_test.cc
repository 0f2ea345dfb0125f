// The doctor on machines made of files: what is well, what is not, and what to type.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "app/doctor/checks.h"

namespace spanbeat {
namespace {

namespace fs = std::filesystem;
using Verdict = Finding::Verdict;

// A root with /sys and /proc, removed at the end.
class Root {
 public:
  Root() {
    char name[] = "/tmp/spanbeat-doctor-XXXXXX";
    path_ = ::mkdtemp(static_cast<char*>(name));
  }
  ~Root() { fs::remove_all(path_); }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;

  void file(const std::string& name, const std::string& text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text << "\n";
  }
  void directory(const std::string& name) const { fs::create_directories(path_ / name); }
  void link(const std::string& name, const std::string& target) const {
    fs::create_directories((path_ / name).parent_path());
    fs::remove(path_ / name);
    fs::create_symlink(target, path_ / name);
  }
  [[nodiscard]] Machine machine() const { return Machine(path_); }

 private:
  fs::path path_;
};

constexpr const char* kNic = "0000:3b:00.0";
constexpr const char* kNicPath = "sys/bus/pci/devices/0000:3b:00.0";

// A box as it should be.
void make_fit(const Root& root) {
  root.file("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "1000");
  root.file("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "1024");
  root.directory("sys/class/iommu/dmar0");
  root.file("proc/cmdline", "BOOT_IMAGE=/vmlinuz intel_iommu=on iommu=pt isolcpus=2,3");
  root.link(std::string(kNicPath) + "/driver", "../../../drivers/vfio-pci");
  root.link(std::string(kNicPath) + "/iommu_group", "../../../kernel/iommu_groups/17");
  root.file("dev/vfio/17", "");
  root.file(std::string(kNicPath) + "/numa_node", "1");
  root.directory("sys/devices/system/cpu/cpu2/node1");
  root.directory("sys/devices/system/cpu/cpu3/node1");
  root.directory("sys/devices/system/cpu/cpu0/node0");
  root.file("sys/devices/system/node/node1/cpulist", "2-3");
  root.file("sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages", "500");
  root.file("sys/devices/system/cpu/isolated", "2-3");
  root.file("sys/devices/system/cpu/online", "0-3");
  root.file("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc");
  root.file("sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "performance");
}

Patient patient() {
  Patient patient;
  patient.dpdk = true;
  patient.options.devices = {"3b:00.0"};
  patient.options.cores = {2, 3};
  patient.capabilities = UINT64_MAX;
  return patient;
}

const Finding& of(const Findings& findings, const std::string& check) {
  for (const Finding& finding : findings) {
    if (finding.check == check) return finding;
  }
  static const Finding kNone{Verdict::problem, "missing", "", ""};
  ADD_FAILURE() << "no check of " << check;
  return kNone;
}

void expect(const Root& root, const Patient& patient, const std::string& check, Verdict verdict,
            const std::string& remedy) {
  const Findings findings = examine(root.machine(), patient, false);
  const Finding& finding = of(findings, check);
  EXPECT_EQ(static_cast<int>(finding.verdict), static_cast<int>(verdict)) << check << ": " << finding.found;
  EXPECT_NE(finding.remedy.find(remedy), std::string::npos) << finding.remedy;
}

TEST(Doctor, FindsNothingWrongWithABoxAsItShouldBe) {
  const Root root;
  make_fit(root);
  const Findings findings = examine(root.machine(), patient(), false);
  EXPECT_EQ(findings.size(), 8U);
  for (const Finding& finding : findings) {
    EXPECT_EQ(static_cast<int>(finding.verdict), 0) << finding.check << ": " << finding.found;
    EXPECT_EQ(finding.remedy, "") << finding.check;
    EXPECT_NE(finding.found, "") << finding.check;
  }
}

TEST(Doctor, SaysWhatToTypeForDpdk) {
  const Root root;
  make_fit(root);
  root.file("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "3");
  expect(root, patient(), "huge pages", Verdict::problem, "scripts/nic hugepages 10");
  Patient virtual_device = patient();
  virtual_device.options.devices = {"net_null0"};
  expect(root, virtual_device, "huge pages", Verdict::warning, "scripts/nic hugepages");

  root.file("proc/cmdline", "quiet");
  expect(root, patient(), "IOMMU", Verdict::warning, "iommu=pt");
  fs::remove_all(root.machine().root() + "/sys/class/iommu/dmar0");
  expect(root, patient(), "IOMMU", Verdict::problem, "intel_iommu=on");
  root.file("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y");
  expect(root, patient(), "IOMMU", Verdict::warning, "intel_iommu=on");

  const std::string driver = std::string("driver of ") + kNic;
  root.link("sys/bus/pci/devices/0000:3b:00.1/driver", "../../../drivers/ixgbe");
  root.directory(std::string(kNicPath) + "/real_group/devices/0000:3b:00.1");
  root.link(std::string(kNicPath) + "/iommu_group", "real_group");
  root.file("dev/vfio/real_group", "");
  expect(root, patient(), driver, Verdict::problem, "scripts/nic bind 0000:3b:00.1");
  fs::remove(root.machine().root() + "/dev/vfio/real_group");
  fs::remove_all(root.machine().root() + "/" + kNicPath + "/real_group/devices/0000:3b:00.1");
  expect(root, patient(), driver, Verdict::problem, "modprobe vfio-pci");
  root.link(std::string(kNicPath) + "/driver", "../../../drivers/ixgbe");
  expect(root, patient(), driver, Verdict::problem, "scripts/nic bind 0000:3b:00.0");
  root.link(std::string(kNicPath) + "/driver", "../../../drivers/mlx5_core");
  expect(root, patient(), driver, Verdict::ok, "");
  Patient other = patient();
  other.options.devices = {"0000:99:00.0"};
  expect(root, other, "driver of 0000:99:00.0", Verdict::problem, "lspci");
}

TEST(Doctor, LooksAtNodesAndCores) {
  const Root root;
  make_fit(root);
  const std::string node = std::string("NUMA node of ") + kNic;
  Patient far = patient();
  far.options.cores = {0, 2};
  expect(root, far, node, Verdict::warning, "choose spanbeat.dpdk.cores among 2-3");
  expect(root, far, "cores", Verdict::warning, "isolcpus=0 nohz_full=0");
  far.options.cores = {9};
  expect(root, far, "cores", Verdict::problem, "among 0-3");
  far.options.cores = {};
  expect(root, far, "cores", Verdict::warning, "spanbeat.dpdk.cores: [2,3]");
  root.file("sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages", "0");
  expect(root, patient(), node, Verdict::warning, "scripts/nic hugepages 512 --node 1");
  root.file(std::string(kNicPath) + "/numa_node", "-1");
  expect(root, patient(), node, Verdict::ok, "");
}

TEST(Doctor, LooksAtTheHost) {
  const Root root;
  make_fit(root);
  root.file("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet");
  root.file("sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet");
  expect(root, patient(), "clock source", Verdict::warning, "echo tsc");
  root.file("sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "powersave");
  expect(root, patient(), "CPU governor", Verdict::warning, "performance");
  Patient weak = patient();
  weak.capabilities = 0;
  expect(root, weak, "rights", Verdict::problem, "setcap cap_ipc_lock+ep");
  weak.locked_memory = UINT64_MAX;
  expect(root, weak, "rights", Verdict::ok, "");
}

TEST(Doctor, SaysWhatToTypeForInterfaces) {
  const Root root;
  root.file("proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable:    1000000 kB");
  root.file("proc/sys/net/core/netdev_max_backlog", "1000");
  root.file("proc/sys/kernel/osrelease", "6.1.0-13-amd64");
  root.file("sys/class/net/eth1/operstate", "up");
  root.file("sys/class/net/eth1/speed", "10000");
  root.directory("sys/class/net/eth1/queues/rx-0");
  root.file("sys/class/net/eth2/operstate", "down");
  Patient patient;
  patient.interfaces = {"eth1", "eth2", "eth3"};
  patient.ring_mb = 256;
  patient.workers = 3;
  patient.capabilities = std::uint64_t{1} << 13;
  expect(root, patient, "rights", Verdict::warning, "cap_net_admin");
  expect(root, patient, "ring memory", Verdict::ok, "");
  expect(root, patient, "kernel's limits", Verdict::warning, "netdev_max_backlog=250000");
  expect(root, patient, "fanout", Verdict::ok, "");
  expect(root, patient, "interface eth1", Verdict::ok, "");
  expect(root, patient, "interface eth2", Verdict::warning, "ip link set eth2 up");
  expect(root, patient, "interface eth3", Verdict::problem, "spanbeat devices");
  patient.ring_mb = 16;
  expect(root, patient, "ring memory", Verdict::warning, "buffer_size_mb: 256");
  patient.ring_mb = 900;
  expect(root, patient, "ring memory", Verdict::problem, "buffer_size_mb: 244");
  patient.capabilities = 0;
  expect(root, patient, "rights", Verdict::problem, "cap_net_raw,cap_net_admin");
  root.file("proc/sys/kernel/osrelease", "3.10.0");
  expect(root, patient, "fanout", Verdict::problem, "spanbeat.workers: 1");
}

}  // namespace
}  // namespace spanbeat
