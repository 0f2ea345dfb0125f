// DPDK ports from virtual devices: what comes in, what it costs in counters, and what is said when something is wrong.
#include <gtest/gtest.h>
#include <pcap/pcap.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/source/dpdk/clock.h"
#include "dataplane/source/dpdk/eal.h"
#include "dataplane/source/dpdk/port.h"
#include "dataplane/source/dpdk/ports.h"
#include "dataplane/source/dpdk/threads.h"

namespace spanbeat {
namespace {

constexpr Time kBegin = 1'700'000'000 * kSecond;

std::string frame(std::size_t length, char fill) {
  std::string out = std::string("\2\0\0\0\0\2\2\0\0\0\0\1", 12) + std::string("\x08\0", 2);
  out.resize(length, fill);
  return out;
}

// A capture file of Ethernet frames, a millisecond apart, removed at the end.
class File {
 public:
  explicit File(const std::vector<std::string>& frames) {
    char name[] = "/tmp/spanbeat-dpdk-XXXXXX";
    const int made = ::mkstemp(static_cast<char*>(name));
    path_ = static_cast<char*>(name);
    pcap_t* handle = ::pcap_open_dead(DLT_EN10MB, 262144);
    pcap_dumper_t* out = ::pcap_dump_fopen(handle, ::fdopen(made, "w"));
    Time time = kBegin;
    for (const std::string& octets : frames) {
      pcap_pkthdr header{};
      header.ts.tv_sec = time / kSecond;
      header.ts.tv_usec = time % kSecond / kMicrosecond;
      header.caplen = header.len = static_cast<bpf_u_int32>(octets.size());
      ::pcap_dump(reinterpret_cast<u_char*>(out), &header, reinterpret_cast<const u_char*>(octets.data()));
      time += kMillisecond;
    }
    ::pcap_dump_close(out);
    ::pcap_close(handle);
  }
  ~File() { (void)::unlink(path_.c_str()); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Taken {
  std::vector<std::string> octets;
  std::vector<Packet> packets;  // their octets are gone
  Counters counters;
};

DpdkOptions options_for(const std::string& device) {
  DpdkOptions options;
  options.devices = {device};
  options.eal_args = {"--no-huge", "-m", "128"};  // as the first test starts EAL, so it is for all
  options.stop_when_idle = kMillisecond;
  return options;
}

// Reads a source to its end, or until there are `most` packets.
void take_all(Source& source, Taken& taken, std::size_t most = SIZE_MAX) {
  std::array<Packet, kBurst> packets;
  while (source.state() == Source::State::open && taken.packets.size() < most) {
    const std::size_t count = source.burst(packets);
    for (std::size_t i = 0; i < count; ++i) {
      taken.octets.emplace_back(text(packets[i].octets));
      // What lies behind a packet may be read: under AddressSanitizer this would show.
      volatile std::uint8_t behind = *(packets[i].octets.data() + packets[i].octets.size() + kPadding - 1);
      (void)behind;
      taken.packets.push_back(packets[i]);
      taken.counters.add(Counter::capture_received);
      taken.counters.add(Counter::capture_received_bytes, packets[i].wire_length);
    }
  }
  source.collect(taken.counters);
}

std::uint64_t dropped(const Counters& counters) {
  return counters.get(Counter::capture_source_dropped_kernel) + counters.get(Counter::capture_source_dropped_damaged) +
         counters.get(Counter::capture_source_dropped_no_buffer);
}

void expect_accounted(const Counters& counters) {
  EXPECT_EQ(counters.get(Counter::capture_offered), counters.get(Counter::capture_received) + dropped(counters));
}

TEST(DpdkPorts, give_the_packets_of_a_file_with_their_times) {
  std::vector<std::string> frames;
  for (std::size_t i = 0; i < 100; ++i) frames.push_back(frame(60 + i * 13, static_cast<char>('a' + i % 26)));
  const File file(frames);
  std::string problem;
  auto ports = DpdkPorts::open(options_for("net_pcap0,rx_pcap=" + file.path()), problem);
  ASSERT_NE(ports, nullptr) << problem;
  ASSERT_EQ(ports->sources().size(), 1U);
  DpdkQueue& source = *ports->sources().front();
  EXPECT_EQ(source.name(), "net_pcap0");
  EXPECT_FALSE(source.live()) << "a file that is read once can wait";
  Taken taken;
  take_all(source, taken);
  EXPECT_EQ(taken.octets, frames);
  for (std::size_t i = 0; i < taken.packets.size(); ++i) {
    EXPECT_EQ(taken.packets[i].timestamp, kBegin + static_cast<Time>(i) * kMillisecond);
    EXPECT_EQ(taken.packets[i].number, i + 1);
    EXPECT_EQ(taken.packets[i].wire_length, frames[i].size());
  }
  EXPECT_GE(source.idle_time(), taken.packets.back().timestamp) << "time goes on from the last packet";
  EXPECT_LT(source.idle_time(), taken.packets.back().timestamp + 3600 * kSecond);
  EXPECT_EQ(taken.counters.get(Counter::capture_received), 100U);
  expect_accounted(taken.counters);
  bool seen = false;
  for (const auto& [name, value] : ports->statistics()) {
    if (name == "net_pcap0.rx_good_packets") seen = value == 100;
  }
  EXPECT_TRUE(seen) << "the driver's own statistics, by its names";
}

TEST(DpdkPorts, join_packets_that_came_in_several_buffers) {
  std::vector<std::string> frames;
  for (const std::size_t length : {2048UL, 2049UL, 9000UL, 65000UL, 60UL, 4096UL}) {
    std::string octets = frame(length, 'x');
    for (std::size_t i = 14; i < length; ++i) octets[i] = static_cast<char>(i * 7);
    frames.push_back(std::move(octets));
  }
  const File file(frames);
  std::string problem;
  {
    auto ports = DpdkPorts::open(options_for("net_pcap1,rx_pcap=" + file.path()), problem);
    ASSERT_NE(ports, nullptr) << problem;
    Taken taken;
    take_all(*ports->sources().front(), taken);
    EXPECT_EQ(taken.octets, frames);
    expect_accounted(taken.counters);
  }
  DpdkOptions cut = options_for("net_pcap1,rx_pcap=" + file.path());
  cut.snap_length = 1000;
  auto ports = DpdkPorts::open(cut, problem);
  ASSERT_NE(ports, nullptr) << problem;
  Taken taken;
  take_all(*ports->sources().front(), taken);
  ASSERT_EQ(taken.octets.size(), frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(taken.octets[i], frames[i].substr(0, 1000));
    EXPECT_EQ(taken.packets[i].wire_length, frames[i].size());
  }
}

TEST(DpdkPorts, count_what_the_filter_rejects_as_received_and_filtered) {
  std::vector<std::string> frames;
  for (std::size_t i = 0; i < 1000; ++i) frames.push_back(frame(i % 10 == 0 ? 1000 : 100, 'x'));
  const File file(frames);
  DpdkOptions options = options_for("net_pcap2,rx_pcap=" + file.path());
  options.filter = "greater 500";
  std::string problem;
  auto ports = DpdkPorts::open(options, problem);
  ASSERT_NE(ports, nullptr) << problem;
  Taken taken;
  take_all(*ports->sources().front(), taken);
  EXPECT_EQ(taken.octets.size(), 100U);
  EXPECT_TRUE(taken.packets.front().selected);
  EXPECT_EQ(taken.packets.back().number, 991U) << "packets are numbered as they came in";
  EXPECT_EQ(taken.counters.get(Counter::capture_filtered), 900U);
  EXPECT_EQ(taken.counters.get(Counter::capture_received), 1000U);
  EXPECT_EQ(taken.counters.get(Counter::capture_received_bytes), 100U * 1000 + 900 * 100);
  EXPECT_EQ(dropped(taken.counters), 0U);
  expect_accounted(taken.counters);
}

TEST(DpdkPorts, repeat_a_file_for_ever_with_the_present_time) {
  const File file({frame(60, 'a'), frame(1500, 'b'), frame(4000, 'c')});
  std::string problem;
  auto ports = DpdkPorts::open(options_for("net_pcap3,rx_pcap=" + file.path() + ",infinite_rx=1"), problem);
  ASSERT_NE(ports, nullptr) << problem;
  Source& source = *ports->sources().front();
  EXPECT_TRUE(source.live());
  Taken taken;
  take_all(source, taken, 10000);
  ASSERT_GE(taken.octets.size(), 10000U);
  EXPECT_EQ(taken.octets[9000], frame(60, 'a'));
  EXPECT_EQ(taken.octets[9002], frame(4000, 'c')) << "longer than a usual buffer";
  EXPECT_GT(taken.packets.back().timestamp, kBegin + 3600 * kSecond);
  for (std::size_t i = 1; i < taken.packets.size(); ++i) {
    ASSERT_GE(taken.packets[i].timestamp, taken.packets[i - 1].timestamp) << i;
  }
  expect_accounted(taken.counters);
}

TEST(DpdkPorts, of_two_devices_and_several_queues_give_a_source_each) {
  const File one({frame(60, 'a')});
  const File two({frame(60, 'b'), frame(60, 'c')});
  DpdkOptions options = options_for("net_pcap4,rx_pcap=" + one.path() + ",rx_pcap=" + two.path());
  options.devices.emplace_back("net_null0,size=100,copy=1");
  std::string problem;
  auto ports = DpdkPorts::open(options, problem);
  ASSERT_NE(ports, nullptr) << problem;
  ASSERT_EQ(ports->sources().size(), 3U);
  EXPECT_EQ(ports->sources()[1]->name(), "net_pcap4/1");
  std::array<Taken, 3> taken;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] { take_all(*ports->sources()[i], taken[i], 5000); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken[0].octets, std::vector<std::string>{frame(60, 'a')});
  EXPECT_EQ(taken[1].octets, (std::vector<std::string>{frame(60, 'b'), frame(60, 'c')}));
  EXPECT_GE(taken[2].octets.size(), 5000U);
  EXPECT_EQ(taken[2].octets.back().size(), 100U);
  EXPECT_EQ(taken[2].packets.front().interface, 1U);
  for (const Taken& each : taken) expect_accounted(each.counters);
}

TEST(DpdkPorts, return_soon_when_they_are_interrupted) {
  std::string problem;
  DpdkOptions options = options_for("net_ring0");
  options.stop_when_idle = 0;
  for (const bool busy : {true, false}) {
    options.busy_poll = busy;
    auto ports = DpdkPorts::open(options, problem);
    ASSERT_NE(ports, nullptr) << problem;
    DpdkQueue& source = *ports->sources().front();
    source.interrupt();
    std::array<Packet, kBurst> packets;
    EXPECT_EQ(source.burst(packets), 0U);
    EXPECT_EQ(source.state(), Source::State::end);
    EXPECT_EQ(source.burst(packets), 0U);
    EXPECT_TRUE(source.live());
    EXPECT_GT(source.idle_time(), kBegin);
  }
}

TEST(DpdkPorts, give_what_the_nic_holds_after_an_interrupt_and_no_more) {
  std::string problem;
  auto ports = DpdkPorts::open(options_for("net_null2"), problem);  // packets without end
  ASSERT_NE(ports, nullptr) << problem;
  Source& source = *ports->sources().front();
  Taken taken;
  take_all(source, taken, 100);
  source.interrupt();
  take_all(source, taken);
  EXPECT_EQ(source.state(), Source::State::end);
  EXPECT_LE(taken.packets.size(), 100U + 1024 + 2 * kBurst);
  expect_accounted(taken.counters);
}

TEST(DpdkPorts, say_what_failed_and_what_helps) {
  const auto complaint = [](const DpdkOptions& options) {
    std::string problem;
    EXPECT_EQ(DpdkPorts::open(options, problem), nullptr);
    return problem;
  };
  EXPECT_NE(complaint(options_for("net_pcap5,rx_pcap=/nowhere/file.pcap")).find("/nowhere/file.pcap: No such file"),
            std::string::npos)
      << complaint(options_for("net_pcap5,rx_pcap=/nowhere/file.pcap"));
  EXPECT_NE(complaint(options_for("net_pcap5,rx_pcap=/nowhere/file.pcap,infinite_rx=1")).find("No such file"),
            std::string::npos);
  EXPECT_NE(complaint(options_for("net_nonsense0")).find("known ones are net_pcap"), std::string::npos)
      << complaint(options_for("net_nonsense0"));
  EXPECT_NE(complaint(options_for("ffff:ff:1f.7")).find("no such PCI device"), std::string::npos)
      << complaint(options_for("ffff:ff:1f.7"));
  DpdkOptions many = options_for("net_af_packet9,iface=lo");
  many.queues = 8;
  if (::geteuid() == 0) {
    EXPECT_NE(complaint(many).find("qpairs=8"), std::string::npos) << complaint(many);
  }
  DpdkOptions core = options_for("net_null1");
  core.cores = {4000};
  EXPECT_NE(complaint(core).find("core 4000; write cores among " + usable_cores()), std::string::npos);
  DpdkOptions filter = options_for("net_null1");
  filter.filter = "tcp and and";
  EXPECT_NE(complaint(filter).find("syntax error"), std::string::npos);
  std::string problem;
  EXPECT_NE(DpdkPorts::open(options_for("net_null1"), problem), nullptr) << "what failed leaves nothing: " << problem;
}

// net_af_packet's ring of packets of any length is short; who says how long they are gets one of many.
TEST(DpdkBuffers, make_a_long_ring_where_packets_are_known_to_be_short) {
  const auto ring = [](std::int64_t buffer_size, std::uint16_t& room) {
    DpdkOptions options;
    options.buffer_size = buffer_size;
    DpdkBuffers buffers;
    std::string problem;
    EXPECT_TRUE(plan_buffers("net_af_packet0,iface=x", options, buffers, problem)) << problem;
    room = buffers.room;
    return buffers.arguments;
  };
  std::uint16_t room = 0;
  EXPECT_EQ(ring(0, room), "net_af_packet0,iface=x,blocksz=61440,framesz=61440,framecnt=512");
  EXPECT_EQ(room, 61440);
  EXPECT_EQ(ring(1920, room), "net_af_packet0,iface=x,blocksz=65536,framesz=2048,framecnt=15360");
  EXPECT_EQ(room, 2048);
  EXPECT_EQ(ring(9216, room), "net_af_packet0,iface=x,blocksz=65536,framesz=16384,framecnt=1920");
  EXPECT_EQ(room, 16384);
  EXPECT_EQ(ring(40000, room), "net_af_packet0,iface=x,blocksz=61440,framesz=61440,framecnt=512");
  EXPECT_EQ(room, 61440);
  EXPECT_EQ(ring(65407, room), "net_af_packet0,iface=x,blocksz=61440,framesz=61440,framecnt=512");
}

TEST(DpdkBuffers, tell_of_queues_that_no_device_of_xdp_takes) {
  char name[] = "/tmp/spanbeat-dpdk-XXXXXX";
  const std::string folder = ::mkdtemp(static_cast<char*>(name));
  for (const char* queue :
       {"eth0/queues/rx-0", "eth0/queues/rx-1", "eth0/queues/rx-2", "eth0/queues/tx-0", "eth1/queues/rx-0"})
    std::filesystem::create_directories(folder + "/" + queue);
  DpdkOptions options;
  const auto said = [&](const std::vector<std::string>& devices) {
    options.devices = devices;
    return xdp_queues_left_out(options, folder);
  };
  EXPECT_EQ(said({"net_af_packet0,iface=eth0", "net_af_xdp0,iface=eth1", "net_af_xdp1,iface=none"}).size(), 0u);
  const auto lines = said({"net_af_xdp0,iface=eth0", "net_af_xdp1,iface=eth1"});
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("eth0 has 3 queues, and 2 of them"), std::string::npos) << lines[0];
  EXPECT_EQ(said({"net_af_xdp0,iface=eth0,start_queue=1,queue_count=2"}).size(), 1u);
  EXPECT_EQ(said({"net_af_xdp0,iface=eth0,start_queue=1,queue_count=2", "net_af_xdp1,iface=eth0"}).size(), 0u);
  EXPECT_EQ(said({"net_af_xdp0,iface=eth0,queue_count=3"}).size(), 0u);
  options.queues = 2;
  EXPECT_EQ(said({"net_af_xdp0,iface=eth0,queue_count=3"}).size(), 1u) << "two are read";
  std::filesystem::remove_all(folder);
}

// On small pages a buffer of the usual size takes a page of its own.
TEST(DpdkBuffers, ask_for_what_small_pages_waste) {
  DpdkBuffers buffers;
  std::string problem;
  ASSERT_TRUE(plan_buffers("net_af_xdp0,iface=x,queue_count=2", {}, buffers, problem)) << problem;
  EXPECT_EQ(buffers.queues, 2);
  EXPECT_EQ(buffers.count, 16383u);
  EXPECT_EQ(buffers.needed.small_pages, std::uint64_t{2} * 16383 * 4096);
  EXPECT_LT(buffers.needed.huge_pages, buffers.needed.small_pages);
  EXPECT_GT(buffers.needed.huge_pages, std::uint64_t{2} * 16383 * 2048);
}

TEST(DpdkEal, is_given_what_the_user_did_not_say) {
  const auto has = [](const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
  };
  DpdkOptions options;
  options.devices = {"net_pcap0,rx_pcap=x"};
  std::vector<std::string> made = eal_arguments(options, {100 << 20, 160 << 20}, 50 << 20);
  EXPECT_TRUE(has(made, "--no-huge") && has(made, "161") && has(made, "--no-pci") && has(made, "--no-telemetry"));
  made = eal_arguments(options, {100 << 20, 160 << 20}, 120 << 20);
  EXPECT_TRUE(has(made, "--in-memory") && !has(made, "--no-huge") && !has(made, "-m"));
  options.devices = {"0000:3b:00.0", "net_null0"};
  options.eal_args = {"-l", "3", "--file-prefix=mine", "-m512"};
  made = eal_arguments(options, {100 << 20, 160 << 20}, 0);
  EXPECT_TRUE(has(made, "-a") && has(made, "0000:3b:00.0") && !has(made, "--no-pci"));
  EXPECT_FALSE(has(made, "--lcores") || has(made, "--no-huge") || has(made, "--in-memory"));
  EXPECT_EQ(made.back(), "-m512");
}

TEST(DpdkThreads, are_pinned_where_the_process_may_run) {
  std::thread([] {
    const int core = std::atoi(usable_cores().c_str());
    std::string problem;
    EXPECT_TRUE(pin_calling_thread(core, problem)) << problem;
    EXPECT_EQ(::sched_getcpu(), core);
    EXPECT_FALSE(pin_calling_thread(-1, problem));
  }).join();
}

TEST(WallClock, follows_the_counter_and_never_goes_back) {
  WallClock clock(2'000'000'000);  // half a nanosecond a tick
  clock.set(1000, kBegin);
  EXPECT_EQ(clock.at(1000 + 2000), kBegin + 1000);
  EXPECT_EQ(clock.at(1000 + 10'000'000), kBegin + 5 * kMillisecond);
  clock.set(1000 + 10'000'000, kBegin + 5 * kMillisecond - 300);  // the counter ran ahead
  EXPECT_EQ(clock.at(1000 + 10'000'000), kBegin + 5 * kMillisecond);
  clock.set(1000 + 20'000'000, kBegin - 3600 * kSecond);  // somebody set the clock
  EXPECT_EQ(clock.at(1000 + 20'000'000), kBegin - 3600 * kSecond);
}

TEST(DeviceClock, learns_the_rate_of_the_nic) {
  DeviceClock clock;
  EXPECT_TRUE(clock.due(kBegin));
  clock.observe(5'000'000, kBegin);
  EXPECT_EQ(clock.at(5'000'001), kNever) << "one look tells no rate";
  EXPECT_FALSE(clock.due(kBegin + kMillisecond));
  EXPECT_TRUE(clock.due(kBegin + 20 * kMillisecond));
  clock.observe(5'000'000 + 156'250'000, kBegin + kSecond);  // 156.25 MHz
  EXPECT_EQ(clock.at(5'000'000 + 156'250'000 + 1'562'500), kBegin + kSecond + 10 * kMillisecond);
  EXPECT_EQ(clock.at(5'000'000 + 156'250'000 - 1'562'500), kBegin + kSecond - 10 * kMillisecond);
  clock.observe(17, kBegin + 2 * kSecond);  // the NIC was reset
  EXPECT_FALSE(clock.known());
}

}  // namespace
}  // namespace spanbeat
