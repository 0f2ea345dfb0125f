// Replays recorded packets as if they came now: at the pace of their time stamps, or one for each press of Enter.
//
// What:   holds a burst of the input and gives what is due, stamped with the time at which it is due (which is now,
// less
//         the microseconds that handing it out takes), so that the recorded distances stay. With `keep_times` the
//         stamps stay as recorded.
// Limits: a packet whose time is before an earlier packet's is due at once. Each pass over the input begins anew. A
// wait is
//         cut into slices of kLongestWait, after each of which burst() gives nothing.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "dataplane/source/capture_input.h"

namespace spanbeat {

struct ReplayOptions {
  bool pace = true;         // wait until a packet is due
  bool keep_times = false;  // do not stamp
  int terminal = -1;        // wait for Enter on this descriptor before each packet; -1: do not
};

class ReplaySource final : public CaptureFileSource {
 public:
  // Owns `terminal` when it is not standard input.
  ReplaySource(std::unique_ptr<CaptureInput> input, const ReplayOptions& options);
  ~ReplaySource() override;

  std::size_t burst(std::span<Packet, kBurst> packets) override;
  [[nodiscard]] State state() const override { return at_ < count_ ? State::open : input_->state(); }
  // While it waits for the next packet to fall due.
  [[nodiscard]] Time idle_time() const override;
  // What is held and not given yet was not offered.
  void collect(Counters& counters) override;
  void interrupt() override { input_->interrupt(); }
  std::vector<CaptureWarning> take_warnings() override { return input_->take_warnings(); }
  [[nodiscard]] absl::Status result() const override { return input_->result(); }

 private:
  // Nanoseconds after the first packet of the pass at which the next packet is due.
  Time due();
  // True when Enter was pressed or nobody can press it.
  bool pressed();

  std::unique_ptr<CaptureInput> input_;
  ReplayOptions options_;
  std::array<Packet, kBurst> held_;
  std::size_t at_ = 0;
  std::size_t count_ = 0;
  std::uint64_t given_ = 0;
  std::uint64_t offered_ = 0;  // of given_, what collect() has told of
  std::uint64_t pass_ = 0;
  Time first_ = 0;           // of the pass, as recorded
  Time greatest_ = 0;        // of the pass so far, as recorded
  Time began_ = 0;           // monotonic clock
  Time began_wall_ = 0;      // the system's clock
  bool asked_ = false;       // the prompt was shown
  bool unattended_ = false;  // the terminal was closed
};

}  // namespace spanbeat
