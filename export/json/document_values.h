// How DocumentWalk gives single values to an output: what the event sets, and what follows from its header.
//
// What:   the definitions of write_several, write_related_ip and write_value, for document.cc alone.
// Why:    they are templates over the output, and a file of their own keeps the walk itself readable.
// Limits: as document.h. Every text given to an output has kPadding, or as short text 48, readable octets.
#pragma once

#include <emmintrin.h>

#include <algorithm>

#include "export/json/document.h"

namespace spanbeat {
namespace document_values {

// A word of a table as a text of which 48 octets are readable.
template <std::size_t size>
struct Words {
  char texts[size][48] = {};
  std::uint8_t sizes[size] = {};
  [[nodiscard]] std::string_view operator[](std::size_t index) const { return {texts[index], sizes[index]}; }
};
template <std::size_t size, typename Enum>
Words<size> words_of() {
  Words<size> words;
  for (std::size_t i = 0; i < size; ++i) {
    const std::string_view name = name_of(static_cast<Enum>(i));
    std::memcpy(words.texts[i], name.data(), name.size());
    words.sizes[i] = static_cast<std::uint8_t>(name.size());
  }
  return words;
}
inline const auto kStatusWords = words_of<6, Status>();
inline const auto kTransportWords = words_of<6, Transport>();
inline const auto kDirectionWords = words_of<7, NetworkDirection>();
inline constexpr char kIpVersionWords[2][48] = {"ipv4", "ipv6"};

inline bool is_ipv4(const IpAddress& address) { return address.version == IpVersion::v4 || address.is_mapped(); }

// Addresses of different versions may have the same octets: those that have the same may be the same.
inline __m128i octets_of(const IpAddress& address) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(address.octets.data()));
}

// The words of derived fields that have few different ones.
constexpr bool is_word(ValueKind kind) {
  return kind == ValueKind::network_type || kind == ValueKind::transport || kind == ValueKind::direction ||
         kind == ValueKind::status;
}
inline bool is_ipv4(const EventHeader& header) {
  return is_ipv4(header.source.version != IpVersion::none ? header.source : header.destination);
}
// Of such a kind; 48 octets are readable.
inline std::string_view word(ValueKind kind, const EventHeader& header, NetworkDirection direction) {
  switch (kind) {
    case ValueKind::network_type:
      return {kIpVersionWords[is_ipv4(header) ? 0 : 1], 4};
    case ValueKind::transport:
      return kTransportWords[static_cast<std::size_t>(header.transport)];
    case ValueKind::direction:
      return kDirectionWords[static_cast<std::size_t>(direction)];
    default:
      return kStatusWords[static_cast<std::size_t>(header.status)];
  }
}

template <typename Number>
Number number(Bytes value) {
  Number number;
  std::memcpy(&number, value.data(), sizeof number);
  return number;
}

constexpr std::size_t number_of(Field field) { return static_cast<std::size_t>(field); }

// Is none of the addresses of an entry an end, or there twice? Of many it is not said.
inline bool are_new(const EventView& event, std::size_t entry, const EventHeader& header) {
  constexpr std::size_t kMost = 16;
  __m128i known[kMost + 2];  // as a list in braces all the others would be cleared
  known[0] = octets_of(header.source);
  known[1] = octets_of(header.destination);
  std::size_t count = 2;
  bool all_new = true;
  event.each_value(entry, FieldType::ip, [&](Bytes value) {
    all_new = all_new && count != std::size(known);
    if (!all_new) return;
    const __m128i address = _mm_loadu_si128(reinterpret_cast<const __m128i*>(value.data()));
    for (std::size_t i = 0; i < count; ++i)
      all_new = all_new && _mm_movemask_epi8(_mm_cmpeq_epi8(known[i], address)) != 0xffff;
    known[count++] = address;
  });
  return all_new;
}

}  // namespace document_values

template <typename Output>
void DocumentWalk::write_several(std::size_t field, const EventView& event, std::size_t first, std::size_t last,
                                 Output& output) {
  const FieldType type = kFieldInfo[field].type;
  bool plain = first == last && kFieldInfo[field].list == FieldList::one_plain;
  if (plain) {
    std::size_t values = 0;
    event.each_value(first, type, [&values](Bytes) { ++values; });
    plain = values == 1;
  }
  if (!plain) output.begin_list();
  std::size_t count = 0;
  for (std::size_t entry = first; entry <= last; ++entry) {
    if (field_of(event.head(entry)) != static_cast<Field>(field)) continue;
    event.each_value(entry, type, [&](Bytes value) {
      if (!plain) output.next(count++);
      switch (type) {
        case FieldType::keyword:
          output.add_text(text(value));
          break;
        case FieldType::integer:
          output.add_integer(document_values::number<std::int64_t>(value));
          break;
        case FieldType::floating:
          output.add_floating(document_values::number<double>(value));
          break;
        case FieldType::ip:
          output.add_ip(document_values::number<IpAddress>(value));
          break;
        case FieldType::date:
          output.add_date(document_values::number<Time>(value));
          break;
        case FieldType::boolean:
        case FieldType::tree:
          break;  // there are no lists of these
      }
    });
  }
  if (!plain) output.end_list();
}

// Both ends, then what the decoder adds; each address once.
template <typename Output>
void DocumentWalk::write_related_ip(const EventHeader& header, const EventView& event, const Program::Places& places,
                                    Output& output) {
  std::size_t count = 0;
  output.begin_list();
  if (header.source.version != IpVersion::none) {
    output.next(count++);
    output.add_short_text(source_ip_.view());
  }
  if (header.destination.version != IpVersion::none && header.destination != header.source) {
    output.next(count++);
    output.add_short_text(destination_ip_.view());
  }
  if (Output::kByProgram && places.related_same != Program::kNone &&
      document_values::are_new(event, places.related_first, header)) {
    if constexpr (Output::kByProgram) {
      output.next(count);
      output.text_again(same_[places.related_same]);
    }
  } else if (places.related_first != Program::kNone) {
    related_.clear();
    for (std::size_t entry = places.related_first; entry <= places.related_last; ++entry) {
      if (field_of(event.head(entry)) != Field::related_ip) continue;
      event.each_value(entry, FieldType::ip, [&](Bytes value) {
        const auto address = document_values::number<IpAddress>(value);
        // Beyond what any decoder adds, repeated ones may show: a hostile event must not cost the square of its size.
        const std::size_t looked_at = std::min<std::size_t>(related_.size(), 254);
        const auto known_end = related_.begin() + static_cast<std::ptrdiff_t>(looked_at);
        if (address != header.source && address != header.destination &&
            std::find(related_.begin(), known_end, address) == known_end) {
          related_.push_back(document_values::number<IpAddress>(value));  // from where it stands: one copy
          output.next(count++);
          output.add_ip(address);
        }
      });
    }
  }
  output.end_list();
}

template <typename Output>
void DocumentWalk::write_value(ValueKind kind, std::size_t field, std::size_t first, std::size_t last,
                               const Given& given, const Program::Places& places, Output& output) {
  const EventHeader& header = given.header;
  const EventView& event = given.event;
  switch (kind) {
    case ValueKind::text:
      output.text(text(event.value(last)));
      break;
    case ValueKind::clean_text:
      if constexpr (Output::kByProgram) output.clean_text(text(event.value(last)));
      break;
    case ValueKind::integer:
      output.integer(event.number<std::int64_t>(last));
      break;
    case ValueKind::floating:
      output.floating(event.number<double>(last));
      break;
    case ValueKind::ip:
      output.ip(event.number<IpAddress>(last));
      break;
    case ValueKind::date:
      output.date(event.number<Time>(last));
      break;
    case ValueKind::tree:
      output.tree(event.value(last));
      break;
    case ValueKind::first_of_same_list:
    case ValueKind::several: {
      const std::size_t begin = output.place();
      typename Output::Loan loan = output;
      write_several(document_values::number_of(field_of(event.head(first))), event, first, last, loan);
      output.go_on(loan);
      if constexpr (Output::kByProgram) {
        if (kind == ValueKind::first_of_same_list) same_[field] = {begin + 1, output.place() - begin - 2};
      }
      break;
    }
    case ValueKind::timestamp:
      output.date(header.timestamp);
      break;
    case ValueKind::start:
      output.date(header.start);
      break;
    case ValueKind::end:
      output.date(header.end);
      break;
    case ValueKind::duration:
      output.integer(
          static_cast<std::int64_t>(static_cast<std::uint64_t>(header.end) - static_cast<std::uint64_t>(header.start)));
      break;
    // source.ip and destination.ip may hold several values, so their quotes are not in the transitions.
    case ValueKind::source_ip:
      output.add_short_text(source_ip_.view());
      break;
    case ValueKind::destination_ip:
      output.add_short_text(destination_ip_.view());
      break;
    case ValueKind::client_ip:
      output.short_text(source_ip_.view());
      break;
    case ValueKind::server_ip:
      output.short_text(destination_ip_.view());
      break;
    case ValueKind::source_port:
      output.integer(header.source_port);
      break;
    case ValueKind::destination_port:
      output.integer(header.destination_port);
      break;
    case ValueKind::source_bytes:
      output.integer(static_cast<std::int64_t>(header.source_bytes));
      break;
    case ValueKind::destination_bytes:
      output.integer(static_cast<std::int64_t>(header.destination_bytes));
      break;
    case ValueKind::client_domain:
      output.text(event.text(places.source_domain));
      break;
    case ValueKind::server_domain:
      output.text(event.text(places.destination_domain));
      break;
    case ValueKind::network_bytes:
      output.integer(static_cast<std::int64_t>(header.source_bytes + header.destination_bytes));
      break;
    case ValueKind::network_type:
    case ValueKind::transport:
    case ValueKind::direction:
    case ValueKind::status:  // in programs they are part of the text
      if constexpr (!Output::kByProgram) output.short_text(document_values::word(kind, header, given.direction));
      break;
    case ValueKind::community_id:
      output.community_id(header.community_id);
      break;
    case ValueKind::related_ip: {
      typename Output::Loan loan = output;
      write_related_ip(header, event, places, loan);
      output.go_on(loan);
      break;
    }
    case ValueKind::constant:
      output.constant(given.plan.constant(field));
      break;
    case ValueKind::whole_end:
      if constexpr (Output::kByProgram) {
        ends_[field] =
            field == Program::kSource
                ? output.whole_end(header.source_bytes, source_ip_.view(), header.source_port)
                : output.whole_end(header.destination_bytes, destination_ip_.view(), header.destination_port);
      }
      break;
    case ValueKind::same_end:
      if constexpr (Output::kByProgram) output.text_again(ends_[field]);
      break;
    case ValueKind::first_of_same:
      if constexpr (Output::kByProgram) same_[field] = output.remembered_text(text(event.value(last)));
      break;
    case ValueKind::same:
      if constexpr (Output::kByProgram) output.text_again(same_[field]);
      break;
  }
}

}  // namespace spanbeat
