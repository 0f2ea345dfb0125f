// From an event to a document: the walk over its fields, and the common fields that are derived on the way.
//
// What:   `DocumentWalk` looks up an event's entries, adds the derived fields that are not set explicitly, and gives
// every
//         field to an output in the order of the field ids, which is the order of the dotted names.
// Why:    one walk for both outputs (JSON text, and the Value that processors work on), so that they cannot differ.
// Limits: one thread; keeps its tables between documents. The rules are spec/events.md sections 1, 2, 3 and 10.
#pragma once

#include "dataplane/event/event_view.h"
#include "export/direction.h"
#include "export/json/json_output.h"
#include "export/json/program.h"

namespace spanbeat {

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
  // What a document is made of.
  struct Given {
    const StreamPlan& plan;
    const EventHeader& header;
    const EventView& event;
    NetworkDirection direction;
  };

  // Texts that stand in several places of a document, 48 octets readable.
  struct ShortText {
    char characters[kScalarRoom];
    std::size_t size = 0;
    void set(const IpAddress& address) { size = static_cast<std::size_t>(write_ip(address, characters) - characters); }
    [[nodiscard]] std::string_view view() const { return {characters, size}; }
  };

  // Which fields the event sets, and where.
  void index(const EventView& event);
  // The texts of what stands in several places.
  void prepare(const EventHeader& header);
  void append_by_program(const Program& program, const Given& given, ProgramOutput& output);
  // What decides which derived fields a document has, and the words of those that have few. All of it is in the key of
  // a program, and conditions() sees nothing else of a header.
  struct HeaderFacts {
    IpVersion source_version;
    IpVersion destination_version;
    Transport transport;
    Status status;
    CommunityIdIs community_id_is;
    NetworkDirection direction;
    bool is_ipv4 : 1;
    bool has_source_port : 1;
    bool has_destination_port : 1;
    bool has_source_bytes : 1;
    bool has_destination_bytes : 1;
    bool has_start : 1;
    bool has_end : 1;
    bool ends_after_start : 1;
    std::uint8_t unused;
  };
  [[nodiscard]] static HeaderFacts facts_of(const EventHeader& header, NetworkDirection direction);
  // Which of Groups are there, a bit for each; their fields and the constant ones. `set`: the event's own fields.
  [[nodiscard]] static std::uint64_t conditions(const StreamPlan& plan, const HeaderFacts& facts, const FieldSet& set);
  [[nodiscard]] FieldSet derived(const StreamPlan& plan, std::uint64_t conditions) const;
  // The end that is shown whole from this field on: its octets, address and port, and nothing else between them.
  struct WholeEnd;
  [[nodiscard]] const WholeEnd* whole_end(std::size_t field, const FieldSet& set, const FieldSet& derived) const;
  // The text between the values of a document with these fields.
  [[nodiscard]] Program make_program(const Given& given, const FieldSet& derived, Transitions& transitions) const;

  // Fields that are there or not together, by the bits of conditions().
  static constexpr std::size_t kGroups = 16;
  using Groups = std::array<FieldSet, kGroups>;
  static Groups groups(bool flow);

  template <typename Output>
  SPANBEAT_INLINE void write(const Given& given, const FieldSet& derived, Output& output);
  // Where derived fields are made of what the event sets.
  [[nodiscard]] Program::Places places() const;
  // The fields that are written as the event sets them.
  [[nodiscard]] FieldSet set_alone(const FieldSet& derived) const;
  // A value of the event from the entry `last`; of a field that may have several, all from `first` on.
  template <typename Output>
  SPANBEAT_INLINE void write_value(ValueKind kind, std::size_t field, std::size_t first, std::size_t last,
                                   const Given& given, const Program::Places& places, Output& output);
  template <typename Output>
  void write_several(std::size_t field, const EventView& event, std::size_t first, std::size_t last, Output& output);
  template <typename Output>
  void write_related_ip(const EventHeader& header, const EventView& event, const Program::Places& places,
                        Output& output);

  std::array<ValueKind, kFields> set_kinds_;      // of a field that the event sets
  std::array<ValueKind, kFields> derived_kinds_;  // of one that is derived
  const Groups flow_groups_ = groups(true);
  const Groups transaction_groups_ = groups(false);
  FieldSet set_;
  FieldSet nulls_;
  // The first and the last entry of each field that is set.
  std::array<std::uint16_t, kFields> first_;
  std::array<std::uint16_t, kFields> last_;
  ShortText source_ip_;
  ShortText destination_ip_;
  // Of the document under way: ends by Program::End, and what several fields have.
  std::array<WrittenText, 2> ends_;
  std::array<WrittenText, Program::kMostSame> same_;
  ProgramCache programs_;
  std::vector<IpAddress> related_;  // what related.ip holds so far
  void keep_community_id(std::size_t at, std::size_t begin) {
    community_id_at_ = at > begin ? static_cast<std::uint32_t>(at - begin) : 0;
  }
  std::uint32_t community_id_at_ = 0;
};

}  // namespace spanbeat
