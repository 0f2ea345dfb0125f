// The parts of making a document, and the naive way beside it.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <map>

#include "dataplane/testing/encoded.h"
#include "export/json/document.h"
#include "export/json/value_writer.h"

namespace spanbeat::perf {
namespace {

IpAddress address(std::string_view characters) {
  IpAddress made;
  (void)parse_ip(characters, made);
  return made;
}

constexpr DecoderInfo kHttp{"http", true, false, false, "http", R"(["network"])", R"(["connection","protocol"])"};

ExportConfig configuration() {
  ExportConfig config;
  config.identity.name = "sensor-7.example.com";
  config.identity.id = "8a3e4b1c-5f1b-4f5b-9d1a-0c8f5b8e1a11";
  config.identity.ephemeral_id = "5a0c0a7e-94d3-4a5e-8a8e-0e4a7d1a2b3c";
  config.streams.resize(2);
  config.streams[1].info = &kHttp;
  return config;
}

void fill_header(EventHeader& header) {
  header.protocol = 1;
  header.status = Status::ok;
  header.transport = Transport::tcp;
  header.timestamp = header.start = 1'700'000'000 * kSecond + 123'456'789;
  header.end = header.start + 3 * kMillisecond;
  header.source = address("198.18.113.21");
  header.destination = address("198.19.4.178");
  header.source_port = 51234;
  header.destination_port = 8080;
  header.source_bytes = 702;
  header.destination_bytes = 3055;
  header.community_id_is = CommunityIdIs::made;
  for (std::size_t i = 0; i < 20; ++i) header.community_id[i] = static_cast<std::uint8_t>(37 * i + 11);
}

// An HTTP exchange as the decoder tells it: the document has 1.8 KB.
Event http_event(EventArena& arena) {
  Event event(arena);
  fill_header(event.header());
  event.set<F::destination_domain>("shop.example.com");
  event.set<F::http_request_bytes>(702);
  event.set<F::http_request_method>("GET");
  event.set<F::http_request_referrer>("http://shop.example.com/catalogue/spring?page=4&order=price");
  {
    TreeWriter tree(event, F::http_request_headers);
    tree.object();
    tree.member("content-length").integer(0);
    tree.member("accept").string("text/html,application/xhtml+xml,application/xml;q=0.9");
    tree.member("accept-language").string("en-GB,en;q=0.5");
  }
  event.set<F::http_response_body_bytes>(2600);
  event.set<F::http_response_bytes>(3055);
  {
    TreeWriter tree(event, F::http_response_headers);
    tree.object();
    tree.member("content-length").integer(2600);
    tree.member("content-type").string("application/json; charset=utf-8");
    tree.member("etag").string("\"5f1b-4f5b9d1a\"");
  }
  event.set<F::http_response_status_code>(200);
  event.set<F::http_response_status_phrase>("ok");
  event.set<F::http_version>("1.1");
  event.set<F::method>("GET");
  event.set<F::query>("GET /api/v1/orders/184467");
  event.set<F::related_hosts>("shop.example.com");
  event.set<F::url_domain>("shop.example.com");
  event.set<F::url_full>("http://shop.example.com:8080/api/v1/orders/184467?expand=items&fields=id,name,price");
  event.set<F::url_path>("/api/v1/orders/184467");
  event.set<F::url_port>(8080);
  event.set<F::url_query>("expand=items&fields=id,name,price");
  event.set<F::url_scheme>("http");
  event.set<F::user_agent_original>("Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0");
  return event;
}

// A command and its answer, as a Redis decoder tells them: 1.3 KB.
Event command_event(EventArena& arena) {
  Event event(arena);
  fill_header(event.header());
  event.set<F::method>("HSET");
  event.set<F::resource>("session:5a0c0a7e94d34a5e");
  event.set<F::query>("HSET session:5a0c0a7e94d34a5e user \"42\" cart \"{\\\"items\\\":3}\"");
  event.set<F::path>("session:5a0c0a7e94d34a5e user 42");
  return event;
}

struct Maker {
  ExportConfig config = configuration();
  JsonStyle style;
  StreamPlan plan{config, config.streams[1], true, style};
  Transitions transitions;
  DocumentWalk walk;
  TextBuffer buffer{std::size_t{512} << 10};
};

template <Event (*make)(EventArena&)>
void json(benchmark::State& state) {
  EventArena arena;
  Event event = make(arena);
  const testing::Encoded encoded(event);
  Maker maker;
  std::size_t size = 0;
  for (auto _ : state) {
    if (maker.buffer.size() > (std::size_t{256} << 10)) maker.buffer.clear();
    const std::size_t before = maker.buffer.size();
    maker.walk.append_json(maker.plan, encoded.header(), encoded.data(), NetworkDirection::unknown, maker.style,
                           maker.transitions, maker.buffer);
    size = maker.buffer.size() - before;
    benchmark::DoNotOptimize(maker.buffer.data());
  }
  state.counters["octets"] = static_cast<double>(size);
}
BENCHMARK(json<http_event>);
BENCHMARK(json<command_event>);

template <Event (*make)(EventArena&)>
void through_a_value(benchmark::State& state) {
  EventArena arena;
  Event event = make(arena);
  const testing::Encoded encoded(event);
  Maker maker;
  for (auto _ : state) {
    maker.buffer.clear();
    const Value document =
        maker.walk.make_value(maker.plan, encoded.header(), encoded.data(), NetworkDirection::unknown);
    write_value_json(maker.style, maker.buffer, document);
    benchmark::DoNotOptimize(maker.buffer.data());
  }
}
BENCHMARK(through_a_value<http_event>);
BENCHMARK(through_a_value<command_event>);

// The floor: the finished document, copied.
void copy(benchmark::State& state) {
  EventArena arena;
  Event event = http_event(arena);
  const testing::Encoded encoded(event);
  Maker maker;
  maker.walk.append_json(maker.plan, encoded.header(), encoded.data(), NetworkDirection::unknown, maker.style,
                         maker.transitions, maker.buffer);
  const std::string text(maker.buffer.view());
  TextBuffer to(std::size_t{512} << 10);
  for (auto _ : state) {
    if (to.size() > (std::size_t{256} << 10)) to.clear();
    to.append(text);
    benchmark::DoNotOptimize(to.data());
  }
}
BENCHMARK(copy);

// What one would write first: names in a map of strings, nested by hand, formatted with fmt.
void naive(benchmark::State& state) {
  EventArena arena;
  Event event = http_event(arena);
  const testing::Encoded encoded(event);
  Maker maker;
  const Value document = maker.walk.make_value(maker.plan, encoded.header(), encoded.data(), NetworkDirection::unknown);
  const auto write = [](auto&& self, std::string& out, const Value& value) -> void {
    switch (value.kind()) {
      case Value::Kind::object: {
        std::map<std::string, const Value*> members;
        for (const auto& member : value.object()) members[member.name] = &member.value;
        out += '{';
        for (const auto& [name, item] : members) {
          if (out.back() != '{') out += ',';
          out += fmt::format("\"{}\":", name);
          self(self, out, *item);
        }
        out += '}';
        break;
      }
      case Value::Kind::array: {
        out += '[';
        for (const Value& item : value.array()) {
          if (out.back() != '[') out += ',';
          self(self, out, item);
        }
        out += ']';
        break;
      }
      case Value::Kind::string: {
        out += '"';
        for (const char c : value.string()) {
          if (c == '"' || c == '\\') out += '\\';
          if (static_cast<unsigned char>(c) < 0x20) {
            out += fmt::format("\\u{:04x}", c);
          } else {
            out += c;
          }
        }
        out += '"';
        break;
      }
      case Value::Kind::integer:
        out += fmt::format("{}", value.integer());
        break;
      case Value::Kind::time:
        out += fmt::format("\"{}\"", value.time());
        break;
      default:
        out += "null";
    }
  };
  for (auto _ : state) {
    std::string out;
    write(write, out, document);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(naive);

// What a well-known library does of the same document: RapidJSON's Writer, which checks UTF-8 as ours does.
using RapidWriter = rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>, rapidjson::UTF8<>,
                                      rapidjson::CrtAllocator, rapidjson::kWriteValidateEncodingFlag>;

void write_rapid(RapidWriter& writer, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::object:
      writer.StartObject();
      for (const auto& member : value.object()) {
        writer.Key(member.name.data(), static_cast<rapidjson::SizeType>(member.name.size()));
        write_rapid(writer, member.value);
      }
      writer.EndObject();
      break;
    case Value::Kind::array:
      writer.StartArray();
      for (const Value& item : value.array()) write_rapid(writer, item);
      writer.EndArray();
      break;
    case Value::Kind::string:
      writer.String(value.string().data(), static_cast<rapidjson::SizeType>(value.string().size()));
      break;
    case Value::Kind::integer:
      writer.Int64(value.integer());
      break;
    case Value::Kind::time: {
      char text[kScalarRoom];
      DateWriter dates;
      writer.String(text, static_cast<rapidjson::SizeType>(dates.write(value.time(), text) - text));
      break;
    }
    default:
      writer.Null();
  }
}

template <Event (*make)(EventArena&)>
void rapid_json(benchmark::State& state) {
  EventArena arena;
  Event event = make(arena);
  const testing::Encoded encoded(event);
  Maker maker;
  const Value document = maker.walk.make_value(maker.plan, encoded.header(), encoded.data(), NetworkDirection::unknown);
  rapidjson::StringBuffer out;
  for (auto _ : state) {
    out.Clear();
    RapidWriter writer(out);
    write_rapid(writer, document);
    benchmark::DoNotOptimize(out.GetString());
  }
}
BENCHMARK(rapid_json<http_event>);
BENCHMARK(rapid_json<command_event>);

// Texts of some lengths, clean or with a quote every 20 octets.
void escaping(benchmark::State& state) {
  const auto kernels = escape_kernels();
  const EscapeKernel& kernel =
      kernels[std::min<std::size_t>(static_cast<std::size_t>(state.range(0)), kernels.size() - 1)];
  const std::size_t size = static_cast<std::size_t>(state.range(1));
  std::string text(size + kPadding, 'x');
  if (state.range(2) == 1) {
    for (std::size_t i = 19; i < size; i += 20) text[i] = '"';
  }
  std::vector<char> out(escaped_room(size));
  for (auto _ : state) benchmark::DoNotOptimize(kernel.function(text.data(), size, out.data()));
  state.SetLabel(kernel.name);
}
BENCHMARK(escaping)->ArgsProduct({{0, 1, 2}, {30, 100, 500}, {0, 1}});

}  // namespace
}  // namespace spanbeat::perf

BENCHMARK_MAIN();
