// Stories about spanbeat.dpdk: what it means, what is taken when nothing is written, and what is refused, where and
// with which remedy.
#include "app/config/dpdk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "app/config/options.h"
#include "app/config/yaml_reader.h"

namespace spanbeat {
namespace {

using Texts = std::vector<std::string>;

struct Outcome {
  DpdkOptions options;
  std::string errors;
  std::string warnings;
};

Outcome outcome(const std::string& text) {
  Setting root;
  Diagnostics diagnostics;
  EXPECT_TRUE(read_yaml(text + "\noutput.console: {}\n", "f.yml", root, diagnostics)) << text;
  Options all;
  read_options(root, all, diagnostics);
  Outcome out;
  out.options = all.dpdk;
  for (const auto& finding : diagnostics.findings())
    (finding.error ? out.errors : out.warnings) += finding.message + "\n";
  return out;
}

// The rest of a configuration whose first line chooses DPDK and whose second one names a device.
Outcome with_device(const std::string& text) {
  return outcome("packetbeat.interfaces.type: dpdk\nspanbeat.dpdk.devices: [net_null0]\n" + text);
}

// One error, with its place and the key, that says what is wrong and what to write.
void expect_refused(const std::string& line, const std::string& key, const Texts& words) {
  const Outcome out = with_device(line + "\n");
  EXPECT_EQ(out.errors.rfind("f.yml:3:", 0), 0U) << line << " gives: " << out.errors;
  EXPECT_EQ(std::count(out.errors.begin(), out.errors.end(), '\n'), 1) << out.errors;
  EXPECT_NE(out.errors.find(key), std::string::npos) << out.errors;
  for (const std::string& word : words) EXPECT_NE(out.errors.find(word), std::string::npos) << out.errors;
}

TEST(DpdkSettings, HaveDefaultsForAMonitor) {
  const Outcome out = with_device("");
  EXPECT_EQ(out.errors + out.warnings, "");
  const DpdkOptions& options = out.options;
  EXPECT_EQ(options.devices, Texts{"net_null0"});
  EXPECT_TRUE(options.eal_args.empty());
  EXPECT_TRUE(options.cores.empty());
  EXPECT_EQ(options.queues, 0);
  EXPECT_EQ(options.descriptors, 1024);
  EXPECT_EQ(options.buffers, 0);
  EXPECT_EQ(options.buffer_size, 0);
  EXPECT_EQ(options.mtu, 0);
  EXPECT_EQ(options.snap_length, 65535);
  EXPECT_TRUE(options.promiscuous);
  EXPECT_TRUE(options.busy_poll);
  EXPECT_TRUE(options.device_time);
  EXPECT_EQ(options.rss, DpdkRss::addresses);
  EXPECT_EQ(options.stop_when_idle, 0);
  EXPECT_EQ(options.filter, "");
}

TEST(DpdkSettings, AreAllTaken) {
  const Outcome out = outcome(R"(
packetbeat.interfaces: {type: dpdk, bpf_filter: 'tcp port 80', snaplen: 1500}
spanbeat.dpdk:
  devices: ["0000:3b:00.0", "net_pcap0,rx_pcap=/tmp/a.pcap,rx_pcap=/tmp/b.pcap"]
  eal_args: [--no-huge, "-m 64"]
  queues: 4
  cores: [2, 4-6]
  descriptors: 2048
  buffers: 8191
  buffer_size: 4096
  mtu: 9000
  promiscuous: false
  rss: ports
  timestamps: system
  busy_poll: false
  stop_when_idle: 1500ms
)");
  EXPECT_EQ(out.errors + out.warnings, "");
  const DpdkOptions& options = out.options;
  EXPECT_EQ(options.devices, (Texts{"0000:3b:00.0", "net_pcap0,rx_pcap=/tmp/a.pcap,rx_pcap=/tmp/b.pcap"}));
  EXPECT_EQ(options.eal_args, (Texts{"--no-huge", "-m", "64"}));
  EXPECT_EQ(options.queues, 4);
  EXPECT_EQ(options.cores, (std::vector<int>{2, 4, 5, 6}));
  EXPECT_EQ(options.descriptors, 2048);
  EXPECT_EQ(options.buffers, 8191);
  EXPECT_EQ(options.buffer_size, 4096);
  EXPECT_EQ(options.mtu, 9000);
  EXPECT_EQ(options.snap_length, 1500);
  EXPECT_FALSE(options.promiscuous);
  EXPECT_FALSE(options.busy_poll);
  EXPECT_FALSE(options.device_time);
  EXPECT_EQ(options.rss, DpdkRss::ports);
  EXPECT_EQ(options.stop_when_idle, 1500 * kMillisecond);
  EXPECT_EQ(options.filter, "tcp port 80");
}

TEST(DpdkSettings, MayBeOneTextWithSpacesOrOneDevice) {
  const Outcome out = outcome(
      "packetbeat.interfaces.type: dpdk\nspanbeat.dpdk: {devices: net_tap0, eal_args: '--no-huge  -m 64 ', cores: "
      "'1,3-4'}\n");
  EXPECT_EQ(out.errors + out.warnings, "");
  EXPECT_EQ(out.options.devices, Texts{"net_tap0"});
  EXPECT_EQ(out.options.eal_args, (Texts{"--no-huge", "-m", "64"}));
  EXPECT_EQ(out.options.cores, (std::vector<int>{1, 3, 4}));
}

TEST(DpdkSettings, PutADeviceTogetherThatTheCommandLineCutAtItsCommas) {
  const Outcome out = outcome(
      "packetbeat.interfaces.type: dpdk\nspanbeat.dpdk.devices: [net_pcap0, rx_pcap=a, rx_pcap=b, net_null0, "
      "size=64]\n");
  EXPECT_EQ(out.errors, "");
  EXPECT_EQ(out.options.devices, (Texts{"net_pcap0,rx_pcap=a,rx_pcap=b", "net_null0,size=64"}));
}

TEST(DpdkSettings, TakeTheInterfacesDeviceWhenItCanBeOne) {
  Outcome out = outcome("packetbeat.interfaces: {type: dpdk, device: '0000:3b:00.0'}\n");
  EXPECT_EQ(out.errors, "");
  EXPECT_EQ(out.options.devices, Texts{"0000:3b:00.0"});
  // "any" and "eth0" are interfaces of the kernel.
  out = outcome("packetbeat.interfaces:\n  type: dpdk\n  device: any\n");
  EXPECT_EQ(out.errors.rfind("f.yml:2:", 0), 0U) << out.errors;
  EXPECT_NE(out.errors.find("name it in spanbeat.dpdk.devices"), std::string::npos) << out.errors;
  // What EAL is told to find needs no name.
  out = outcome("packetbeat.interfaces: {type: dpdk, device: any}\nspanbeat.dpdk.eal_args: [-a, '0000:3b:00.0']\n");
  EXPECT_EQ(out.errors, "");
  EXPECT_TRUE(out.options.devices.empty());
}

TEST(DpdkSettings, AreRefusedWithPlaceAndRemedy) {
  const std::string dpdk = "spanbeat.dpdk.";
  expect_refused("spanbeat.dpdk.cores: [1, two]", dpdk + "cores", {"'two' is no core", "write numbers and ranges"});
  expect_refused("spanbeat.dpdk.cores: [5-4]", dpdk + "cores", {"'5-4' is no core"});
  expect_refused("spanbeat.dpdk.cores: [4096]", dpdk + "cores", {"'4096' is no core"});
  expect_refused("spanbeat.dpdk.cores: ['1,']", dpdk + "cores", {"'1,' is no core"});
  expect_refused("spanbeat.dpdk.queues: 257", dpdk + "queues", {"257", "256"});
  expect_refused("spanbeat.dpdk.queues: many", dpdk + "queues", {"many"});
  expect_refused("spanbeat.dpdk.descriptors: 16", dpdk + "descriptors", {"16", "32"});
  expect_refused("spanbeat.dpdk.buffers: 1087", dpdk + "buffers", {"1087", "write at least 1088"});
  expect_refused("spanbeat.dpdk.buffers: 5000000", dpdk + "buffers", {"4000000"});
  expect_refused("spanbeat.dpdk.buffer_size: 255", dpdk + "buffer_size", {"255", "write at least 256"});
  expect_refused("spanbeat.dpdk.mtu: 67", dpdk + "mtu", {"67", "write at least 68"});
  expect_refused("spanbeat.dpdk.mtu: 65536", dpdk + "mtu", {"65535"});
  expect_refused("spanbeat.dpdk.rss: both", dpdk + "rss", {"both", "addresses"});
  expect_refused("spanbeat.dpdk.timestamps: nic", dpdk + "timestamps", {"nic", "device"});
  expect_refused("spanbeat.dpdk.promiscuous: often", dpdk + "promiscuous", {"often"});
  expect_refused("spanbeat.dpdk.stop_when_idle: -1s", dpdk + "stop_when_idle", {"-1s", "such as 2s"});
  expect_refused("spanbeat.dpdk.stop_when_idle: soon", dpdk + "stop_when_idle", {"soon"});
  expect_refused("spanbeat.dpdk.eal_args: [--no-huge, --proc-type=secondary]", dpdk + "eal_args", {"leave it out"});
  expect_refused("spanbeat.dpdk.eal_args: '--proc-type auto'", dpdk + "eal_args", {"another process", "leave it out"});
  expect_refused("spanbeat.dpdk.eal_args: [--help]", dpdk + "eal_args", {"ends the program", "leave it out"});
  EXPECT_EQ(with_device("spanbeat.dpdk.eal_args: [--proc-type, primary]\n").errors, "");
  EXPECT_EQ(with_device("spanbeat.dpdk.buffers: 1088\n").errors, "");
  EXPECT_EQ(with_device("spanbeat.dpdk.buffer_size: 256\nspanbeat.dpdk.mtu: 68\n").errors, "");
}

TEST(DpdkSettings, NameWhatIsNoDevice) {
  for (const auto* device : {"???", "eth0", "a b", "", "_x"}) {
    const Outcome out = outcome("packetbeat.interfaces.type: dpdk\nspanbeat.dpdk.devices:\n- net_null0\n- '" +
                                std::string(device) + "'\n");
    EXPECT_EQ(out.errors.rfind("f.yml:4:", 0), 0U) << device << " gives: " << out.errors;
    EXPECT_NE(out.errors.find("'" + std::string(device) + "' is no device; write a PCI address"), std::string::npos)
        << out.errors;
  }
}

TEST(DpdkSettings, NameADeviceThatIsThereTwice) {
  const Outcome out =
      outcome("packetbeat.interfaces.type: dpdk\nspanbeat.dpdk.devices:\n- net_null0\n- net_null0,size=64\n");
  EXPECT_EQ(out.errors.rfind("f.yml:4:", 0), 0U) << out.errors;
  EXPECT_NE(out.errors.find("'net_null0' is named twice; give each"), std::string::npos) << out.errors;
}

TEST(DpdkSettings, WithoutDpdkAreWarnedOfAndLeftAlone) {
  for (const auto* type : {"", "packetbeat.interfaces.type: af_packet\n"}) {
    const Outcome out = outcome(std::string(type) + "spanbeat.dpdk.devices: [net_null0]\n");
    EXPECT_EQ(out.errors, "");
    EXPECT_NE(out.warnings.find("spanbeat.dpdk"), std::string::npos) << out.warnings;
    EXPECT_NE(out.warnings.find("packetbeat.interfaces.type: dpdk"), std::string::npos) << out.warnings;
    EXPECT_TRUE(out.options.devices.empty());
  }
  // A file on the command line wins over the configuration's devices, and there is nothing wrong with that.
  const Outcome file = with_device("packetbeat.interfaces.file: a.pcap\n");
  EXPECT_EQ(file.errors + file.warnings, "");
  EXPECT_TRUE(file.options.devices.empty());
}

TEST(DpdkSettings, ThatAreUnknownAreWarnedOfWithTheNearestName) {
  const Outcome out = with_device("spanbeat.dpdk.descripters: 64\n");
  EXPECT_EQ(out.errors, "");
  EXPECT_NE(out.warnings.find("descriptors"), std::string::npos) << out.warnings;
}

}  // namespace
}  // namespace spanbeat
