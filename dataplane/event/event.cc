#include "dataplane/event/event.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace spanbeat {
namespace {

constexpr std::size_t padded(std::size_t size) { return (size + 7) & ~std::size_t{7}; }

// The longest part of `size` octets of UTF-8 that does not cut a character: steps back over continuation octets.
std::size_t cut_utf8(const std::uint8_t* octets, std::size_t size) {
  std::size_t cut = size;
  while (cut > 0 && size - cut < 4 && (octets[cut] & 0xc0) == 0x80) --cut;
  return cut;
}

}  // namespace

EventArena::~EventArena() {
  for (Free* block : free_) {
    while (block != nullptr) std::free(std::exchange(block, block->next));
  }
}

// A block that is not kept yet.
EventArena::Block EventArena::make(std::size_t index) {
  if (index >= kClasses) return {};
  const std::size_t wanted = kSmallest << index;
  if (in_use_ + wanted > ceiling_) return {};
  if (in_use_ + kept_ + wanted > ceiling_) give_back(wanted);
  auto* data = static_cast<std::uint8_t*>(std::malloc(wanted));
  if (data == nullptr) return {};
  in_use_ += wanted;
  return {data, wanted - kPadding};
}

// Frees kept blocks, the largest first, until there is room.
void EventArena::give_back(std::size_t wanted) {
  for (std::size_t index = kClasses; index-- > 0;) {
    Free*& first = free_[index];
    while (first != nullptr && in_use_ + kept_ + wanted > ceiling_) {
      std::free(std::exchange(first, first->next));
      kept_ -= kSmallest << index;
    }
  }
}

bool GrowBuffer::append(EventArena& arena, Bytes octets, std::size_t cap) {
  bool whole = true;
  if (octets.size() > cap - std::min(cap, size_)) {
    octets = octets.first(cap - std::min(cap, size_));
    whole = false;
  }
  if (octets.empty()) return whole;
  if (size_ + octets.size() > block_.capacity) {
    const EventArena::Block bigger = arena.allocate(size_ + octets.size());
    if (bigger.data == nullptr) return false;
    if (size_ != 0) std::memcpy(bigger.data, block_.data, size_);
    if (arena_ != nullptr) arena_->release(block_);
    block_ = bigger;
    arena_ = &arena;
  }
  std::memcpy(block_.data + size_, octets.data(), octets.size());
  size_ += octets.size();
  return whole;
}

Event::Event(EventArena& arena) {
  // Most events fit without growing.
  const EventArena::Block block = arena.allocate(sizeof(Record) + 1200);
  if (block.data == nullptr) return;
  record_ = new (block.data) Record{&arena, block.capacity, 0, {}};
  record_->header.size = sizeof(EventHeader);
}

void Event::drop() {
  if (record_ == nullptr) return;
  record_->arena->release({reinterpret_cast<std::uint8_t*>(record_), record_->capacity});
  record_ = nullptr;
}

EventHeader& Event::header() {
  static thread_local EventHeader nowhere;
  return record_ != nullptr ? record_->header : nowhere;
}

Bytes Event::encoded() {
  if (record_ == nullptr) return {};
  return {record_->base(), record_->header.size};
}

// Makes room for `more` octets behind the header's size; false, and the event is marked, when there is none.
bool Event::grow(std::size_t more) {
  if (record_ == nullptr) return false;
  const std::size_t used = offsetof(Record, header) + record_->header.size;
  if (used + more <= record_->capacity) return true;
  if (record_->header.size + more <= kMaxEvent) {
    const EventArena::Block block = record_->arena->allocate(used + more);
    if (block.data != nullptr) {
      std::memcpy(block.data, record_, used);
      record_->arena->release({reinterpret_cast<std::uint8_t*>(record_), record_->capacity});
      record_ = reinterpret_cast<Record*>(block.data);
      record_->capacity = block.capacity;
      return true;
    }
  }
  record_->header.truncated = 1;
  return false;
}

void Event::put(Field field, const void* value, std::size_t size, bool may_cut) {
  if (!grow(sizeof(FieldEntry) + padded(size))) {
    if (record_ == nullptr || !may_cut) return;
    // A text keeps what the present block still holds.
    const std::size_t used = offsetof(Record, header) + record_->header.size + sizeof(FieldEntry) + 8;
    if (used >= record_->capacity) return;
    size = std::min(size, record_->capacity - used);
    size = cut_utf8(static_cast<const std::uint8_t*>(value), size);
  }
  const std::uint32_t at = record_->header.size;
  const FieldEntry entry{field, 0, static_cast<std::uint32_t>(size)};
  std::memcpy(record_->base() + at, &entry, sizeof entry);
  if (size != 0) std::memcpy(record_->base() + at + sizeof entry, value, size);
  record_->last = at;
  record_->header.size = static_cast<std::uint32_t>(at + sizeof entry + padded(size));
}

void Event::put_null(Field field) {
  put(field, nullptr, 0, false);
  if (record_ == nullptr || record_->last == 0) return;
  FieldEntry entry;
  std::memcpy(&entry, record_->base() + record_->last, sizeof entry);
  if (entry.field != field) return;
  entry.is_null = 1;
  std::memcpy(record_->base() + record_->last, &entry, sizeof entry);
}

void Event::append(Field field, std::string_view more) {
  if (record_ == nullptr) return;
  FieldEntry entry{};
  if (record_->last != 0) std::memcpy(&entry, record_->base() + record_->last, sizeof entry);
  if (record_->last == 0 || entry.field != field) {
    put(field, more.data(), more.size(), true);
    return;
  }
  if (!grow(padded(more.size()) + 8)) return;
  copy_octets(record_->base() + record_->last + sizeof entry + entry.size, more.data(), more.size());
  entry.size += static_cast<std::uint32_t>(more.size());
  std::memcpy(record_->base() + record_->last, &entry, sizeof entry);
  record_->header.size = static_cast<std::uint32_t>(record_->last + sizeof entry + padded(entry.size));
}

bool Event::remove(std::span<const Field> fields) {
  if (record_ == nullptr) return false;
  std::uint8_t* const base = record_->base();
  std::size_t kept = sizeof(EventHeader);
  bool removed = false;
  for (std::size_t at = kept; at < record_->header.size;) {
    FieldEntry entry;
    std::memcpy(&entry, base + at, sizeof entry);
    const std::size_t whole = sizeof entry + padded(entry.size);
    if (std::find(fields.begin(), fields.end(), entry.field) != fields.end()) {
      removed = true;
    } else {
      if (removed) std::memmove(base + kept, base + at, whole);
      kept += whole;
    }
    at += whole;
  }
  record_->header.size = static_cast<std::uint32_t>(kept);
  record_->last = 0;
  return removed;
}

TreeWriter::~TreeWriter() {
  if (event_.record_ == nullptr || entry_ == 0) return;
  while (depth_ > 0) end();
  auto& header = event_.record_->header;
  if (failed_) {
    header.size = entry_;
    event_.record_->last = 0;
    return;
  }
  FieldEntry entry;
  std::memcpy(&entry, event_.record_->base() + entry_, sizeof entry);
  entry.size = header.size - entry_ - static_cast<std::uint32_t>(sizeof entry);
  std::memcpy(event_.record_->base() + entry_, &entry, sizeof entry);
  const std::uint32_t whole = static_cast<std::uint32_t>(entry_ + sizeof entry + padded(entry.size));
  // Every put kept 8 octets spare for this padding.
  header.size = whole;
}

void TreeWriter::open(TreeTag tag) {
  if (skipped_ > 0 || depth_ == kMaxDepth) {
    if (skipped_ == 0) null();
    ++skipped_;
    return;
  }
  std::uint8_t* to = value_room(tag, kLength);
  if (to == nullptr) return;
  open_[static_cast<std::size_t>(depth_)] = {static_cast<std::uint32_t>(to - event_.record_->base()), 0};
  ++depth_;
}

void TreeWriter::end() {
  if (skipped_ > 0) {
    --skipped_;
  } else if (depth_ > 0) {
    --depth_;
    const Open& closed = open_[static_cast<std::size_t>(depth_)];
    if (!failed_) std::memcpy(event_.record_->base() + closed.place, &closed.count, sizeof closed.count);
  }
}

}  // namespace spanbeat
