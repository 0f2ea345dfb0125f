// From an event to a document: the walk over its fields, and the common fields that are derived on the way.
//
// What:   `DocumentWalk` indexes an event's entries, adds the derived fields that are not set explicitly, and gives
// every
//         field to an output in the order of the field ids, which is the order of the dotted names.
// Why:    one walk for both outputs (JSON text, and the Value that processors work on), so that they cannot differ.
// Limits: one thread; keeps its tables between documents. The rules are spec/events.md sections 1, 2, 3 and 10.
#pragma once

#include "export/direction.h"
#include "export/json/program.h"

namespace spanbeat {

class JsonOutput;

[[nodiscard]] std::string_view name_of(Status status);        // empty for none
[[nodiscard]] std::string_view name_of(Transport transport);  // empty for none

class DocumentWalk {
 public:
  DocumentWalk();

  // Both tell the same document. `event` is the encoded event that `header` is the header of; header.timestamp is set;
  // `direction` counts for transactions only.
  void append_json(const StreamPlan& plan, const EventHeader& header, const std::uint8_t* event,
                   NetworkDirection direction, JsonStyle& style, Transitions& transitions, TextBuffer& buffer);
  // Where in the last document of append_json the Community ID stands; 0: it has none.
  [[nodiscard]] std::uint32_t community_id_at() const { return community_id_at_; }
  [[nodiscard]] Value make_value(const StreamPlan& plan, const EventHeader& header, const std::uint8_t* event,
                                 NetworkDirection direction);

 private:
  // Texts that stand in several places of a document, 48 octets readable.
  struct ShortText {
    char characters[kScalarRoom];
    std::size_t size = 0;
    void set(const IpAddress& address) { size = static_cast<std::size_t>(write_ip(address, characters) - characters); }
    [[nodiscard]] std::string_view view() const { return {characters, size}; }
  };

  // Octets, address and port of an end as they stand in client and source, or in server and destination.
  struct EndText {
    char characters[kEndRoom];
    std::size_t size = 0;
    void set(std::uint64_t octets, const ShortText& ip, std::uint16_t port);
  };

  static FieldEntry entry_at(const std::uint8_t* at) {
    FieldEntry entry;
    std::memcpy(&entry, at, sizeof entry);
    return entry;
  }
  static std::string_view text_at(const std::uint8_t* at) {
    return {reinterpret_cast<const char*>(at + sizeof(FieldEntry)), entry_at(at).size};
  }
  template <typename Word>
  static Word word_at(const std::uint8_t* at) {
    Word word;
    std::memcpy(&word, at + sizeof(FieldEntry), sizeof word);
    return word;
  }

  // Where each entry of the event is, and the event's shape. False when there are more than kMostEntries.
  static constexpr std::size_t kMostEntries = 256;
  [[nodiscard]] bool scan(const EventHeader& header, const std::uint8_t* event);
  // Which fields the event sets, and where.
  void index(const EventHeader& header, const std::uint8_t* event);
  // The texts of what stands in several places.
  void prepare(const EventHeader& header);
  // A document by a program, of the entries that scan() found.
  void append_by_program(const Program& program, const StreamPlan& plan, const EventHeader& header,
                         NetworkDirection direction, JsonOutput& output);
  // Which of Groups are there, a bit for each; their fields and the constant ones.
  [[nodiscard]] static std::uint64_t conditions(const StreamPlan& plan, const EventHeader& header);
  // The same, and what follows from the event's own fields.
  [[nodiscard]] static std::uint64_t conditions(const StreamPlan& plan, const EventHeader& header, const FieldSet& set);
  [[nodiscard]] FieldSet derived(const StreamPlan& plan, std::uint64_t conditions) const;
  // The end that is shown whole from this field on: its octets, address and port, and nothing else between them.
  struct WholeEnd;
  [[nodiscard]] const WholeEnd* whole_end(std::size_t field, const FieldSet& set, const FieldSet& derived) const;
  // The text between the values of a document with these fields.
  [[nodiscard]] Program make_program(const StreamPlan& plan, const FieldSet& derived, Transitions& transitions) const;

  // Fields that are there or not together, by the bits of conditions().
  static constexpr std::size_t kGroups = 16;
  using Groups = std::array<FieldSet, kGroups>;
  static Groups groups(bool flow);

  template <typename Output>
  SPANBEAT_INLINE void write(const StreamPlan& plan, const EventHeader& header, const FieldSet& derived,
                             NetworkDirection direction, Output& output);
  // Entries that derived fields are made of; null where there is none.
  struct Sources {
    const std::uint8_t* related_first = nullptr;
    const std::uint8_t* related_last = nullptr;
    const std::uint8_t* source_domain = nullptr;
    const std::uint8_t* destination_domain = nullptr;
  };
  [[nodiscard]] Sources sources() const;
  // The fields that are written as the event sets them.
  [[nodiscard]] FieldSet set_alone(const FieldSet& derived) const;
  template <typename Output>
  SPANBEAT_INLINE void write_set(std::uint8_t kind, std::size_t field, const std::uint8_t* first,
                                 const std::uint8_t* last, Output& output);
  template <typename Output>
  SPANBEAT_INLINE void write_derived(std::size_t field, const StreamPlan& plan, const EventHeader& header,
                                     NetworkDirection direction, const Sources& sources, Output& output);
  template <typename Output>
  SPANBEAT_INLINE void write_several(std::size_t field, const std::uint8_t* first, const std::uint8_t* last,
                                     Output& output);
  template <typename Output>
  SPANBEAT_INLINE void write_related_ip(const EventHeader& header, const Sources& sources, Output& output);

  // A field's type, or kSeveral where it may have several values: kFieldInfo in fewer cache lines.
  static constexpr std::uint8_t kSeveral = 0x80;
  std::array<std::uint8_t, kFields> kinds_;
  const Groups flow_groups_ = groups(true);
  const Groups transaction_groups_ = groups(false);
  // Entries of one field that follow one another are one here: the values of a list.
  std::array<std::uint32_t, kMostEntries> shape_;  // the first word of each entry
  std::array<const std::uint8_t*, kMostEntries> entries_;
  std::array<const std::uint8_t*, kMostEntries> last_entries_;
  std::size_t count_ = 0;
  std::uint64_t shape_hash_ = 0;
  FieldSet set_;
  FieldSet nulls_;
  // The first and the last entry of each field that is set.
  std::array<const std::uint8_t*, kFields> first_;
  std::array<const std::uint8_t*, kFields> last_;
  ShortText source_ip_;
  ShortText destination_ip_;
  std::array<EndText, 2> ends_;  // by Program::End
  ProgramCache programs_;
  std::vector<IpAddress> related_;  // what related.ip holds so far
  void keep_community_id(std::size_t at, std::size_t begin) {
    community_id_at_ = at > begin ? static_cast<std::uint32_t>(at - begin) : 0;
  }
  std::uint32_t community_id_at_ = 0;
};

}  // namespace spanbeat
