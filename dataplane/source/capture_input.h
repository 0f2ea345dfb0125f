// The packets of one capture file, or of several merged by time, as often as they are to be read.
//
// What:   OneFile and MergedFiles are the two inputs behind `open_capture_files`; what paces them stands in replay.h.
// Why:    one file must not pay for merging.
// Limits: the merge holds one head packet a file; it never reads a file ahead to sort it.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dataplane/source/capture_reader.h"

namespace spanbeat {

class CaptureInput : public CaptureFileSource {
 public:
  CaptureInput(std::unique_ptr<Interrupter> interrupter, std::uint64_t loops)
      : interrupter_(std::move(interrupter)), loops_(loops) {}

  [[nodiscard]] State state() const final { return state_; }
  void collect(Counters& counters) final;
  void interrupt() final { interrupter_->raise(); }
  std::vector<CaptureWarning> take_warnings() final;
  [[nodiscard]] absl::Status result() const final;
  // How often the input was begun; a burst never holds packets of two passes.
  [[nodiscard]] std::uint64_t pass() const { return pass_; }
  [[nodiscard]] const Interrupter& interrupter() const { return *interrupter_; }

 protected:
  // To be told of each file that has ended.
  void ended(const CaptureReader& reader);
  // At the end of a pass: true when there is to be another, which is then counted.
  bool again();

  std::unique_ptr<Interrupter> interrupter_;
  State state_ = State::open;
  std::uint64_t loops_;
  std::uint64_t packets_ = 0;

 private:
  std::uint64_t pass_ = 1;
  std::uint64_t before_pass_ = 0;  // packets of the passes before this one
  std::uint64_t offered_ = 0;      // already collected
  std::uint64_t damaged_ = 0;
  std::uint64_t damaged_collected_ = 0;
  mutable std::mutex mutex_;  // of what follows: warnings are taken by another thread
  std::vector<CaptureWarning> warnings_;
  std::string first_damage_;
};

class OneFile final : public CaptureInput {
 public:
  OneFile(std::unique_ptr<CaptureReader> reader, std::unique_ptr<Interrupter> interrupter, std::uint64_t loops)
      : CaptureInput(std::move(interrupter), loops), reader_(std::move(reader)) {}

  std::size_t burst(std::span<Packet, kBurst> packets) override;

 private:
  std::unique_ptr<CaptureReader> reader_;
};

class MergedFiles final : public CaptureInput {
 public:
  MergedFiles(std::vector<std::unique_ptr<CaptureReader>> readers, std::unique_ptr<Interrupter> interrupter,
              std::uint64_t loops);

  std::size_t burst(std::span<Packet, kBurst> packets) override;

 private:
  struct Lane {
    std::unique_ptr<CaptureReader> reader;
    std::array<Packet, kBurst> packets;
    std::size_t at = 0;
    std::size_t count = 0;

    [[nodiscard]] const Packet& head() const { return packets[at]; }
  };
  enum class Supply : std::uint8_t {
    ready,   // every lane that goes on has a head
    again,   // a pipe has nothing now
    filled,  // not yet, and reading on would void packets that were already given
  };

  // Gives the dry lanes their next packets. `may_fill`: no packet of this burst is out yet.
  Supply supply(bool may_fill);
  [[nodiscard]] bool later(std::uint32_t left, std::uint32_t right) const;
  void begin_pass();

  std::vector<Lane> lanes_;
  std::vector<std::uint32_t> dry_;   // lanes without a head
  std::vector<std::uint32_t> heap_;  // lanes with a head; the earliest in front
};

}  // namespace spanbeat
