// Trees in events: fields of a shape that is known only at run time.
//
// What:   `TreeWriter` writes objects and arrays nested at will, straight into the event's memory.
// Why:    a tree of nodes would cost an allocation each; the exporter reads the encoding once, from front to back.
// Limits: one tree at a time for an event. See TreeWriter.
#pragma once

#include <array>
#include <type_traits>

#include "dataplane/event/event.h"
#include "dataplane/event/tree_template.h"

namespace spanbeat {

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
  date,
  record  // u16 number of a TreeTemplate, then the values that it does not have, as it says, without tags
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
    failed_ = !event.has_room(0, 1) && !event.grow(0, 1);
    if (failed_) return;
    entry_ = event.record_->header.entries;
    event.record_->add(entry_head(field), 0);
  }
  ~TreeWriter();
  TreeWriter(const TreeWriter&) = delete;
  TreeWriter& operator=(const TreeWriter&) = delete;

  void object() { open(TreeTag::object); }
  void array() { open(TreeTag::array); }
  // An object of a template, with these values, in one piece.
  template <typename... Values>
  void record(const TreeRecord<Values...>& kind, const std::type_identity_t<Values>&... values) {
    if (depth_ == kMaxDepth) return null();
    const std::uint16_t number = kind.number();
    std::uint8_t* to = value_room(TreeTag::record, sizeof number + (RecordValue<Values>::size(values) + ...));
    if (to == nullptr) return;
    std::memcpy(to, &number, sizeof number);
    to += sizeof number;
    ((RecordValue<Values>::write(to, values), to += RecordValue<Values>::size(values)), ...);
  }
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

 private:
  static constexpr std::size_t kLength = sizeof(std::uint32_t);

  // Room for `size` octets at the end of the event, which are counted as used; null when nothing can be written.
  [[nodiscard]] std::uint8_t* room(std::size_t size) {
    if (failed_ || skipped_ > 0) [[unlikely]]
      return nullptr;
    if (!event_.has_room(size, 0)) [[unlikely]] {
      if (!event_.grow(size, 0)) {
        failed_ = true;
        return nullptr;
      }
    }
    auto& record = *event_.record_;
    std::uint8_t* to = record.base() + record.used;
    record.used += static_cast<std::uint32_t>(size);
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
  [[nodiscard]] bool too_deep();

  struct Open {
    std::uint32_t place;  // of the count
    std::uint32_t count;
  };
  Event& event_;
  std::uint32_t entry_ = UINT32_MAX;  // its number among those of the event
  std::array<Open, kMaxDepth> open_;  // as many as depth_ says are in use
  int depth_ = 0;
  int skipped_ = 0;  // containers opened beyond kMaxDepth
  bool failed_ = false;
};

}  // namespace spanbeat
