// Objects in trees whose keys are known beforehand.
//
// What:   a `TreeRecord` is the members of such an object, some with a constant text; an event carries its number and
//         the other values, whose types it says. The exporter copies what stands between them in one piece.
// Limits: as Word: made at start, at namespace scope. Keys are in the order in which they are to be shown, each once.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/bytes/padded_text.h"
#include "dataplane/event/event.h"

namespace spanbeat {

// A number that is shown as a text.
struct Decimal {
  std::uint32_t value;
};

class TreeTemplate {
 public:
  struct Member {
    std::string_view key;
    std::string_view constant = {};  // empty: the event has the value
  };
  // How a value lies in an event: an IpAddress; u32 length, perhaps with kCleanText, and the octets; u32.
  enum class Kind : std::uint8_t { constant, ip, text, decimal };
  // Set in the length of a text that is clean (CheckedText).
  static constexpr std::uint32_t kCleanText = std::uint32_t{1} << 31;
  static constexpr std::uint16_t kMost = 256;

  struct Content {
    struct Text {
      PaddedText key;
      PaddedText constant;
      Kind kind;
    };
    std::vector<Text> members;
    std::vector<Kind> values;         // of those that the event has
    std::vector<PaddedText> between;  // JSON before each value, which is a text, and behind the last one
    std::size_t octets_between = 0;   // of all of them, padding included
  };
  [[nodiscard]] std::uint16_t number() const { return number_; }
  // Null for a number that no template has.
  [[nodiscard]] static const Content* find(std::uint16_t number);

 protected:
  TreeTemplate(std::span<const Member> members, std::span<const Kind> values);

 private:
  std::uint16_t number_;
};

// How a value of a record lies in an event.
template <typename Value>
struct RecordValue;
template <>
struct RecordValue<IpAddress> : FieldValue<IpAddress> {
  static constexpr auto kKind = TreeTemplate::Kind::ip;
};
template <>
struct RecordValue<CheckedText> {
  static constexpr auto kKind = TreeTemplate::Kind::text;
  static std::size_t size(const CheckedText& value) { return sizeof(std::uint32_t) + value.text.size(); }
  static void write(std::uint8_t* to, const CheckedText& value) {
    const std::uint32_t length =
        static_cast<std::uint32_t>(value.text.size()) | (value.clean ? TreeTemplate::kCleanText : 0);
    std::memcpy(to, &length, sizeof length);
    copy_octets(to + sizeof length, value.text.data(), value.text.size());
  }
};
template <>
struct RecordValue<Decimal> : FieldValue<Decimal> {
  static constexpr auto kKind = TreeTemplate::Kind::decimal;
};

// `Values`: what the members without a constant have, in their order.
template <typename... Values>
class TreeRecord : public TreeTemplate {
 public:
  TreeRecord(std::initializer_list<Member> members) : TreeTemplate(members, kKinds) {}

 private:
  static constexpr Kind kKinds[] = {RecordValue<Values>::kKind...};
};

}  // namespace spanbeat
