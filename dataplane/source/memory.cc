#include "dataplane/source/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "dataplane/bytes/prefetch.h"

namespace spanbeat {
namespace {

constexpr std::size_t kLargestBlock = std::size_t{64} << 20;

constexpr std::size_t round_up(std::size_t octets, std::size_t unit) { return (octets + unit - 1) / unit * unit; }

// The worker's timers run in ticks of 2^26 ns (worker.cc).
constexpr int kTickBits = 26;

// Fetches a cache line by a load that nobody waits for.
void load(const std::uint8_t* octets) { asm volatile("" : : "r"(*octets)); }

}  // namespace

HugeBlock::HugeBlock(std::size_t octets) {
  const std::size_t wanted = round_up(octets, kPage);
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS;
  void* mapped = ::mmap(nullptr, wanted, PROT_READ | PROT_WRITE, kFlags | MAP_HUGETLB | (21 << MAP_HUGE_SHIFT), -1, 0);
  std::size_t length = wanted;
  if (mapped == MAP_FAILED) {
    length = wanted + kPage;  // so that a page begins in it
    mapped = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, kFlags, -1, 0);
    if (mapped == MAP_FAILED) return;
  }
  mapped_ = static_cast<std::uint8_t*>(mapped);
  mapped_size_ = length;
  const auto address = reinterpret_cast<std::uintptr_t>(mapped_);
  data_ = mapped_ + (round_up(address, kPage) - address);
  size_ = wanted;
  // A kernel without them has small pages, which are slower and nothing else.
  if (length != wanted) (void)::madvise(data_, size_, MADV_HUGEPAGE);
}

HugeBlock::~HugeBlock() {
  if (mapped_ != nullptr) ::munmap(mapped_, mapped_size_);
}

HugeBlock::HugeBlock(HugeBlock&& other) noexcept
    : mapped_(std::exchange(other.mapped_, nullptr)),
      mapped_size_(std::exchange(other.mapped_size_, 0)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

bool PacketMemory::append(const Packet& packet) {
  const std::size_t room = round_up(packet.octets.size() + kPadding, kCacheLine);
  if (!packet.clock && (blocks_.empty() || used_ + room > blocks_.back().size())) {
    const std::size_t next = blocks_.empty() ? HugeBlock::kPage : std::min(blocks_.back().size() * 2, kLargestBlock);
    blocks_.emplace_back(std::max(next, room));
    used_ = 0;
    if (blocks_.back().size() == 0) return false;
  }
  if (size_ == index_.size() * kIndexed) {
    index_.emplace_back(kIndexed * sizeof(Record));
    if (index_.back().size() == 0) return false;
  }
  Record record;
  if (!packet.clock) {
    std::uint8_t* at = blocks_.back().data() + used_;
    if (!packet.octets.empty()) std::memcpy(at, packet.octets.data(), packet.octets.size());
    used_ += round_up(packet.octets.size(), kCacheLine);  // the padding of a packet is the next one's
    record.octets = at;
  }
  record.head.keep(packet);
  ::new (index_.back().data() + size_ % kIndexed * sizeof(Record)) Record(record);
  if (size_ == 0) first_time_ = last_time_ = packet.timestamp;
  last_time_ = std::max(last_time_, packet.timestamp);
  last_number_ = std::max(last_number_, packet.number);
  ++size_;
  return true;
}

MemorySource::MemorySource(PacketMemory memory, std::uint64_t loops, Time pause, const Counters& loaded)
    : memory_(std::move(memory)),
      loops_(loops),
      loaded_(loaded),
      period_((((memory_.last_time() + pause) >> kTickBits) + 1 - (memory_.first_time() >> kTickBits)) *
              (Time{1} << kTickBits)) {}

bool MemorySource::again() {
  // A pass without packets would be repeated for ever.
  if (memory_.size() == 0 || passes_ == loops_ || interrupted_.load(std::memory_order_relaxed)) {
    ended_ = true;
    return false;
  }
  ++passes_;
  at_ = 0;
  shift_ += period_;
  numbers_ += memory_.last_number();
  return true;
}

std::size_t MemorySource::burst(std::span<Packet, kBurst> packets) {
  if (ended_ || (at_ == memory_.size() && !again())) return 0;
  const std::span<const PacketMemory::Record> records = memory_.from(at_);
  const std::size_t count = std::min(kBurst, records.size());
  // A prefetch is dropped where its page is not in the TLB, and may bring that page all the same; a load brings both.
  // Loads one behind the other wait together.
  for (std::size_t i = count; i < std::min(count + kBurst, records.size()); ++i) {
    const PacketMemory::Record& next = records[i];
    if (next.head.captured == 0) continue;
    load(next.octets);
    if (i + kBurst < records.size()) __builtin_prefetch(records[i + kBurst].octets);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const PacketMemory::Record& record = records[i];
    Packet& packet = packets[i];
    record.head.show(record.octets, packet);
    packet.timestamp += shift_;
    packet.number += numbers_;
    offered_ += record.head.clock ? 0 : 1;
  }
  at_ += count;
  return count;
}

void MemorySource::collect(Counters& counters) {
  counters.add(Counter::capture_offered, offered_ - std::exchange(offered_collected_, offered_));
  const std::uint64_t before = std::exchange(passes_collected_, passes_);
  if (before == 0) counters.add(Counter::capture_file_errors, loaded_.get(Counter::capture_file_errors));
  const auto each_pass = [&](Counter as, Counter what) { counters.add(as, loaded_.get(what) * (passes_ - before)); };
  each_pass(Counter::capture_offered, Counter::capture_filtered);
  each_pass(Counter::capture_received, Counter::capture_filtered);
  each_pass(Counter::capture_filtered, Counter::capture_filtered);
  each_pass(Counter::capture_received_bytes, Counter::capture_received_bytes);
}

}  // namespace spanbeat
