// Log files that rotate: NAME-YYYYMMDD.ndjson, NAME-YYYYMMDD-1.ndjson, …, in local time as Beats name them.
//
// Limits: a file is begun anew at start (if so set), on a new day and beyond the size; the oldest go when there are too
// many.
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <mutex>

#include "app/log/log.h"

namespace spanbeat {

class LogFile final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit LogFile(const LogOptions& options) : options_(options) {}
  ~LogFile() override;
  // Opens the first file; false, with `problem`, when that cannot be done.
  bool open(std::string& problem);

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

 private:
  bool open_next(bool fresh, std::string& problem);
  void remove_old() const;

  LogOptions options_;
  int file_ = -1;
  std::int64_t written_ = 0;
  std::string day_;
};

}  // namespace spanbeat
