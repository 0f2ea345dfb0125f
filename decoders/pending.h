// Requests that wait for their answer: found by key, given up in the order of their coming.
//
// What:   a list of entries in order of arrival, with an index of buckets once there are more than a few. Each entry
// lies in
//         a block of the worker's EventArena; what is left of that block can hold octets of the entry's own (`extra`).
// Why:    ping and DNS pair by an id, not by order; most conversations have one request open, a resolver's have
// thousands. Limits: at most kMost entries; the caller evicts the oldest before it adds to a full list. Keys need not
// be unique: the
//         newest one is found. Trivially relocatable.
#pragma once

#include <new>
#include <utility>

#include "dataplane/bytes/prefetch.h"
#include "dataplane/event/event.h"

namespace spanbeat {

// What an entry derives from.
template <typename Entry>
struct PendingLinks {
  std::uint32_t key = 0;
  Time since = 0;  // when the request came
  Entry* older = nullptr;
  Entry* newer = nullptr;
  Entry* bucket_next = nullptr;
  EventArena::Block block;
};

template <typename Entry>
class Pending {
 public:
  static constexpr std::size_t kMost = 4096;

  Pending() = default;
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() {
    while (oldest_ != nullptr) remove(oldest_);
    if (buckets_ != nullptr) arena_->release(buckets_block_);
  }

  // Has the entries fetched that are looked at first, when there is something else to do meanwhile.
  void fetch() const {
    if (newest_ != nullptr) prefetch_lines(newest_, 3 * kCacheLine);
    if (oldest_ != newest_) prefetch_lines(oldest_, kCacheLine);
  }

  [[nodiscard]] bool empty() const { return oldest_ == nullptr; }
  [[nodiscard]] bool full() const { return size_ >= kMost; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] Entry* oldest() const { return oldest_; }
  [[nodiscard]] Entry* newest() const { return newest_; }

  [[nodiscard]] Entry* find(std::uint32_t key) const {
    if (buckets_ != nullptr) {
      for (Entry* entry = bucket(key); entry != nullptr; entry = entry->bucket_next) {
        if (entry->key == key) return entry;
      }
      return nullptr;
    }
    for (Entry* entry = newest_; entry != nullptr; entry = entry->older) {
      if (entry->key == key) return entry;
    }
    return nullptr;
  }

  // A new entry with `extra` octets behind it, or null when the arena has no room.
  [[nodiscard]] Entry* add(EventArena& arena, std::uint32_t key, Time since, std::size_t extra = 0) {
    static_assert(alignof(Entry) <= 16);
    const EventArena::Block block = arena.allocate(sizeof(Entry) + extra);
    if (block.data == nullptr) return nullptr;
    auto* entry = new (block.data) Entry();
    arena_ = &arena;
    entry->key = key;
    entry->since = since;
    entry->block = block;
    entry->older = newest_;
    (newest_ != nullptr ? newest_->newer : oldest_) = entry;
    newest_ = entry;
    ++size_;
    if (buckets_ != nullptr) {
      entry->bucket_next = std::exchange(bucket(key), entry);
    } else if (size_ > kIndexFrom) {
      build_index();
    }
    return entry;
  }
  // Octets behind the entry, as many as `add` was asked for.
  [[nodiscard]] static std::uint8_t* extra(Entry* entry) { return reinterpret_cast<std::uint8_t*>(entry + 1); }

  // Makes an entry the newest one, as if it had come at `now`.
  void touch(Entry* entry, Time now) {
    entry->since = now;
    if (entry == newest_) return;
    (entry->older != nullptr ? entry->older->newer : oldest_) = entry->newer;
    entry->newer->older = entry->older;
    entry->older = newest_;
    entry->newer = nullptr;
    newest_->newer = entry;
    newest_ = entry;
  }

  void remove(Entry* entry) {
    (entry->older != nullptr ? entry->older->newer : oldest_) = entry->newer;
    (entry->newer != nullptr ? entry->newer->older : newest_) = entry->older;
    if (buckets_ != nullptr) {
      Entry** link = &bucket(entry->key);
      while (*link != entry) link = &(*link)->bucket_next;
      *link = entry->bucket_next;
    }
    --size_;
    const EventArena::Block block = entry->block;
    entry->~Entry();
    arena_->release(block);
  }

 private:
  static constexpr std::size_t kIndexFrom = 8;
  static constexpr std::size_t kBuckets = 512;

  [[nodiscard]] Entry*& bucket(std::uint32_t key) const { return buckets_[(key * 0x9e3779b1u >> 16) % kBuckets]; }
  // Without room for it the list is walked instead.
  void build_index() {
    buckets_block_ = arena_->allocate(kBuckets * sizeof(Entry*));
    if (buckets_block_.data == nullptr) return;
    buckets_ = reinterpret_cast<Entry**>(buckets_block_.data);
    for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] = nullptr;
    for (Entry* entry = oldest_; entry != nullptr; entry = entry->newer) {
      entry->bucket_next = std::exchange(bucket(entry->key), entry);
    }
  }

  Entry* oldest_ = nullptr;
  Entry* newest_ = nullptr;
  Entry** buckets_ = nullptr;
  EventArena::Block buckets_block_;
  EventArena* arena_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace spanbeat
