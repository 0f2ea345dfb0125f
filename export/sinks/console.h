// output.console: documents on standard output, one line each, flushed batch by batch.
//
// What:   writes to a descriptor. A pipe or terminal is opened anew without blocking, so that a slow reader holds up no
//         one; the descriptor that was given, which other programs may share, stays as it is.
// Limits: when the reader has gone (EPIPE), everything from then on is rejected. SIGPIPE is ignored by whoever makes
// one.
#pragma once

#include "export/sinks/writing_sink.h"

namespace spanbeat {

class ConsoleSink : public WritingSink {
 public:
  explicit ConsoleSink(int descriptor, Clock& clock = Clock::system());
  ~ConsoleSink() override;
  ConsoleSink(const ConsoleSink&) = delete;
  ConsoleSink& operator=(const ConsoleSink&) = delete;

  [[nodiscard]] std::string_view name() const override { return "console"; }
  // Small enough for a person to see documents as they come.
  [[nodiscard]] std::size_t wanted_bytes() const override { return std::size_t{128} << 10; }
  [[nodiscard]] bool gone() const override { return gone_; }

 protected:
  Written write(const Batch& batch, std::size_t offset, std::size_t document) override;
  void wait_for_room(Time wait) override;

 private:
  int descriptor_;
  bool own_ = false;        // the descriptor is ours, and does not block
  bool may_block_ = false;  // a shared pipe or terminal: written in small pieces, and only when there is room
  bool socket_ = false;
  bool gone_ = false;
};

}  // namespace spanbeat
