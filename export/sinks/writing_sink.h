// What sinks that write octets in order have in common: the console and files.
//
// What:   holds one batch and the exact number of its octets that were written; goes on from there after an error, with
//         back-off. A derived sink only writes.
// Why:    a full disk or a slow reader must neither lose a line nor write a part of one twice.
// Limits: one batch at a time; its documents are acknowledged when the system has taken them, not when they are on the
// disk.
#pragma once

#include "export/sinks/sink.h"

namespace spanbeat {

class WritingSink : public Sink {
 public:
  explicit WritingSink(Clock& clock) : clock_(clock) {}

  void offer(std::unique_ptr<Batch>& batch) override;
  [[nodiscard]] std::unique_ptr<Batch> settled(Time wait) override;
  [[nodiscard]] std::vector<std::unique_ptr<Batch>> close() override;

  static constexpr Time kFirstBackOff = 100 * kMillisecond;
  static constexpr Time kLongestBackOff = 5 * kSecond;

 protected:
  // What came of an attempt to write.
  struct Written {
    enum class Kind : std::uint8_t { some, full, failed, gone };
    Kind kind;
    std::size_t octets;  // of `some`
    static Written some(std::size_t octets) { return {Kind::some, octets}; }
    static Written full() { return {Kind::full, 0}; }      // no room now; wait_for_room() waits for it
    static Written failed() { return {Kind::failed, 0}; }  // an error that may pass
    static Written gone() { return {Kind::gone, 0}; }      // an error that will not
  };
  // Writes some of `text`, which begins at the batch's octet `offset`; the batch's first unfinished document is
  // `document`.
  virtual Written write(const Batch& batch, std::size_t offset, std::size_t document) = 0;
  // Waits at most that long for room after Written::full.
  virtual void wait_for_room(Time) {}
  // The batch is given up behind `octets` octets of an unfinished document: take them back if that is possible.
  virtual void take_back(std::size_t /*octets*/) {}
  virtual void close_medium() {}

  Clock& clock_;

 private:
  void progress();
  void settle(DocumentState rest);

  std::unique_ptr<Batch> batch_;
  std::size_t written_ = 0;   // octets of the batch
  std::size_t document_ = 0;  // the first one that is not written whole
  bool full_ = false;
  Time back_off_ = 0;  // 0: the last attempt succeeded
  Time retry_at_ = 0;
};

}  // namespace spanbeat
