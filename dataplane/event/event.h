// Events: what decoders write and the exporter turns into documents.
//
// What:   an event is a fixed header, the values of its fields, and two tables of what each value is and where it
//         begins, in one block of memory. A transaction under way *is* an event being written: it lies in a block of
//         the worker's EventArena, grows by size classes, and is copied once into the ring when it is committed.
// Why:    no intermediate message objects, maps or strings; and the header holds what the exporter derives a third of
//         the document from (addresses, times, bytes), so it is written once and small. The table of what there is
//         lies in one piece, so that the exporter knows an event's shape at a glance and finds a value at once.
// Limits: one event is at most kMaxEvent octets and 4096 entries (values of a list that follow one another are one),
// all open ones together at most the arena's ceiling. What does not fit is
//         left out (a text is cut, at a UTF-8 boundary) and the event is marked truncated, and counted.
//         Numbers are in host order: events never leave the process.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "dataplane/bytes/address.h"
#include "dataplane/event/arena.h"
#include "dataplane/event/word.h"
#include "dataplane/fields.gen.h"

namespace spanbeat {

// Which decoder made an event: its position in decoders/registry.def plus one; 0 is a flow document.
using ProtocolId = std::uint16_t;
inline constexpr ProtocolId kFlowProtocol = 0;

enum class Status : std::uint8_t { none, ok, error, server_error, client_error, no_reply };
enum class Transport : std::uint8_t { none, tcp, udp, icmp, ipv6_icmp, sctp };

// `owed`: EventOutput makes it from the ends and the transport, as several at once take hardly longer than one.
enum class CommunityIdIs : std::uint8_t { absent, made, owed };

inline constexpr std::size_t kMaxEvent = std::size_t{24} << 20;

struct EventHeader {
  std::uint32_t size = 0;  // octets of the whole event, once it is encoded
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
  CommunityIdIs community_id_is = CommunityIdIs::absent;
  std::uint16_t source_port = 0;  // 0: no port is shown
  std::uint16_t destination_port = 0;
  std::uint32_t entries = 0;       // values; the tables are at the end (EventView)
  Time timestamp = kNever;         // @timestamp
  Time start = kNever;             // event.start; kNever: absent
  Time end = kNever;               // event.end; kNever: absent
  std::uint64_t source_bytes = 0;  // 0: absent
  std::uint64_t destination_bytes = 0;
  IpAddress source;  // the initiator of the transaction
  IpAddress destination;
  std::array<std::uint8_t, 20> community_id{};  // SHA-1, printed as base64 behind "1:"
};

// What an entry of an event is: its field, and a tag that says whether a value lies there or stands for one itself.
using EntryHead = std::uint32_t;
enum EntryTag : std::uint16_t {
  kHasValue,
  kIsClean,  // a CheckedText that is clean
  kIsNull,
  kIsFalse,
  kIsTrue,
  kSameTags,                  // the text, or list, of the entry before it; of the one before that, and so on
  kWordTags = kSameTags + 64  // a Word, and so on
};
constexpr EntryHead entry_head(Field field, std::uint16_t tag = kHasValue) {
  return static_cast<EntryHead>(tag) << 16 | static_cast<EntryHead>(field);
}
constexpr Field field_of(EntryHead head) { return static_cast<Field>(head & 0xffff); }
constexpr std::uint16_t tag_of(EntryHead head) { return static_cast<std::uint16_t>(head >> 16); }
// How many entries before it the one is whose text an entry has; 0: it has its own.
constexpr std::size_t same_as(EntryHead head) {
  const std::uint16_t tag = tag_of(head);
  return tag >= kSameTags && tag < kWordTags ? std::size_t{tag} - kSameTags + 1 : 0;
}
inline Word word_of(EntryHead head) {
  const std::uint16_t tag = tag_of(head);
  return tag < kWordTags ? Word() : Word::of_number(static_cast<std::uint16_t>(tag - kWordTags));
}

// Does a text or another value lie there?
constexpr bool has_value(EntryHead head) { return tag_of(head) <= kIsClean; }

// A text, and whether it is known to be printable ASCII that JSON shows as it is, HTML escaped or not. Nobody looks at
// the characters of such a one again.
struct CheckedText {
  std::string_view text;
  bool clean = false;
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

  // Sets a field. For list fields every call adds one value; they lie in one entry until something else is set. Setting
  // a plain field twice keeps the last value.
  template <Field field>
  void set(typename FieldTraits<field>::Value value) {
    if constexpr (FieldTraits<field>::list != FieldList::no) {
      set_each<field>(1, [&value](std::size_t) { return value; });
    } else {
      put_fast(field, value);
    }
  }
  // The same for a plain text field, to a text that is known beforehand.
  template <Field field>
  void set(TextOrWord value) {
    static_assert(FieldTraits<field>::type == FieldType::keyword && FieldTraits<field>::list == FieldList::no);
    put_fast(field, value);
  }
  template <Field field>
  void set(std::same_as<CheckedText> auto value) {
    static_assert(FieldTraits<field>::type == FieldType::keyword && FieldTraits<field>::list == FieldList::no);
    put_fast(field, value);
  }
  // Of a list field: a word that is a list (Word::list), beside whatever else the list has.
  template <Field field>
  void set(Word word) {
    static_assert(FieldTraits<field>::type == FieldType::keyword);
    put_fast(field, word);
  }
  // Sets several plain fields, in this order; costs less than one after the other.
  template <Field... fields, typename... Values>
  __attribute__((always_inline)) void set_all(const Values&... values);
  // Gives a list field `count` values, of which `value(i)` is one; costs less than one after the other.
  template <Field field, typename Make>
  void set_each(std::size_t count, Make value);
  // Sets many fields of which not all are there each time.
  class Batch;
  // Sets a plain text field to `size` characters, all of which the caller writes at the place given, and up to
  // kCopySlack more: one that puts small pieces together saves a copy that would have to wait for them. Null when there
  // is no room.
  template <Field field>
  [[nodiscard]] char* place_text(std::size_t size);
  template <Field field>
  void set_text(Bytes value) {
    set<field>(text(value));
  }
  // The last entry that was set: its number.
  [[nodiscard]] std::uint32_t last_entry() const;
  // Sets a plain text field to the text of an entry of such a field. The text is not carried again, nor escaped again.
  template <Field field>
  void set_same(std::uint32_t entry);
  // Sets a list field to the values that the list field `of` was given just before: nothing else was set since. They
  // are not carried again.
  template <Field field, Field of>
  void set_same_list();
  // Adds to a text field that is the last one set, or sets it.
  template <Field field>
  void append_text(std::string_view more) {
    static_assert(FieldTraits<field>::type == FieldType::keyword && FieldTraits<field>::list == FieldList::no);
    append(field, more);
  }
  template <Field field>
  void set_null() {
    put(entry_head(field, kIsNull), nullptr, 0, false);
  }
  // One more line in error.message.
  void note(std::string_view what) { set<Field::error_message>(what); }
  // Takes fields out again, wherever they stand. True when there was one.
  bool remove(std::span<const Field> fields);
  void drop();

  // The event as an EventView reads it, for the chunk: its size, and its octets from the header on, of which encode()
  // gives how many they are. Up to kPadding more are written behind them. `to` is aligned as the header is.
  [[nodiscard]] std::size_t encoded_size() const;
  std::size_t encode(std::uint8_t* to);

 private:
  friend class TreeWriter;
  struct Record;
  // `put`, and without a call where the block has room.
  template <typename Value>
  void put_fast(Field field, Value value);
  template <typename Value>
  void put_value(Field field, Value value);
  // What set_all() was given, as it lies in an event.
  template <Field field, typename Given>
  static auto as_value(const Given& given) {
    if constexpr (std::is_same_v<Given, Word> || std::is_same_v<Given, TextOrWord> ||
                  std::is_same_v<Given, CheckedText>) {
      static_assert(FieldTraits<field>::type == FieldType::keyword);
      return given;
    } else {
      const typename FieldTraits<field>::Value value = given;
      return value;
    }
  }
  void put(EntryHead head, const void* value, std::size_t size, bool may_cut);
  void put_same(Field field, std::uint32_t entry);
  void append(Field field, std::string_view more);
  // Room for `octets` of values, and kCopySlack behind them, and for `entries`; grow() makes it, or marks the event and
  // gives false.
  bool grow(std::size_t octets, std::size_t entries);
  [[nodiscard]] bool has_room(std::size_t octets, std::size_t entries) const;
  static std::uint32_t tables_place(std::size_t capacity, std::size_t entries);

  Record* record_ = nullptr;
};

// Values follow the header; at the block's end are the tables: the heads of all entries, and where each value begins,
// then where the last one ends, from the header on.
struct Event::Record {
  static constexpr std::size_t kFewEntries = 48;
  static constexpr std::size_t kMostEntries = 4096;

  EventArena* arena;
  std::size_t capacity;  // of the whole block
  std::uint32_t used;    // octets of header and values
  std::uint32_t tables;  // where they begin, from the header on
  std::uint32_t most;    // entries that they have room for
  EventHeader header;
  // values follow
  [[nodiscard]] std::uint8_t* base() { return reinterpret_cast<std::uint8_t*>(&header); }
  [[nodiscard]] EntryHead* heads() { return reinterpret_cast<EntryHead*>(base() + tables); }
  [[nodiscard]] std::uint32_t* begins() { return heads() + most; }
  // Where the tables of an encoded event begin.
  [[nodiscard]] std::size_t values_end() const { return (used + 3) & ~std::uint32_t{3}; }
  static constexpr std::size_t tables_size(std::size_t entries) { return (2 * entries + 1) * sizeof(std::uint32_t); }
  // Behind the values: one more entry of `size` octets, which are written.
  void add(EntryHead head, std::size_t size) {
    heads()[header.entries] = head;
    used += static_cast<std::uint32_t>(size);
    begins()[++header.entries] = used;
  }
};

inline std::uint32_t Event::last_entry() const {
  return record_ != nullptr && record_->header.entries != 0 ? record_->header.entries - 1 : 0;
}

inline bool Event::has_room(std::size_t octets, std::size_t entries) const {
  return record_ != nullptr && record_->used + octets + kCopySlack <= record_->tables &&
         record_->header.entries + entries <= record_->most;
}

// How values lie in an event.
template <typename Value>
struct FieldValue {  // numbers, times, addresses
  static std::uint16_t tag(const Value&) { return kHasValue; }
  static std::size_t size(const Value&) { return sizeof(Value); }
  static void write(std::uint8_t* to, const Value& value) { std::memcpy(to, &value, sizeof value); }
};
template <>
struct FieldValue<bool> {
  static std::uint16_t tag(bool value) { return value ? kIsTrue : kIsFalse; }
  static std::size_t size(bool) { return 0; }
  static void write(std::uint8_t*, bool) {}
};
template <>
struct FieldValue<std::string_view> {
  static std::uint16_t tag(std::string_view) { return kHasValue; }
  static std::size_t size(std::string_view value) { return value.size(); }
  static void write(std::uint8_t* to, std::string_view value) { copy_octets(to, value.data(), value.size()); }
};
template <>
struct FieldValue<Word> {
  static std::uint16_t tag(Word word) { return static_cast<std::uint16_t>(kWordTags + word.number()); }
  static std::size_t size(Word) { return 0; }
  static void write(std::uint8_t*, Word) {}
};
template <>
struct FieldValue<TextOrWord> {
  static std::uint16_t tag(TextOrWord value) {
    return value.word ? FieldValue<Word>::tag(value.word) : std::uint16_t{kHasValue};
  }
  static std::size_t size(TextOrWord value) { return value.word ? 0 : value.text.size(); }
  static void write(std::uint8_t* to, TextOrWord value) {
    if (!value.word) copy_octets(to, value.text.data(), value.text.size());
  }
};

template <>
struct FieldValue<CheckedText> {
  static std::uint16_t tag(CheckedText value) { return value.clean ? kIsClean : kHasValue; }
  static std::size_t size(CheckedText value) { return value.text.size(); }
  static void write(std::uint8_t* to, CheckedText value) { copy_octets(to, value.text.data(), value.text.size()); }
};

template <typename Value>
inline void Event::put_fast(Field field, Value value) {
  const std::size_t size = FieldValue<Value>::size(value);
  if (!has_room(size, 1)) [[unlikely]] {
    put_value(field, value);
    return;
  }
  Record& record = *record_;
  FieldValue<Value>::write(record.base() + record.used, value);
  record.add(entry_head(field, FieldValue<Value>::tag(value)), size);
}

// Sets several plain fields: the room for all of them is asked for once, and where the next one goes stays in
// registers. Nothing else may write the event before the batch is gone. Without room nothing is set, and the event says
// so.
class Event::Batch {
 public:
  // Room for `octets` of values, of so many entries at most.
  __attribute__((always_inline)) Batch(Event& event, std::size_t octets, std::size_t entries) {
    if (!event.has_room(octets, entries) && !event.grow(octets, entries)) [[unlikely]]
      return;
    record_ = event.record_;
    base_ = record_->base();
    to_ = base_ + record_->used;
    head_ = record_->heads() + record_->header.entries;
    end_ = record_->begins() + record_->header.entries;
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  __attribute__((always_inline)) ~Batch() {
    if (record_ == nullptr) return;
    record_->used = static_cast<std::uint32_t>(to_ - base_);
    record_->header.entries = static_cast<std::uint32_t>(head_ - record_->heads());
  }
  explicit operator bool() const { return record_ != nullptr; }

  // As Event::set. Only of a batch that has room.
  template <Field field>
  __attribute__((always_inline)) void set(const auto& given) {
    static_assert(FieldTraits<field>::list == FieldList::no ||
                  std::is_same_v<std::remove_cvref_t<decltype(given)>, Word>);
    const auto value = as_value<field>(given);
    using As = FieldValue<std::remove_cvref_t<decltype(value)>>;
    As::write(to_, value);
    to_ += As::size(value);
    *head_++ = entry_head(field, As::tag(value));
    *++end_ = static_cast<std::uint32_t>(to_ - base_);
  }
  // To a clean text and another one behind it.
  template <Field field>
  __attribute__((always_inline)) void set_joined(std::string_view clean, CheckedText rest) {
    copy_octets(to_, clean.data(), clean.size());
    to_ += clean.size();
    set<field>(rest);
  }

 private:
  Record* record_ = nullptr;
  std::uint8_t* base_ = nullptr;
  std::uint8_t* to_ = nullptr;
  EntryHead* head_ = nullptr;
  std::uint32_t* end_ = nullptr;
};

template <Field... fields, typename... Values>
inline void Event::set_all(const Values&... given) {
  static_assert(((FieldTraits<fields>::list == FieldList::no) && ...));
  const auto set_them = [this](const auto&... values) __attribute__((always_inline)) {
    const std::size_t size = (FieldValue<std::remove_cvref_t<decltype(values)>>::size(values) + ...);
    if (Batch batch(*this, size, sizeof...(values)); batch) [[likely]] {
      (batch.set<fields>(values), ...);
    } else {
      (put_value(fields, values), ...);
    }
  };
  set_them(as_value<fields>(given)...);
}

template <Field field>
inline char* Event::place_text(std::size_t size) {
  static_assert(FieldTraits<field>::type == FieldType::keyword && FieldTraits<field>::list == FieldList::no);
  if (!has_room(size, 1) && !grow(size, 1)) [[unlikely]]
    return nullptr;
  std::uint8_t* const to = record_->base() + record_->used;
  record_->add(entry_head(field), size);
  return reinterpret_cast<char*>(to);
}

template <Field field>
inline void Event::set_same(std::uint32_t entry) {
  static_assert(FieldTraits<field>::type == FieldType::keyword && FieldTraits<field>::list == FieldList::no);
  const std::uint32_t back = record_ != nullptr ? record_->header.entries - entry : 0;
  if (back == 0 || back > kWordTags - kSameTags || !has_room(0, 1) || !has_value(record_->heads()[entry]))
      [[unlikely]] {
    put_same(field, entry);
    return;
  }
  record_->add(entry_head(field, static_cast<std::uint16_t>(kSameTags + back - 1)), 0);
}

template <Field field, Field of>
inline void Event::set_same_list() {
  static_assert(FieldTraits<field>::list != FieldList::no && FieldTraits<of>::list != FieldList::no);
  static_assert(FieldTraits<field>::type == FieldTraits<of>::type);
  if (record_ == nullptr || record_->header.entries == 0 || record_->heads()[last_entry()] != entry_head(of)) return;
  if (has_room(0, 1) || grow(0, 1)) record_->add(entry_head(field, kSameTags), 0);
}

template <typename Value>
void Event::put_value(Field field, Value value) {
  if constexpr (std::is_same_v<Value, std::string_view>) {
    put(entry_head(field), value.data(), value.size(), true);
  } else if constexpr (std::is_same_v<Value, CheckedText>) {
    put(entry_head(field, FieldValue<Value>::tag(value)), value.text.data(), value.text.size(), true);
  } else if constexpr (std::is_same_v<Value, TextOrWord>) {
    const std::string_view text = value.word ? std::string_view() : value.text;
    put(entry_head(field, FieldValue<Value>::tag(value)), text.data(), text.size(), true);
  } else {
    std::uint8_t octets[sizeof(IpAddress)] = {};
    FieldValue<Value>::write(octets, value);
    put(entry_head(field, FieldValue<Value>::tag(value)), octets, FieldValue<Value>::size(value), false);
  }
}

// A value of a list: a text says how long it is.
template <typename Value>
struct ListedValue {
  static constexpr bool kIsText = std::is_same_v<Value, std::string_view>;
  static std::size_t size(const Value& value) {
    return FieldValue<Value>::size(value) + (kIsText ? sizeof(std::uint32_t) : 0);
  }
  static std::uint8_t* write(std::uint8_t* to, const Value& value) {
    const auto size = static_cast<std::uint32_t>(FieldValue<Value>::size(value));
    if constexpr (kIsText) {
      std::memcpy(to, &size, sizeof size);
      to += sizeof size;
    }
    FieldValue<Value>::write(to, value);
    return to + size;
  }
};

template <Field field, typename Make>
inline void Event::set_each(std::size_t count, Make value) {
  static_assert(FieldTraits<field>::list != FieldList::no && FieldTraits<field>::type != FieldType::boolean);
  using Values = ListedValue<typename FieldTraits<field>::Value>;
  if (count == 0) return;
  std::size_t size = 0;
  for (std::size_t i = 0; i < count; ++i) size += Values::size(value(i));
  if (!has_room(size, 1) && !grow(size, 1)) [[unlikely]]
    return;
  Record& record = *record_;
  std::uint8_t* to = record.base() + record.used;
  for (std::size_t i = 0; i < count; ++i) to = Values::write(to, value(i));
  std::uint32_t& entries = record.header.entries;
  if (entries != 0 && record.heads()[entries - 1] == entry_head(field)) --entries;  // it is that entry, and longer
  record.add(entry_head(field), size);
}

}  // namespace spanbeat
