// A flag that wakes threads which wait for sockets: they poll its descriptor beside their own.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace spanbeat {

class Interrupt {
 public:
  Interrupt() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Interrupt() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // From any thread. There is no way back.
  void set() {
    set_.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(descriptor_, &one, sizeof one);
  }
  [[nodiscard]] bool is_set() const { return set_.load(std::memory_order_acquire); }
  // Readable once it is set.
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
  std::atomic<bool> set_{false};
};

}  // namespace spanbeat
