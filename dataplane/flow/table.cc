#include "dataplane/flow/table.h"

#include <bit>

#include "dataplane/bytes/reserve.h"

namespace spanbeat {

// Two thirds full at most: 0.7 % of the look-ups take a second bucket then.
std::size_t FlowTable::buckets_for(std::size_t capacity) { return std::bit_ceil(capacity * 3 / (2 * kSlots) + 1); }

std::size_t FlowTable::octets(std::size_t capacity) {
  return reserved<Bucket>(buckets_for(capacity)) + reserved<FlowRecord>(capacity) + reserved<FlowInfo>(capacity) +
         reserved<FlowIndex>(capacity);
}

FlowTable::FlowTable(std::size_t capacity) : capacity_(capacity) {
  const std::size_t buckets = buckets_for(capacity);
  mask_ = buckets - 1;
  buckets_ = reserve<Bucket>(buckets);
  records_ = reserve<FlowRecord>(capacity);
  infos_ = reserve<FlowInfo>(capacity);
  free_ = reserve<FlowIndex>(capacity);
}

FlowTable::~FlowTable() {
  unreserve(buckets_, mask_ + 1);
  unreserve(records_, capacity_);
  unreserve(infos_, capacity_);
  unreserve(tunnels_, capacity_);
  unreserve(free_, capacity_);
}

void FlowTable::keep_tunnels() {
  if (tunnels_ == nullptr) tunnels_ = reserve<TunnelInfo>(capacity_);
}

void FlowTable::populate() { spanbeat::populate(buckets_, mask_ + 1); }

FlowIndex FlowTable::find(const FlowKey& key) const {
  const std::uint16_t tag = tag_of(key.hash);
  for (std::size_t i = 0; i < kMaxProbe; ++i) {
    const Bucket& bucket = buckets_[(key.hash + i) & mask_];
    for (std::uint32_t hits = matching(bucket, tag); hits != 0; hits &= hits - 1) {
      const FlowIndex index = bucket.indexes[std::countr_zero(hits)];
      if (matches(index, key)) return index;
    }
    if (bucket.passed == 0) break;
  }
  return kNoFlow;
}

FlowIndex FlowTable::insert(const FlowKey& key) {
  constexpr std::uint32_t kAhead = 4;  // insertions; a burst may have many
  if (size_ == capacity_) return kNoFlow;
  const std::uint16_t tag = tag_of(key.hash);
  for (std::size_t i = 0; i < kMaxProbe; ++i) {
    Bucket& bucket = buckets_[(key.hash + i) & mask_];
    const std::uint32_t free_slots = matching(bucket, 0);
    if (free_slots == 0) continue;
    const FlowIndex index = freed_ != 0 ? free_[--freed_] : used_++;
    if (freed_ >= kAhead) {
      const FlowIndex later = free_[freed_ - kAhead];
      __builtin_prefetch(&records_[later], 1);
      prefetch_lines(&infos_[later], sizeof(FlowInfo));
    }
    const auto slot = static_cast<std::size_t>(std::countr_zero(free_slots));
    bucket.tags[slot] = tag;
    bucket.indexes[slot] = index;
    for (std::size_t j = 0; j < i; ++j) ++buckets_[(key.hash + j) & mask_].passed;
    FlowRecord& record = records_[index];
    const std::uint32_t on_wheel = record.on_wheel;
    record = FlowRecord{};
    record.on_wheel = on_wheel & 1U;
    record.home = static_cast<std::uint32_t>(key.hash & mask_) & 0x7fffffffU;
    record.key_low = key.low;
    record.key_high = key.high;
    record.link = key.link & 0xffffff;
    record.live = 1;
    ++size_;
    return index;
  }
  return kNoFlow;
}

void FlowTable::erase(FlowIndex index) {
  FlowRecord& record = records_[index];
  const std::uint64_t home = record.home;
  for (std::size_t i = 0; i < kMaxProbe; ++i) {
    Bucket& bucket = buckets_[(home + i) & mask_];
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
      if (bucket.indexes[slot] != index || bucket.tags[slot] == 0) continue;
      bucket.tags[slot] = 0;
      for (std::size_t j = 0; j < i; ++j) --buckets_[(home + j) & mask_].passed;
      record.live = 0;
      record.key_low = record.key_high = 0;
      free_[freed_++] = index;
      --size_;
      return;
    }
  }
}

}  // namespace spanbeat
