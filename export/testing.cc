#include "export/testing.h"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace spanbeat::testing {
namespace {

constexpr DecoderInfo kIcmp{"icmp", false, false, true, "", R"(["network"])", R"(["connection"])"};
constexpr DecoderInfo kHttp{"http", true, false, false, "http", R"(["network"])", R"(["connection","protocol"])"};

}  // namespace

IpAddress address(std::string_view characters) {
  IpAddress made;
  (void)parse_ip(characters, made);
  return made;
}

ExportConfig plain_config() {
  ExportConfig config;
  config.identity.name = "sensor";
  config.identity.id = "11111111-2222-3333-4444-555555555555";
  config.identity.ephemeral_id = "66666666-7777-8888-9999-000000000000";
  config.streams.resize(3);
  config.streams[kIcmpStream].info = &kIcmp;
  config.streams[kHttpStream].info = &kHttp;
  return config;
}

Event transaction(EventArena& arena, ProtocolId protocol) {
  Event event(arena);
  EventHeader& header = event.header();
  header.protocol = protocol;
  header.status = Status::ok;
  header.transport = protocol == kIcmpStream ? Transport::icmp : Transport::tcp;
  header.timestamp = kThen;
  header.start = kThen;
  header.end = kThen + 20'130'000;
  header.source = address("10.0.0.1");
  header.destination = address("10.0.0.2");
  if (protocol != kIcmpStream) {
    header.source_port = 51321;
    header.destination_port = 80;
  }
  header.source_bytes = 85;
  header.destination_bytes = 2272;
  return event;
}

Event flow(EventArena& arena) {
  Event event = transaction(arena, kFlowProtocol);
  event.header().status = Status::none;
  event.set<F::event_type>("connection");
  event.set<F::flow_id>("EQIA");
  return event;
}

Chunk chunk_of(const std::vector<Event*>& events) {
  Chunk chunk;
  for (Event* event : events) chunk.capacity += event->encoded_size() + 8;
  chunk.data = std::make_unique<std::uint8_t[]>(chunk.capacity + kPadding);
  for (Event* event : events) chunk.append(*event);
  return chunk;
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "spanbeat-test-XXXXXX").string();
  path_ = mkdtemp(pattern.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> TemporaryFolder::names() const {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(path_))
    found.push_back(entry.path().filename().string());
  std::sort(found.begin(), found.end());
  return found;
}

std::string TemporaryFolder::read(const std::string& name) const {
  std::ifstream file(path_ + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

SmallFiles::SmallFiles(std::size_t octets) {
  (void)getrlimit(RLIMIT_FSIZE, &before_);
  rlimit small = before_;
  small.rlim_cur = octets;
  (void)setrlimit(RLIMIT_FSIZE, &small);
}

SmallFiles::~SmallFiles() { (void)setrlimit(RLIMIT_FSIZE, &before_); }

}  // namespace spanbeat::testing
