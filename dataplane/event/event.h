// Events: what decoders write and the exporter turns into documents.
//
// What:   an event is a fixed header and a list of (field id, value) in one block of memory. A transaction under way
// *is* an
//         event being written: it lies in a block of the worker's EventArena, grows by size classes, and is copied once
//         into the ring when it is committed.
// Why:    no intermediate message objects, maps or strings; and the header holds what the exporter derives a third of
//         the document from (addresses, times, bytes), so it is written once and small.
// Limits: one event is at most kMaxEvent octets, all open ones together at most the arena's ceiling. What does not fit
// is
//         left out (a text is cut, at a UTF-8 boundary) and the event is marked truncated, and counted.
//         Field values are padded to 8 octets; numbers are in host order: events never leave the process.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <utility>

#include "dataplane/bytes/address.h"
#include "dataplane/fields.gen.h"

namespace spanbeat {

// Which decoder made an event: its position in decoders/registry.def plus one; 0 is a flow document.
using ProtocolId = std::uint16_t;
inline constexpr ProtocolId kFlowProtocol = 0;

enum class Status : std::uint8_t { none, ok, error, server_error, client_error, no_reply };
enum class Transport : std::uint8_t { none, tcp, udp, icmp, ipv6_icmp, sctp };

inline constexpr std::size_t kMaxEvent = std::size_t{24} << 20;

struct EventHeader {
  std::uint32_t size = 0;  // octets of header and fields
  ProtocolId protocol = 0;
  Status status = Status::none;
  Transport transport = Transport::none;
  // Documents are put in order by (packet, stage, flow, sequence): the number of the packet that completed the event,
  // what the worker was about (output.h), the number of the first packet of its flow, and the count of events of that
  // packet.
  std::uint64_t order_packet = 0;
  std::uint64_t order_flow = 0;
  std::uint32_t order_sequence = 0;
  std::uint8_t order_stage = 0;
  std::uint8_t truncated = 0;
  std::uint8_t has_community_id = 0;
  std::uint16_t source_port = 0;  // 0: no port is shown
  std::uint16_t destination_port = 0;
  Time timestamp = kNever;         // @timestamp
  Time start = kNever;             // event.start; kNever: absent
  Time end = kNever;               // event.end; kNever: absent
  std::uint64_t source_bytes = 0;  // 0: absent
  std::uint64_t destination_bytes = 0;
  IpAddress source;  // the initiator of the transaction
  IpAddress destination;
  std::array<std::uint8_t, 20> community_id{};  // SHA-1, printed as base64 behind "1:"
};

// One value as it lies in an event; `size` octets follow, padded to 8.
struct FieldEntry {
  Field field;
  std::uint16_t is_null;  // 1: the field is shown as null where keep_null asks for it
  std::uint32_t size;
};
static_assert(sizeof(FieldEntry) == 8);

// Memory of open events and of other things that grow per transaction. One per worker, not thread-safe.
class EventArena {
 public:
  explicit EventArena(std::size_t ceiling = std::size_t{512} << 20) : ceiling_(ceiling) {}
  EventArena(const EventArena&) = delete;
  EventArena& operator=(const EventArena&) = delete;
  ~EventArena();

  struct Block {
    std::uint8_t* data = nullptr;
    std::size_t capacity = 0;
  };
  // At least `size` octets plus kPadding, or an empty block when the ceiling is reached: what is kept counts too, but
  // makes room.
  [[nodiscard]] Block allocate(std::size_t size) {
    const std::size_t index = std::bit_width((size + kPadding - 1) / kSmallest);
    if (index >= kClasses || free_[index] == nullptr) [[unlikely]]
      return make(index);
    const std::size_t wanted = kSmallest << index;
    if (in_use_ + wanted > ceiling_) [[unlikely]]
      return {};
    Free* const kept = std::exchange(free_[index], free_[index]->next);
    kept_ -= wanted;
    in_use_ += wanted;
    return {reinterpret_cast<std::uint8_t*>(kept), wanted - kPadding};
  }
  void release(Block block) {
    if (block.data == nullptr) return;
    const std::size_t whole = block.capacity + kPadding;
    in_use_ -= whole;
    // Small blocks are kept for the next event; big ones go back, so that one flood of bodies does not stay resident.
    if (whole > kMostKept || kept_ + whole > kMostKeptInAll) [[unlikely]] {
      std::free(block.data);
      return;
    }
    Free*& first = free_[static_cast<std::size_t>(std::countr_zero(whole / kSmallest))];
    first = new (block.data) Free{first};
    kept_ += whole;
  }
  [[nodiscard]] std::size_t in_use() const { return in_use_; }

 private:
  static constexpr std::size_t kSmallest = 512;
  static constexpr std::size_t kClasses = 17;  // 512 octets to 32 MiB
  static constexpr std::size_t kMostKept = std::size_t{64} << 10;
  static constexpr std::size_t kMostKeptInAll = std::size_t{64} << 20;
  // What a block begins with while it is kept.
  struct Free {
    Free* next;
  };

  [[nodiscard]] Block make(std::size_t index);
  void give_back(std::size_t wanted);

  std::size_t ceiling_;
  std::size_t in_use_ = 0;
  std::size_t kept_ = 0;  // octets on the free lists
  std::array<Free*, kClasses> free_{};
};

// Octets that grow: bodies and messages that are put together. Movable; frees itself.
class GrowBuffer {
 public:
  GrowBuffer() = default;
  GrowBuffer(GrowBuffer&& other) noexcept { swap(other); }
  GrowBuffer& operator=(GrowBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~GrowBuffer() { reset(); }

  // Appends as much as fits under `cap` (in all) and the arena's ceiling; false when something was left out.
  bool append(EventArena& arena, Bytes octets, std::size_t cap);
  [[nodiscard]] Bytes view() const { return {block_.data, size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }
  // Drops the first `count` octets.
  void drop_front(std::size_t count) {
    size_ -= count;
    if (size_ != 0) std::memmove(block_.data, block_.data + count, size_);
  }
  void reset() {
    if (arena_ != nullptr) arena_->release(block_);
    arena_ = nullptr;
    block_ = {};
    size_ = 0;
  }

 private:
  void swap(GrowBuffer& other) noexcept {
    std::swap(arena_, other.arena_);
    std::swap(block_, other.block_);
    std::swap(size_, other.size_);
  }
  EventArena* arena_ = nullptr;
  EventArena::Block block_;
  std::size_t size_ = 0;
};

// An event being written. One pointer, movable; an event that is neither committed nor moved away is dropped.
class Event {
 public:
  Event() = default;
  explicit Event(EventArena& arena);
  Event(Event&& other) noexcept : record_(std::exchange(other.record_, nullptr)) {}
  Event& operator=(Event&& other) noexcept {
    std::swap(record_, other.record_);
    return *this;
  }
  ~Event() {
    if (record_ != nullptr) drop();
  }

  // False for a moved-from or empty event, and for one that the arena had no room for; writing to it does nothing.
  [[nodiscard]] explicit operator bool() const { return record_ != nullptr; }
  // The header; a shared dummy for an event that is not there.
  [[nodiscard]] EventHeader& header();

  // Sets a field. For list fields every call adds one value. Setting a plain field twice keeps the last value.
  template <Field field>
  void set(typename FieldTraits<field>::Value value) {
    put_fast(field, value);
  }
  // Sets several fields, in this order; costs less than one after the other.
  template <Field... fields>
  __attribute__((always_inline)) void set_all(typename FieldTraits<fields>::Value... values);
  // Sets a text field to parts put one behind the other.
  template <Field field>
  __attribute__((always_inline)) void set_joined(std::same_as<std::string_view> auto... parts);
  template <Field field>
  void set_text(Bytes value) {
    set<field>(text(value));
  }
  // Adds to a text field that is the last one set, or sets it.
  template <Field field>
  void append_text(std::string_view more) {
    static_assert(FieldTraits<field>::type == FieldType::keyword);
    append(field, more);
  }
  template <Field field>
  void set_null() {
    put_null(field);
  }
  // One more line in error.message.
  void note(std::string_view what) { set<Field::error_message>(what); }
  // Takes fields out again, wherever they stand. True when there was one.
  bool remove(std::span<const Field> fields);
  void drop();

  // Everything from the header on, for the chunk.
  [[nodiscard]] Bytes encoded();

 private:
  friend class TreeWriter;
  struct Record;
  // `put`, and without a call where the block has room.
  template <typename Value>
  void put_fast(Field field, Value value);
  template <typename Value>
  void put_value(Field field, Value value);
  void put(Field field, const void* value, std::size_t size, bool may_cut);
  void put_null(Field field);
  void append(Field field, std::string_view more);
  bool grow(std::size_t more);
  [[nodiscard]] bool has_room(std::size_t more) const;

  Record* record_ = nullptr;
};

struct Event::Record {
  EventArena* arena;
  std::size_t capacity;  // of the whole block
  std::uint32_t last;    // offset of the last field entry
  EventHeader header;
  // fields follow
  [[nodiscard]] std::uint8_t* base() { return reinterpret_cast<std::uint8_t*>(&header); }
};

// Copies a value; most are short, and a call of memcpy costs more than they do.
inline void copy_octets(std::uint8_t* to, const void* from, std::size_t size) {
  const auto* octets = static_cast<const std::uint8_t*>(from);
  if (size > 32) {
    std::memcpy(to, octets, size);
  } else if (size >= 16) {
    std::memcpy(to, octets, 16);
    std::memcpy(to + size - 16, octets + size - 16, 16);
  } else if (size >= 8) {
    std::memcpy(to, octets, 8);
    std::memcpy(to + size - 8, octets + size - 8, 8);
  } else if (size >= 4) {
    std::memcpy(to, octets, 4);
    std::memcpy(to + size - 4, octets + size - 4, 4);
  } else if (size != 0) {
    to[0] = octets[0];
    to[size / 2] = octets[size / 2];
    to[size - 1] = octets[size - 1];
  }
}

inline bool Event::has_room(std::size_t more) const {
  return record_ != nullptr && offsetof(Record, header) + record_->header.size + more <= record_->capacity;
}

// How values lie in an event.
template <typename Value>
struct FieldValue {  // numbers, times, addresses
  static std::size_t size(const Value&) { return sizeof(Value); }
  static void write(std::uint8_t* to, const Value& value) { std::memcpy(to, &value, sizeof value); }
};
template <>
struct FieldValue<bool> {
  static std::size_t size(bool) { return sizeof(std::int64_t); }
  static void write(std::uint8_t* to, bool value) { FieldValue<std::int64_t>::write(to, value ? 1 : 0); }
};
template <>
struct FieldValue<std::string_view> {
  static std::size_t size(std::string_view value) { return value.size(); }
  static void write(std::uint8_t* to, std::string_view value) { copy_octets(to, value.data(), value.size()); }
};

// An entry with its value, padded.
constexpr std::size_t entry_size(std::size_t value_size) {
  return sizeof(FieldEntry) + ((value_size + 7) & ~std::size_t{7});
}

template <typename Value>
inline void Event::put_fast(Field field, Value value) {
  const std::size_t size = FieldValue<Value>::size(value);
  const std::size_t whole = entry_size(size);
  if (!has_room(whole)) [[unlikely]] {
    put_value(field, value);
    return;
  }
  Record& record = *record_;
  const std::uint32_t at = record.header.size;
  std::uint8_t* to = record.base() + at;
  const FieldEntry entry{field, 0, static_cast<std::uint32_t>(size)};
  std::memcpy(to, &entry, sizeof entry);
  FieldValue<Value>::write(to + sizeof entry, value);
  record.last = at;
  record.header.size = static_cast<std::uint32_t>(at + whole);
}

template <Field... fields>
inline void Event::set_all(typename FieldTraits<fields>::Value... values) {
  const std::size_t whole = (entry_size(FieldValue<decltype(values)>::size(values)) + ...);
  if (!has_room(whole) && !grow(whole)) [[unlikely]] {
    (put_value(fields, values), ...);
    return;
  }
  std::uint8_t* to = record_->base() + record_->header.size;
  std::uint8_t* last = to;
  const auto write = [&to, &last]<typename Value>(Field field, const Value& value) {
    const std::size_t size = FieldValue<Value>::size(value);
    const FieldEntry entry{field, 0, static_cast<std::uint32_t>(size)};
    std::memcpy(to, &entry, sizeof entry);
    FieldValue<Value>::write(to + sizeof entry, value);
    last = std::exchange(to, to + entry_size(size));
  };
  (write(fields, values), ...);
  record_->last = static_cast<std::uint32_t>(last - record_->base());
  record_->header.size = static_cast<std::uint32_t>(to - record_->base());
}

template <Field field>
inline void Event::set_joined(std::same_as<std::string_view> auto... parts) {
  static_assert(FieldTraits<field>::type == FieldType::keyword);
  const std::size_t size = (parts.size() + ...);
  const std::size_t whole = entry_size(size);
  if (!has_room(whole) && !grow(whole)) [[unlikely]] {
    put(field, nullptr, 0, false);
    (append(field, parts), ...);
    return;
  }
  const FieldEntry entry{field, 0, static_cast<std::uint32_t>(size)};
  record_->last = record_->header.size;
  record_->header.size += static_cast<std::uint32_t>(whole);
  std::uint8_t* to = record_->base() + record_->last;
  std::memcpy(to, &entry, sizeof entry);
  to += sizeof entry;
  ((copy_octets(to, parts.data(), parts.size()), to += parts.size()), ...);
}

template <typename Value>
void Event::put_value(Field field, Value value) {
  if constexpr (std::is_same_v<Value, std::string_view>) {
    put(field, value.data(), value.size(), true);
  } else {
    std::uint8_t octets[sizeof(IpAddress)];
    FieldValue<Value>::write(octets, value);
    put(field, octets, FieldValue<Value>::size(value), false);
  }
}

// The encoding of trees: a tag, then what the tag says. Containers: u32 count, then that many values (each behind its
// key, a u32 length and the text, in an object). Texts: u32 length and the octets.
enum class TreeTag : std::uint8_t {
  null,
  no,
  yes,
  integer,
  unsigned_integer,
  floating,
  string,
  array,
  object,
  ip,
  date
};
// Set in the length of a key that is plain: no character of it needs escaping, and no other member of its object has
// its name.
inline constexpr std::uint32_t kPlainKey = std::uint32_t{1} << 31;

// Writes a tree field: objects and arrays nested at will, keys known at run time.
//
//   TreeWriter tree(event, Field::dns_answers);
//   tree.array();  tree.object();  tree.member("ttl").string("60");  tree.end();  tree.end();
//
// The event must not be written otherwise until the writer is gone. Depth is at most kMaxDepth; deeper values are cut
// (shown as null). When the event runs out of room the whole field is left out.
class TreeWriter {
 public:
  static constexpr int kMaxDepth = 64;

  TreeWriter(Event& event, Field field) : event_(event) {
    failed_ = !event.has_room(entry_size(0)) && !event.grow(entry_size(0));
    if (failed_) return;
    const FieldEntry entry{field, 0, 0};
    auto& record = *event.record_;
    entry_ = record.last = record.header.size;
    std::memcpy(record.base() + entry_, &entry, sizeof entry);
    record.header.size += static_cast<std::uint32_t>(sizeof entry);
  }
  ~TreeWriter();
  TreeWriter(const TreeWriter&) = delete;
  TreeWriter& operator=(const TreeWriter&) = delete;

  void object() { open(TreeTag::object); }
  void array() { open(TreeTag::array); }
  void end();
  // The key of the next value; only directly inside an object. Several members of one name: the last one counts.
  TreeWriter& member(std::string_view key) {
    if (std::uint8_t* to = room(kLength + key.size())) put_text(to, key);
    return *this;
  }
  // The same for a key that is plain (kPlainKey), which takes the exporter less to write.
  TreeWriter& plain_member(std::string_view key) {
    if (std::uint8_t* to = room(kLength + key.size())) put_text(to, key, kPlainKey);
    return *this;
  }
  void string(std::string_view value) {
    if (std::uint8_t* to = value_room(TreeTag::string, kLength + value.size())) put_text(to, value);
  }
  void integer(std::int64_t value) { put(TreeTag::integer, value); }
  void unsigned_integer(std::uint64_t value) { put(TreeTag::unsigned_integer, value); }
  void floating(double value) { put(TreeTag::floating, value); }
  void boolean(bool value) { (void)value_room(value ? TreeTag::yes : TreeTag::no, 0); }
  void null() { (void)value_room(TreeTag::null, 0); }
  void ip(const IpAddress& address) { put(TreeTag::ip, address); }
  void date(Time value) { put(TreeTag::date, value); }
  // Room for one value of `size` octets that the caller encodes itself, tag included, all of it; null when there is
  // none.
  [[nodiscard]] std::uint8_t* encoded(std::size_t size) {
    std::uint8_t* to = room(size);
    if (to != nullptr && depth_ > 0) ++open_[static_cast<std::size_t>(depth_ - 1)].count;
    return to;
  }

 private:
  static constexpr std::size_t kLength = sizeof(std::uint32_t);

  // Room for `size` octets at the end of the event, which are counted as used; null when nothing can be written.
  [[nodiscard]] std::uint8_t* room(std::size_t size) {
    if (failed_ || skipped_ > 0) [[unlikely]]
      return nullptr;
    // 16 octets stay spare for the padding of the whole field.
    if (!event_.has_room(size + 16)) [[unlikely]] {
      if (!event_.grow(size + 16)) {
        failed_ = true;
        return nullptr;
      }
    }
    auto& header = event_.record_->header;
    std::uint8_t* to = event_.record_->base() + header.size;
    header.size += static_cast<std::uint32_t>(size);
    return to;
  }
  // The same behind a tag, counted in the container that is open.
  [[nodiscard]] std::uint8_t* value_room(TreeTag tag, std::size_t size) {
    std::uint8_t* to = room(size + 1);
    if (to == nullptr) return nullptr;
    if (depth_ > 0) ++open_[static_cast<std::size_t>(depth_ - 1)].count;
    *to = static_cast<std::uint8_t>(tag);
    return to + 1;
  }
  static void put_text(std::uint8_t* to, std::string_view characters, std::uint32_t mark = 0) {
    const std::uint32_t size = static_cast<std::uint32_t>(characters.size()) | mark;
    std::memcpy(to, &size, sizeof size);
    copy_octets(to + sizeof size, characters.data(), characters.size());
  }
  template <typename Value>
  void put(TreeTag tag, const Value& value) {
    if (std::uint8_t* to = value_room(tag, sizeof value)) std::memcpy(to, &value, sizeof value);
  }
  void open(TreeTag tag);

  struct Open {
    std::uint32_t place;  // of the count
    std::uint32_t count;
  };
  Event& event_;
  std::uint32_t entry_ = 0;           // offset of the field entry
  std::array<Open, kMaxDepth> open_;  // as many as depth_ says are in use
  int depth_ = 0;
  int skipped_ = 0;  // containers opened beyond kMaxDepth
  bool failed_ = false;
};

}  // namespace spanbeat
