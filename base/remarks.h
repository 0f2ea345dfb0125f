// What parts of the program have to say to the operator, from any thread: taken by the service, which logs it.
//
// What:   a bounded list of sentences with a level. Those that find it full are counted, not kept.
// Why:    rooms below the application do not log, and what a server answered must not be lost in silence.
// Limits: any thread; a lock is held for as long as a sentence is moved.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace spanbeat {

class Remarks {
 public:
  enum class Level : std::uint8_t { info, warning, error };
  struct Remark {
    Level level;
    std::string text;
  };

  void add(Level level, std::string text) {
    const std::lock_guard lock(mutex_);
    if (remarks_.size() >= kMost) {
      ++suppressed_;
    } else {
      remarks_.push_back({level, std::move(text)});
    }
  }
  void info(std::string text) { add(Level::info, std::move(text)); }
  void warn(std::string text) { add(Level::warning, std::move(text)); }
  void error(std::string text) { add(Level::error, std::move(text)); }

  // All that was said since the last call.
  [[nodiscard]] std::vector<Remark> take() {
    const std::lock_guard lock(mutex_);
    if (suppressed_ != 0) {
      remarks_.push_back({Level::warning, std::to_string(suppressed_) + " further messages were left out"});
      suppressed_ = 0;
    }
    return std::exchange(remarks_, {});
  }

 private:
  static constexpr std::size_t kMost = 64;
  std::mutex mutex_;
  std::vector<Remark> remarks_;
  std::size_t suppressed_ = 0;
};

}  // namespace spanbeat
