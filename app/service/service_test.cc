// Stories about what surrounds a run: who this instance is, the log, the metrics, the account.
// gcc 12 under the sanitizers takes what std::regex moves about for uninitialised.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <regex>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "app/config/options.h"
#include "app/config/yaml_reader.h"
#include "app/log/log.h"
#include "app/metrics/accounting.h"
#include "app/metrics/metrics.h"
#include "app/service/data_directory.h"
#include "app/service/first_packet.h"
#include "app/service/signals.h"
#include "app/service/source_filter.h"

namespace spanbeat {
namespace {

class ServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/spanbeat-service-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  void TearDown() override {
    log_stop();
    std::filesystem::remove_all(path_);
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(path_ + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] std::vector<std::string> files(const std::string& under) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_ + "/" + under))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string path_;
};

const std::regex kUuid("[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");

TEST_F(ServiceTest, AnInstanceKeepsItsId) {
  std::string problem;
  bool locked = false;
  std::string id;
  {
    DataDirectory data;
    ASSERT_TRUE(data.open(path_ + "/data", problem, locked)) << problem;
    id = data.agent_id(problem);
    EXPECT_TRUE(std::regex_match(id, kUuid)) << id;
    EXPECT_TRUE(std::regex_search(
        read("data/meta.json"),
        std::regex("^\\{\"uuid\":\"" + id + "\",\"first_start\":\"\\d{4}-\\d\\d-\\d\\dT[0-9:]{8}\\.\\d{9}Z\"\\}")))
        << read("data/meta.json");
    struct stat info{};
    ASSERT_EQ(::stat((path_ + "/data/meta.json").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
  }
  EXPECT_EQ(files("data"), (std::vector<std::string>{"meta.json"})) << "the lock goes with its holder";
  DataDirectory again;
  ASSERT_TRUE(again.open(path_ + "/data", problem, locked));
  EXPECT_EQ(again.agent_id(problem), id);
}

TEST_F(ServiceTest, TwoInstancesDoNotShareADirectory) {
  std::string problem;
  bool locked = false;
  DataDirectory first;
  ASSERT_TRUE(first.open(path_, problem, locked));
  DataDirectory second;
  EXPECT_FALSE(second.open(path_, problem, locked));
  EXPECT_TRUE(locked);
  EXPECT_NE(problem.find("data path already locked by another beat"), std::string::npos);
  EXPECT_NE(problem.find("held by process " + std::to_string(::getpid())), std::string::npos) << problem;
  EXPECT_NE(problem.find("--path.data"), std::string::npos);
}

TEST_F(ServiceTest, TheLockNamesItsHolderAndWhatAnEarlierOneLeftIsNoHindrance) {
  std::ofstream(path_ + "/packetbeat.lock") << "{\"pid\":99999999,\"creation_time\":\"2020-01-01T00:00:00Z\"} killed";
  std::string problem;
  bool locked = false;
  DataDirectory data;
  ASSERT_TRUE(data.open(path_, problem, locked)) << problem;
  EXPECT_TRUE(std::regex_match(read("packetbeat.lock"),
                               std::regex("\\{\"pid\":" + std::to_string(::getpid()) +
                                          R"(,"creation_time":"\d{4}-\d\d-\d\dT[0-9:]{8}\.\d{9}Z"\}\n)")))
      << read("packetbeat.lock");
}

TEST_F(ServiceTest, ADamagedMetaFileIsReplaced) {
  for (const auto* text : {"", "{", "[]", "{\"uuid\": 5}", "{\"uuid\": \"not one\"}"}) {
    std::ofstream(path_ + "/meta.json") << text;
    std::string problem;
    bool locked = false;
    DataDirectory data;
    ASSERT_TRUE(data.open(path_, problem, locked));
    const std::string id = data.agent_id(problem);
    EXPECT_TRUE(std::regex_match(id, kUuid)) << text;
    EXPECT_NE(read("meta.json").find(id), std::string::npos);
  }
}

TEST_F(ServiceTest, NamedUuidsAreTheSameForTheSameInput) {
  EXPECT_EQ(named_uuid("a", "1"), named_uuid("a", "1"));
  EXPECT_NE(named_uuid("a", "1"), named_uuid("a", "2"));
  EXPECT_TRUE(std::regex_match(named_uuid("a", "1"), kUuid));
  EXPECT_NE(random_uuid(), random_uuid());
}

TEST_F(ServiceTest, LogLinesAreThoseOfBeats) {
  LogOptions options;
  options.to_stderr = false;
  options.to_files = true;
  options.directory = path_ + "/logs";
  std::string problem;
  ASSERT_TRUE(log_start(options, problem)) << problem;
  log_warn("config", "a \"quoted\"\nmessage \xff");
  log_line(LogLevel::info, "monitoring", "Total metrics", R"("monitoring":{"metrics":{}})");
  log_debug("http", "not shown");
  log_stop();
  ASSERT_EQ(files("logs").size(), 1U);
  EXPECT_TRUE(std::regex_match(files("logs")[0], std::regex(R"(packetbeat-\d{8}\.ndjson)")));
  const std::string text = read("logs/" + files("logs")[0]);
  const std::string time = R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)";
  const std::string origin = R"("log\.origin":\{"file\.name":"app/service/service_test\.cc","file\.line":\d+\})";
  EXPECT_TRUE(std::regex_match(
      text,
      std::regex(
          R"(\{"log\.level":"warn","@timestamp":")" + time + R"(","log\.logger":"config",)" + origin +
          R"(,"message":"a \\"quoted\\"\\nmessage [^"]+","service\.name":"packetbeat","ecs\.version":"1\.6\.0"\}\n)" +
          R"(\{"log\.level":"info",.*"monitoring":\{"metrics":\{\}\},"ecs\.version":"1\.6\.0"\}\n)")))
      << text;
}

TEST_F(ServiceTest, SelectorsChooseDebugMessages) {
  LogOptions options;
  options.level = LogLevel::debug;
  options.selectors = {"http"};
  std::string problem;
  ASSERT_TRUE(log_start(options, problem));
  EXPECT_TRUE(log_shows(LogLevel::debug, "http"));
  EXPECT_FALSE(log_shows(LogLevel::debug, "dns"));
  EXPECT_TRUE(log_shows(LogLevel::info, "dns"));
  options.selectors = {"*"};
  ASSERT_TRUE(log_start(options, problem));
  EXPECT_TRUE(log_shows(LogLevel::debug, "dns"));
  options.level = LogLevel::error;
  ASSERT_TRUE(log_start(options, problem));
  EXPECT_FALSE(log_shows(LogLevel::warn, "dns"));
  EXPECT_TRUE(log_shows(LogLevel::error, "dns"));
}

TEST_F(ServiceTest, LogFilesRotateAndOldOnesGo) {
  LogOptions options;
  options.to_stderr = false;
  options.to_files = true;
  options.directory = path_;
  options.rotate_bytes = 1024;
  options.keep_files = 3;
  options.permissions = 0640;
  std::string problem;
  ASSERT_TRUE(log_start(options, problem)) << problem;
  for (int i = 0; i < 40; ++i) log_info("x", std::string(200, 'x'));
  log_stop();
  EXPECT_EQ(files(".").size(), 3U);
  for (const std::string& name : files(".")) {
    struct stat info{};
    ASSERT_EQ(::stat((path_ + "/" + name).c_str(), &info), 0);
    EXPECT_LE(info.st_size, 1024);
    EXPECT_EQ(info.st_mode & 0777U, 0640U);
  }
}

TEST_F(ServiceTest, ALogThatCannotBeWrittenGoesToStandardError) {
  LogOptions options;
  options.to_stderr = false;
  options.to_files = true;
  options.directory = "/proc/nothing";
  std::string problem;
  testing::internal::CaptureStderr();
  EXPECT_FALSE(log_start(options, problem));
  log_info("x", "still heard");
  log_stop();
  EXPECT_NE(testing::internal::GetCapturedStderr().find("still heard"), std::string::npos);
  EXPECT_NE(problem.find("/proc/nothing"), std::string::npos);
}

TEST(Metrics, NestAndShowDifferences) {
  Counters counters;
  counters.add(Counter::capture_received, 10);
  counters.add(Counter::tcp_dropped_because_of_gaps, 2);
  counters.add(Counter::event_created, 5);
  counters.add(Counter::event_acknowledged, 4);
  counters.set(Counter::event_pending, 1);
  MetricsInput input{&counters, 7, 2,    "file",
                     "id",      0, 4096, {{"0000:3b:00.0.rx_good_packets", 9}, {"net_null0.rx_errors", 0}}};
  const MetricTree before = collect_metrics(input);
  const std::string json = metrics_json(before);
  EXPECT_NE(json.find(R"("tcp":{"connections":0,"dropped_because_of_gaps":2)"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("pipeline":{"clients":2,"events":{"active":1,)"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("published":5)"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("dpdk":{"0000:3b:00_0":{"rx_good_packets":9}})"), std::string::npos) << json;
  counters.add(Counter::capture_received, 3);
  input.drivers[0].second = 4;  // the NIC was reset since
  const MetricTree after = collect_metrics(input);
  const MetricTree changed = metrics_since(before, after);
  EXPECT_TRUE(has_counters(changed));
  EXPECT_NE(metrics_json(changed).find(R"("capture":{"received":3})"), std::string::npos) << metrics_json(changed);
  EXPECT_NE(metrics_json(changed).find(R"("rx_good_packets":4)"), std::string::npos) << metrics_json(changed);
  EXPECT_NE(metrics_json(changed).find(R"("active":1)"), std::string::npos) << "gauges are shown as they are";
  EXPECT_FALSE(has_counters(metrics_since(after, after)));
}

TEST(Metrics, ANameMayBeAValueAndAGroup) {
  const MetricTree tree = {
      {"a.b", {true, std::uint64_t{1}}}, {"a-b.c", {true, std::uint64_t{2}}}, {"a.c.d", {true, 0.5}}};
  EXPECT_EQ(metrics_json(tree), R"({"a":{"b":1,"c":{"d":0.5}},"a-b":{"c":2}})");
  EXPECT_EQ(metrics_json({}), "{}");
}

TEST(Accounting, TellsWhichIdentityDoesNotHold) {
  Counters counters;
  counters.add(Counter::capture_offered, 5);
  counters.add(Counter::capture_received, 5);
  counters.add(Counter::capture_flow_only, 3);
  counters.add(Counter::capture_undecodable_link, 2);
  for (const AccountingIdentity& identity : accounting_identities(counters))
    EXPECT_TRUE(identity.holds()) << identity.text;
  EXPECT_EQ(accounting_table(counters, 0).find("WRONG"), std::string::npos);
  counters.add(Counter::event_created, 1);
  EXPECT_NE(accounting_table(counters, 0).find("ACCOUNTING IS WRONG: created"), std::string::npos)
      << accounting_table(counters, 0);
  EXPECT_NE(accounting_table(counters, 0).find("capture_undecodable_link"), std::string::npos)
      << "what went wrong is explained";
}

// Gives three packets, one a burst, after an empty burst.
class ThreePackets final : public Source {
 public:
  std::size_t burst(std::span<Packet, kBurst> packets) override {
    ++asked_;
    if (asked_ == 1 || asked_ > 4) return 0;
    packets[0].number = asked_ - 1;
    return 1;
  }
  [[nodiscard]] State state() const override { return asked_ > 4 ? State::end : State::open; }
  [[nodiscard]] bool live() const override { return false; }
  void collect(Counters& counters) override {
    counters.add(Counter::capture_offered, given() - told_);
    told_ = given();
  }
  void interrupt() override {}

 private:
  [[nodiscard]] std::uint64_t given() const { return asked_ == 0 ? 0 : std::min<std::uint64_t>(asked_ - 1, 3); }
  std::uint64_t asked_ = 0;
  std::uint64_t told_ = 0;
};

TEST(FirstPacket, IsSeenAheadAndNotLost) {
  ThreePackets inner;
  FirstPacketSource source(inner);
  EXPECT_FALSE(source.read_ahead()) << "nothing has come yet";
  EXPECT_TRUE(source.read_ahead());
  EXPECT_TRUE(source.read_ahead()) << "asking again reads no further";
  EXPECT_EQ(source.first().number, 1U);
  Counters counters;
  source.collect(counters);
  EXPECT_EQ(counters.get(Counter::capture_offered), 0U) << "read ahead, but given to nobody";
  std::array<Packet, kBurst> packets;
  std::vector<std::uint64_t> numbers;
  while (source.state() == Source::State::open) {
    const std::size_t count = source.burst(packets);
    for (std::size_t i = 0; i < count; ++i) numbers.push_back(packets[i].number);
  }
  EXPECT_EQ(numbers, (std::vector<std::uint64_t>{1, 2, 3}));
  source.collect(counters);
  EXPECT_EQ(counters.get(Counter::capture_offered), 3U);
}

Options options_of(const std::string& text) {
  Setting root;
  Diagnostics diagnostics;
  EXPECT_TRUE(read_yaml(text + "\npacketbeat.protocols: [{type: http, ports: [80]}]\noutput.console: {}\n", "f.yml",
                        root, diagnostics));
  Options options;
  read_options(root, options, diagnostics);
  EXPECT_TRUE(diagnostics.ok()) << text;
  return options;
}

TEST(SourceFilter, IsTheUsersElseOfThePortsWhereNothingElseCounts) {
  EXPECT_EQ(source_filter(options_of("packetbeat.interfaces.bpf_filter: arp")), "arp");
  EXPECT_EQ(source_filter(options_of("packetbeat.flows: {}\npacketbeat.interfaces.bpf_filter: arp")), "arp")
      << "what the user asks for holds for flows too";
  const std::string derived = source_filter(options_of("packetbeat.flows.enabled: false"));
  EXPECT_EQ(derived.rfind("tcp port 80 or ", 0), 0U) << derived;
  EXPECT_NE(derived.find("udp dst port 4789"), std::string::npos) << "tunnels are opened: " << derived;
  EXPECT_EQ(source_filter(options_of("spanbeat.tunnels.vxlan: false")).find("4789"), std::string::npos);
  for (const auto* all : {"packetbeat.flows: {enabled: true}", "packetbeat.interfaces.file: [a.pcap]",
                          "packetbeat.interfaces.dumpfile: a.pcap", "spanbeat.detect_protocols: true"}) {
    EXPECT_EQ(source_filter(options_of(all)), "") << all;
  }
}

TEST(Signals, AreReadAndNotHandled) {
  Signals signals;
  EXPECT_EQ(signals.wait(0), Signals::Event::timeout);
  signals.wake();
  EXPECT_EQ(signals.wait(-1), Signals::Event::woken);
  ::raise(SIGTERM);
  EXPECT_EQ(signals.wait(-1), Signals::Event::signal);
  EXPECT_EQ(signals.wait(0), Signals::Event::timeout);
}

}  // namespace
}  // namespace spanbeat
