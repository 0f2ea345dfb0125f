#include "app/service/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <initializer_list>

namespace spanbeat {

Signals::Signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // A reader that went away is an error of the write, not the end of the program.
  ::signal(SIGPIPE, SIG_IGN);
  signals_ = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  woken_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

Signals::~Signals() {
  if (signals_ >= 0) ::close(signals_);
  if (woken_ >= 0) ::close(woken_);
}

Signals::Event Signals::wait(std::int64_t longest) {
  pollfd waits[2] = {{signals_, POLLIN, 0}, {woken_, POLLIN, 0}};
  const timespec limit{longest / 1'000'000'000, longest % 1'000'000'000};
  if (::ppoll(waits, 2, longest < 0 ? nullptr : &limit, nullptr) <= 0) return Event::timeout;
  if (waits[0].revents != 0) {
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof info) == sizeof info) return Event::signal;
  }
  if (waits[1].revents != 0) {
    std::uint64_t count = 0;
    if (::read(woken_, &count, sizeof count) == sizeof count) return Event::woken;
  }
  return Event::timeout;
}

void Signals::wake() {
  const std::uint64_t one = 1;
  if (::write(woken_, &one, sizeof one) < 0) return;  // full: already awake
}

}  // namespace spanbeat
