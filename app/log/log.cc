#include "app/log/log.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <time.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include "app/log/log_file.h"
#include "export/json/escape.h"

namespace spanbeat {
namespace {

constexpr std::string_view kNames[] = {"debug", "info", "warn", "error"};

struct State {
  LogOptions options;
  std::shared_ptr<spdlog::logger> logger;
};

State& state() {
  static State instance;
  return instance;
}

std::shared_ptr<spdlog::sinks::sink> stderr_sink() { return std::make_shared<spdlog::sinks::stderr_sink_mt>(); }

// "app/service.cc" of "../../work/app/service.cc": from the last room on.
std::string_view short_file(std::string_view path) {
  const std::size_t at = path.rfind("app/");
  return at == std::string_view::npos ? path : path.substr(at);
}

}  // namespace

bool log_start(const LogOptions& options, std::string& problem) {
  State& all = state();
  all.options = options;
  std::vector<std::shared_ptr<spdlog::sinks::sink>> sinks;
  bool good = true;
  if (options.to_stderr) sinks.push_back(stderr_sink());
  if (options.to_files && !options.to_stderr) {
    auto file = std::make_shared<LogFile>(options);
    good = file->open(problem);
    if (good) {
      sinks.push_back(std::move(file));
    } else {
      sinks.push_back(stderr_sink());
    }
  }
  all.logger = std::make_shared<spdlog::logger>("spanbeat", sinks.begin(), sinks.end());
  all.logger->set_level(spdlog::level::trace);
  all.logger->set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
  all.logger->flush_on(spdlog::level::warn);
  return good;
}

void log_stop() {
  State& all = state();
  if (all.logger) all.logger->flush();
  all.logger.reset();
}

bool log_shows(LogLevel level, std::string_view logger) {
  const LogOptions& options = state().options;
  if (!state().logger) return false;
  if (level >= options.level && level != LogLevel::debug) return true;
  if (level != LogLevel::debug) return false;
  // Debug messages: all of them at debug level without selectors, else those that are chosen.
  if (options.level != LogLevel::debug) return false;
  if (options.selectors.empty()) return true;
  return std::any_of(options.selectors.begin(), options.selectors.end(),
                     [&](const std::string& selector) { return selector == "*" || selector == logger; });
}

void log_line(LogLevel level, std::string_view logger, std::string_view message, std::string_view extra,
              const std::source_location& origin) {
  if (!log_shows(level, logger)) {
    if (!state().logger && level == LogLevel::error) fmt::print(stderr, "{}\n", message);
    return;
  }
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const std::string line = fmt::format(
      R"({{"log.level":"{}","@timestamp":"{}",{}"log.origin":{{"file.name":"{}","file.line":{}}},"message":{},"service.name":"packetbeat",{}{}"ecs.version":"1.6.0"}})",
      kNames[static_cast<std::size_t>(level)], utc_text(now.tv_sec * 1'000'000'000 + now.tv_nsec),
      logger.empty() ? std::string() : "\"log.logger\":" + json_quoted(logger) + ",", short_file(origin.file_name()),
      origin.line(), json_quoted(message), extra, extra.empty() ? "" : ",");
  static constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                          spdlog::level::warn, spdlog::level::err};
  state().logger->log(kLevels[static_cast<std::size_t>(level)], spdlog::string_view_t(line.data(), line.size()));
}

std::string json_quoted(std::string_view text) {
  std::string out(escaped_room(text.size()) + 2, '"');
  char* const end = escape_plain(text.data(), text.size(), out.data() + 1);
  out.resize(static_cast<std::size_t>(end - out.data()));
  out.push_back('"');
  return out;
}

std::string utc_text(std::int64_t nanoseconds, int digits) {
  std::int64_t seconds = nanoseconds / 1'000'000'000;
  std::int64_t rest = nanoseconds % 1'000'000'000;
  if (rest < 0) {
    rest += 1'000'000'000;
    --seconds;
  }
  const std::time_t time = seconds;
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  const std::string fraction = fmt::format("{:09}", rest).substr(0, static_cast<std::size_t>(digits));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec, fraction);
}

}  // namespace spanbeat
