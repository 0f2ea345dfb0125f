// The program's own messages: one line of JSON each, as Beats log (ECS names).
//
// What:   log.level, @timestamp, log.logger, log.origin, message, service.name, ecs.version; to standard error or to
// files that rotate. Why:    what reads Packetbeat's log reads this one. Limits: never used per packet. Before
// log_start() messages below error are dropped and errors go to standard error.
#pragma once

#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace spanbeat {

enum class LogLevel : std::uint8_t { debug, info, warn, error };

struct LogOptions {
  LogLevel level = LogLevel::info;
  std::vector<std::string> selectors;  // loggers whose debug messages are shown; "*": all
  bool to_stderr = true;
  bool to_files = false;
  std::string directory;
  std::string name = "packetbeat";
  std::int64_t rotate_bytes = 10'485'760;
  std::int64_t keep_files = 7;
  std::uint32_t permissions = 0600;
  bool rotate_on_startup = true;
};

// False, with `problem`, when the log file cannot be opened; messages go to standard error then.
bool log_start(const LogOptions& options, std::string& problem);
// Writes out what is buffered and ends logging.
void log_stop();

[[nodiscard]] bool log_shows(LogLevel level, std::string_view logger);

// `logger` is the part of the program; `extra` is JSON members to be added ("\"monitoring\":{…}"), or empty.
void log_line(LogLevel level, std::string_view logger, std::string_view message, std::string_view extra = {},
              const std::source_location& origin = std::source_location::current());

inline void log_debug(std::string_view logger, std::string_view message,
                      const std::source_location& origin = std::source_location::current()) {
  log_line(LogLevel::debug, logger, message, {}, origin);
}
inline void log_info(std::string_view logger, std::string_view message,
                     const std::source_location& origin = std::source_location::current()) {
  log_line(LogLevel::info, logger, message, {}, origin);
}
inline void log_warn(std::string_view logger, std::string_view message,
                     const std::source_location& origin = std::source_location::current()) {
  log_line(LogLevel::warn, logger, message, {}, origin);
}
inline void log_error(std::string_view logger, std::string_view message,
                      const std::source_location& origin = std::source_location::current()) {
  log_line(LogLevel::error, logger, message, {}, origin);
}

// A text as a JSON string, with its quotes.
[[nodiscard]] std::string json_quoted(std::string_view text);
// "2022-03-01T12:00:00.000Z", of nanoseconds since 1970.
[[nodiscard]] std::string utc_text(std::int64_t nanoseconds, int digits = 3);

}  // namespace spanbeat
