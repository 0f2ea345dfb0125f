#include "export/sinks/console.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>

#include "export/sinks/output.h"

namespace spanbeat {

ConsoleSink::ConsoleSink(int descriptor, Clock& clock) : WritingSink(clock), descriptor_(descriptor) {
  (void)std::signal(SIGPIPE, SIG_IGN);
  struct stat status{};
  if (fstat(descriptor, &status) != 0) return;
  if (S_ISSOCK(status.st_mode)) {
    socket_ = true;
  } else if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) {
    const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
    const int opened = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (opened >= 0) {
      descriptor_ = opened;
      own_ = true;
    } else {
      may_block_ = true;
    }
  }
}

ConsoleSink::~ConsoleSink() {
  if (own_) (void)::close(descriptor_);
}

WritingSink::Written ConsoleSink::write(const Batch& batch, std::size_t offset, std::size_t) {
  std::string_view text = batch.text.view().substr(offset);
  if (may_block_) {
    // Only poll() tells whether a write would block, and only for so many octets.
    pollfd room{descriptor_, POLLOUT, 0};
    if (poll(&room, 1, 0) == 0) return Written::full();
    text = text.substr(0, PIPE_BUF);
  }
  while (true) {
    const ssize_t written = socket_ ? send(descriptor_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                                    : ::write(descriptor_, text.data(), text.size());
    if (written > 0) return Written::some(static_cast<std::size_t>(written));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Written::full();
    if (written < 0 && (errno == EPIPE || errno == EBADF || errno == ECONNRESET)) {
      gone_ = true;
      return Written::gone();
    }
    return Written::failed();
  }
}

void ConsoleSink::wait_for_room(Time wait) {
  pollfd room{descriptor_, POLLOUT, 0};
  (void)poll(&room, 1, static_cast<int>(std::clamp<Time>(wait / kMillisecond, 0, 1000)));
}

void read_console_output(OutputSettings& settings, OutputConfig& config) {
  config.codec = read_codec(settings.reader);
  config.make = [](std::string&, Clock& clock) -> std::unique_ptr<Sink> {
    return std::make_unique<ConsoleSink>(STDOUT_FILENO, clock);
  };
}

}  // namespace spanbeat
