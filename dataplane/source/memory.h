// Packets in memory as a source: what was preloaded, given again and again without reading anything.
//
// What:   PacketMemory keeps packets, or the clock marks of a steering thread, in 2 MB pages with an index of them;
//         MemorySource gives views of them and fetches the headers of the next burst while this one is worked on.
// Why:    a measurement that contains no reading: as a NIC does, packets lie in memory before anybody looks.
// Limits: everything must fit into memory. Each further pass begins in time when the one before has ended and a pause
// has
//         gone by, in which its flows end: else the same sequence numbers come again on the same connections. The shift
//         is of whole ticks, so that timers fall due at the same packets in each pass; numbers go on as well.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <span>
#include <vector>

#include "dataplane/source/source.h"

namespace spanbeat {

// Memory in 2 MB pages: hugetlbfs's where some are reserved, else transparent ones where the kernel has them.
class HugeBlock {
 public:
  static constexpr std::size_t kPage = std::size_t{2} << 20;

  // Of whole pages; empty (size() is 0) when there is no memory.
  explicit HugeBlock(std::size_t octets);
  ~HugeBlock();
  HugeBlock(HugeBlock&& other) noexcept;
  HugeBlock(const HugeBlock&) = delete;
  HugeBlock& operator=(const HugeBlock&) = delete;
  HugeBlock& operator=(HugeBlock&&) = delete;

  [[nodiscard]] std::uint8_t* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::uint8_t* mapped_ = nullptr;
  std::size_t mapped_size_ = 0;
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

class PacketMemory {
 public:
  struct Record {
    PacketHead head;
    const std::uint8_t* octets = nullptr;
  };

  // Copies the packet. False when there is no memory.
  [[nodiscard]] bool append(const Packet& packet);

  [[nodiscard]] std::size_t size() const { return size_; }
  // The records from `i` on that lie behind one another: one at least, if i < size().
  [[nodiscard]] std::span<const Record> from(std::size_t i) const {
    const auto* block = reinterpret_cast<const Record*>(index_[i / kIndexed].data());
    return {block + i % kIndexed, std::min(size_ - i, kIndexed - i % kIndexed)};
  }
  // Of the first record, and the greatest.
  [[nodiscard]] Time first_time() const { return first_time_; }
  [[nodiscard]] Time last_time() const { return last_time_; }
  [[nodiscard]] std::uint64_t last_number() const { return last_number_; }

 private:
  static constexpr std::size_t kIndexed = std::size_t{1} << 19;  // records of a block of the index

  std::vector<HugeBlock> blocks_;
  std::vector<HugeBlock> index_;
  std::size_t used_ = 0;  // of the last block
  std::size_t size_ = 0;
  Time first_time_ = 0;
  Time last_time_ = 0;
  std::uint64_t last_number_ = 0;
};

class MemorySource final : public Source {
 public:
  // What loading counted: file errors once, what the filter rejected in each pass.
  MemorySource(PacketMemory memory, std::uint64_t loops, Time pause, const Counters& loaded);

  std::size_t burst(std::span<Packet, kBurst> packets) override;
  [[nodiscard]] State state() const override { return ended_ ? State::end : State::open; }
  [[nodiscard]] bool live() const override { return false; }
  void collect(Counters& counters) override;
  void interrupt() override { interrupted_.store(true, std::memory_order_relaxed); }

 private:
  bool again();

  const PacketMemory memory_;
  const std::uint64_t loops_;  // 0: endlessly
  Counters loaded_;
  Time period_;         // what each pass is later than the one before
  std::size_t at_ = 0;  // the next record
  Time shift_ = 0;      // of this pass
  std::uint64_t numbers_ = 0;
  std::uint64_t passes_ = 1;
  std::uint64_t offered_ = 0;
  std::uint64_t offered_collected_ = 0;
  std::uint64_t passes_collected_ = 0;
  bool ended_ = false;
  std::atomic<bool> interrupted_{false};
};

}  // namespace spanbeat
