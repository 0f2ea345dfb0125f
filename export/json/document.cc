#include "export/json/document.h"

#include <algorithm>
#include <bit>

#include "export/json/document_values.h"
#include "export/json/value_output.h"

namespace spanbeat {

std::string_view name_of(Status status) {
  static constexpr std::string_view kNames[] = {"", "OK", "Error", "Server Error", "Client Error", "NO_REPLY"};
  return kNames[static_cast<std::size_t>(status)];
}

std::string_view name_of(Transport transport) {
  static constexpr std::string_view kNames[] = {"", "tcp", "udp", "icmp", "ipv6-icmp", "sctp"};
  return kNames[static_cast<std::size_t>(transport)];
}

using document_values::number_of;

namespace {

// Events that take more are written field by field, so that no document asks for much more room than it needs.
constexpr std::size_t kMostByProgram = std::size_t{32} << 10;

ValueKind kind_of_set(const FieldInfo& info) {
  if (info.list != FieldList::no) return ValueKind::several;
  switch (info.type) {
    case FieldType::keyword:
    case FieldType::boolean:  // has no value of its own
      return ValueKind::text;
    case FieldType::integer:
      return ValueKind::integer;
    case FieldType::floating:
      return ValueKind::floating;
    case FieldType::ip:
      return ValueKind::ip;
    case FieldType::date:
      return ValueKind::date;
    case FieldType::tree:
      return ValueKind::tree;
  }
  return ValueKind::text;
}

ValueKind kind_of_derived(Field field) {
  static constexpr std::pair<Field, ValueKind> kKinds[] = {{Field::timestamp, ValueKind::timestamp},
                                                           {Field::event_start, ValueKind::start},
                                                           {Field::event_end, ValueKind::end},
                                                           {Field::event_duration, ValueKind::duration},
                                                           {Field::source_ip, ValueKind::source_ip},
                                                           {Field::destination_ip, ValueKind::destination_ip},
                                                           {Field::client_ip, ValueKind::client_ip},
                                                           {Field::server_ip, ValueKind::server_ip},
                                                           {Field::source_port, ValueKind::source_port},
                                                           {Field::client_port, ValueKind::source_port},
                                                           {Field::destination_port, ValueKind::destination_port},
                                                           {Field::server_port, ValueKind::destination_port},
                                                           {Field::source_bytes, ValueKind::source_bytes},
                                                           {Field::client_bytes, ValueKind::source_bytes},
                                                           {Field::destination_bytes, ValueKind::destination_bytes},
                                                           {Field::server_bytes, ValueKind::destination_bytes},
                                                           {Field::client_domain, ValueKind::client_domain},
                                                           {Field::server_domain, ValueKind::server_domain},
                                                           {Field::network_bytes, ValueKind::network_bytes},
                                                           {Field::network_type, ValueKind::network_type},
                                                           {Field::network_transport, ValueKind::transport},
                                                           {Field::network_direction, ValueKind::direction},
                                                           {Field::network_community_id, ValueKind::community_id},
                                                           {Field::status, ValueKind::status},
                                                           {Field::related_ip, ValueKind::related_ip}};
  for (const auto& [each, kind] : kKinds) {
    if (each == field) return kind;
  }
  return ValueKind::constant;
}

}  // namespace

DocumentWalk::DocumentWalk() {
  for (std::size_t i = 0; i < kFields; ++i) {
    set_kinds_[i] = kind_of_set(kFieldInfo[i]);
    derived_kinds_[i] = kind_of_derived(static_cast<Field>(i));
  }
}

void DocumentWalk::index(const EventView& event) {
  static_assert(sizeof(EventHeader) % 8 == 0);
  FieldSet set;
  FieldSet nulls;
  for (std::size_t entry = 0; entry < event.size(); ++entry) {
    const std::size_t field = number_of(field_of(event.head(entry)));
    if (tag_of(event.head(entry)) == kIsNull) [[unlikely]] {
      nulls.add(field);
      if (set_kinds_[field] != ValueKind::several) set.remove(field);
    } else {
      if (!set.has(field)) first_[field] = static_cast<std::uint16_t>(entry);
      last_[field] = static_cast<std::uint16_t>(entry);
      set.add(field);
    }
  }
  nulls.remove(set);
  set_ = set;
  nulls_ = nulls;
}

// Which fields follow from which part of the header (spec/events.md sections 2 and 10). In the order of conditions().
DocumentWalk::Groups DocumentWalk::groups(bool flow) {
  const auto both = [flow](Field always, std::initializer_list<Field> of_transactions) {
    FieldSet set;
    set.add(always);
    if (!flow) {
      for (const Field field : of_transactions) set.add(field);
    }
    return set;
  };
  const auto of_transactions = [flow](Field field) {
    FieldSet set;
    if (!flow) set.add(field);
    return set;
  };
  return {both(Field::source_ip, {Field::client_ip}),
          both(Field::source_port, {Field::client_port}),
          both(Field::source_bytes, {Field::client_bytes}),
          both(Field::destination_ip, {Field::server_ip}),
          both(Field::destination_port, {Field::server_port}),
          both(Field::destination_bytes, {Field::server_bytes}),
          both(Field::network_type, {Field::network_direction, Field::related_ip}),
          both(Field::network_transport, {}),
          both(Field::network_community_id, {}),
          both(Field::network_bytes, {}),
          both(Field::event_start, {}),
          both(Field::event_end, {}),
          both(Field::event_duration, {}),
          of_transactions(Field::status),
          of_transactions(Field::client_domain),
          of_transactions(Field::server_domain)};
}

std::uint64_t DocumentWalk::conditions(const StreamPlan& plan, const HeaderFacts& facts, const FieldSet& set) {
  const bool has_source = facts.source_version != IpVersion::none;
  const bool has_destination = facts.destination_version != IpVersion::none;
  const bool has_bytes = facts.has_source_bytes || facts.has_destination_bytes;
  const bool there[kGroups] = {has_source,
                               facts.has_source_port,
                               facts.has_source_bytes,
                               has_destination,
                               facts.has_destination_port,
                               facts.has_destination_bytes,
                               has_source || has_destination,
                               facts.transport != Transport::none,
                               facts.community_id_is == CommunityIdIs::made,
                               plan.is_flow() || has_bytes,  // a flow without octets says so
                               facts.has_start,
                               facts.has_end,
                               facts.has_start && facts.has_end && facts.ends_after_start,
                               facts.status != Status::none,
                               set.has(Field::source_domain),
                               set.has(Field::destination_domain)};
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < kGroups; ++i) bits |= std::uint64_t{there[i]} << i;
  return bits;
}

DocumentWalk::HeaderFacts DocumentWalk::facts_of(const EventHeader& header, NetworkDirection direction) {
  return {.source_version = header.source.version,
          .destination_version = header.destination.version,
          .transport = header.transport,
          .status = header.status,
          .community_id_is = header.community_id_is,
          .direction = direction,
          .is_ipv4 = document_values::is_ipv4(header),
          .has_source_port = header.source_port != 0,
          .has_destination_port = header.destination_port != 0,
          .has_source_bytes = header.source_bytes != 0,
          .has_destination_bytes = header.destination_bytes != 0,
          .has_start = header.start != kNever,
          .has_end = header.end != kNever,
          .ends_after_start = header.end >= header.start,
          .unused = 0};
}

FieldSet DocumentWalk::derived(const StreamPlan& plan, std::uint64_t conditions) const {
  const Groups& groups = plan.is_flow() ? flow_groups_ : transaction_groups_;
  FieldSet fields = plan.constants();
  fields.add(Field::timestamp);
  for (std::size_t i = 0; i < kGroups; ++i) {
    if ((conditions >> i & 1) != 0) fields.add(groups[i]);
  }
  return fields;
}

// related.ip of a transaction is both: the ends, and what the decoder adds. It is written as a derived field.
FieldSet DocumentWalk::set_alone(const FieldSet& derived) const {
  FieldSet set = set_;
  if (derived.has(Field::related_ip)) set.remove(number_of(Field::related_ip));
  return set;
}

Program::Places DocumentWalk::places() const {
  Program::Places found;
  if (set_.has(Field::related_ip)) {
    found.related_first = first_[number_of(Field::related_ip)];
    found.related_last = last_[number_of(Field::related_ip)];
  }
  if (set_.has(Field::source_domain)) found.source_domain = last_[number_of(Field::source_domain)];
  if (set_.has(Field::destination_domain)) found.destination_domain = last_[number_of(Field::destination_domain)];
  return found;
}

template <typename Output>
void DocumentWalk::write(const Given& given, const FieldSet& derived, Output& output) {
  const EventView& event = given.event;
  const FieldSet set_fields = set_alone(derived);
  const Program::Places made_of = places();
  output.start(set_.count() + derived.count());
  for (std::size_t i = 0; i < FieldSet::kWords; ++i) {
    const std::uint64_t set = set_fields.word(i);
    std::uint64_t fields = set | (derived.word(i) & ~nulls_.word(i));
    if (Output::kShowsNulls && given.plan.keep_null()) fields |= nulls_.word(i);
    while (fields != 0) {
      const int bit = std::countr_zero(fields);
      fields &= fields - 1;
      const std::size_t field = i * 64 + static_cast<std::size_t>(bit);
      output.begin(field);
      if ((set >> bit & 1) != 0) {
        const std::size_t last = last_[field];
        const std::uint16_t tag = tag_of(event.head(last));
        if (set_kinds_[field] == ValueKind::several || has_value(event.head(last))) {
          write_value(set_kinds_[field], field, first_[field], last, given, made_of, output);
        } else if (tag == kIsTrue || tag == kIsFalse) {
          output.boolean(tag == kIsTrue);
        } else {
          output.text(event.text(last));
        }
        continue;
      }
      if constexpr (Output::kShowsNulls) {
        if (nulls_.has(field)) {
          output.null();
          continue;
        }
      }
      write_value(derived_kinds_[field], field, Program::kNone, Program::kNone, given, made_of, output);
    }
  }
  output.end();
}

struct DocumentWalk::WholeEnd {
  Field octets, ip, port;
  Program::End end;
};

const DocumentWalk::WholeEnd* DocumentWalk::whole_end(std::size_t field, const FieldSet& set,
                                                      const FieldSet& derived) const {
  static constexpr WholeEnd kEnds[] = {
      {Field::client_bytes, Field::client_ip, Field::client_port, Program::kSource},
      {Field::source_bytes, Field::source_ip, Field::source_port, Program::kSource},
      {Field::server_bytes, Field::server_ip, Field::server_port, Program::kDestination},
      {Field::destination_bytes, Field::destination_ip, Field::destination_port, Program::kDestination}};
  for (const WholeEnd& end : kEnds) {
    if (number_of(end.octets) != field) continue;
    for (std::size_t i = field; i <= number_of(end.port); ++i) {
      const bool belongs = i == field || i == number_of(end.ip) || i == number_of(end.port);
      const bool is_derived = derived.has(i) && !nulls_.has(i);
      if (set.has(i) || is_derived != belongs) return nullptr;
    }
    return &end;
  }
  return nullptr;
}

// The texts that several fields have, by their entries, and where a program remembers them.
class SameTexts {
 public:
  explicit SameTexts(const EventView& event) {
    for (std::size_t entry = 0; entry < event.size(); ++entry) {
      const std::size_t back = same_as(event.head(entry));
      if (back != 0 && !contains(entry - back) && places_.size() < Program::kMostSame)
        places_.push_back({entry - back});
    }
  }
  [[nodiscard]] bool contains(std::size_t entry) const {
    return std::any_of(places_.begin(), places_.end(), [entry](const Place& place) { return place.entry == entry; });
  }
  // Of one that it contains: its place, and whether it is asked for the first time.
  std::pair<std::size_t, bool> place_of(std::size_t entry) {
    std::size_t i = 0;
    while (places_[i].entry != entry) ++i;
    return {i, !std::exchange(places_[i].written, true)};
  }
  // The place of the list that related.ip has too, if that is all of what it adds and the list is written by then.
  [[nodiscard]] std::uint16_t written_list(const EventView& event, const Program::Places& related) const {
    if (related.related_first != related.related_last || related.related_first == Program::kNone) return Program::kNone;
    const std::size_t back = same_as(event.head(related.related_first));
    for (std::size_t i = 0; back != 0 && i < places_.size(); ++i) {
      if (places_[i].entry == related.related_first - back && places_[i].written) return static_cast<std::uint16_t>(i);
    }
    return Program::kNone;
  }

 private:
  struct Place {
    std::size_t entry;
    bool written = false;
  };
  std::vector<Place> places_;
};

Program DocumentWalk::make_program(const Given& given, const FieldSet& derived, Transitions& transitions) const {
  const EventView& event = given.event;
  const FieldSet set = set_alone(derived);
  SameTexts same(event);
  Program program;
  program.places = places();
  std::size_t previous = Transitions::kBegin;
  for (std::size_t field = 0; field < kFields; ++field) {
    if (!set.has(field) && (!derived.has(field) || nulls_.has(field))) continue;
    program.add_text(transitions.text(previous, field));
    previous = field;
    if (const WholeEnd* const whole = whole_end(field, set, derived); whole != nullptr) {
      program.add_end(whole->end);
      previous = field = number_of(whole->port);
    } else if (set.has(field)) {
      const std::size_t first = first_[field];
      const std::size_t last = last_[field];
      const EntryHead head = event.head(last);
      const bool several = set_kinds_[field] == ValueKind::several;
      const auto add = [&program, first](std::size_t number, ValueKind kind, std::size_t entry) {
        program.add_value(number, kind, static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(entry));
      };
      if (tag_of(head) == kIsTrue || tag_of(head) == kIsFalse) {
        program.add_text(tag_of(head) == kIsTrue ? "true" : "false");
      } else if (tag_of(head) >= kWordTags &&
                 (!several || (first == last && kFieldInfo[field].list == FieldList::list))) {
        program.add_text(word_of(head).text());
      } else if (several) {
        const bool is_source = first == last && kFieldInfo[field].list == FieldList::list && same.contains(first);
        add(is_source ? same.place_of(first).first : field,
            is_source ? ValueKind::first_of_same_list : ValueKind::several, last);
      } else if (const std::size_t text = last - same_as(head); same.contains(text)) {
        const auto [place, is_first] = same.place_of(text);
        add(place, is_first ? ValueKind::first_of_same : ValueKind::same, text);
      } else {
        add(field, tag_of(head) == kIsClean ? ValueKind::clean_text : set_kinds_[field], text);
      }
    } else if (given.plan.constants().has(field)) {
      program.add_text(given.plan.constant(field).json);
    } else if (document_values::is_word(derived_kinds_[field])) {
      program.add_text(document_values::word(derived_kinds_[field], given.header, given.direction));
    } else {
      if (derived_kinds_[field] == ValueKind::related_ip)
        program.places.related_same = same.written_list(event, program.places);
      program.add_value(field, derived_kinds_[field]);
    }
  }
  program.add_text(transitions.text(previous, Transitions::kEnd));
  program.finish();
  return program;
}

SPANBEAT_INLINE void DocumentWalk::append_by_program(const Program& program, const Given& given,
                                                     ProgramOutput& output) {
  const EventHeader& header = given.header;
  output.start(program.steps().size(), program.room() + program.times_shown() * escaped_room(header.size));
  const char* const text = program.text();
  for (const Program::Step& step : program.steps()) {
    output.piece(text + step.offset, step.size);
    write_value(step.kind, step.field, step.first, step.last, given, program.places, output);
  }
  output.piece(program.end().data(), program.end().size());
  output.finish();
}

void DocumentWalk::prepare(const EventHeader& header) {
  source_ip_.set(header.source);
  destination_ip_.set(header.destination);
}

void DocumentWalk::append_json(const StreamPlan& plan, const EventHeader& header, const std::uint8_t* encoded,
                               NetworkDirection direction, JsonStyle& style, Transitions& transitions,
                               TextBuffer& buffer) {
  prepare(header);
  const std::size_t begin = buffer.size();
  const EventView event(header, encoded);
  const Given given{plan, header, event, direction};
  bool worth_making = false;
  const HeaderFacts facts = facts_of(header, direction);
  const ProgramKey key{plan.id(), std::bit_cast<std::uint64_t>(facts), event.heads()};
  const Program* const program = programs_.find(key, worth_making);
  if (program != nullptr && header.size * program->times_shown() <= kMostByProgram) [[likely]] {
    ProgramOutput output(style, transitions, buffer);
    append_by_program(*program, given, output);
    keep_community_id(output.community_id_at(), begin);
    return;
  }
  JsonOutput output(style, transitions, buffer);
  index(event);
  const FieldSet derived_fields = derived(plan, conditions(plan, facts, set_));
  if (worth_making) programs_.keep(key, make_program(given, derived_fields, transitions));
  write(given, derived_fields, output);
  keep_community_id(output.community_id_at(), begin);
}

Value DocumentWalk::make_value(const StreamPlan& plan, const EventHeader& header, const std::uint8_t* encoded,
                               NetworkDirection direction) {
  const EventView event(header, encoded);
  index(event);
  prepare(header);
  ValueOutput output;
  write({plan, header, event, direction}, derived(plan, conditions(plan, facts_of(header, direction), set_)), output);
  return output.take();
}

}  // namespace spanbeat
