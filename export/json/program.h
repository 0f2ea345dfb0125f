// Documents with the same fields have the same text between their values; a Program is that text, made once.
//
// What:   a list of steps, each a text to copy and the value that stands behind it: an entry of the event by its place
// in
//         the order of entries, a derived one, or an end: the octets, address and port that client and source, or
//         server and destination, have in common, made once. The text holds everything that is the same: braces, names,
//         commas, and between two values constant fields and those with a word of few, as network.direction.
// Why:    it spares the search for the next field and three quarters of the copies.
// Limits: a bounded number of programs, found by a hash of the shape: which fields the event's entries are of, in their
//         order, and which of them are true, false or a word. One is made when its shape is seen for the second time in
//         a row at its place, so that events of ever different shapes cost hardly more than without.
#pragma once

#include <nmmintrin.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/event/event_view.h"
#include "export/json/plan.h"

namespace spanbeat {

// What decides which fields a document has, and which of its values are the same in all documents of the shape.
struct ProgramKey {
  std::uint64_t plan;    // its id
  std::uint64_t header;  // which parts of it are there, and the words that follow from it
  std::span<const EntryHead> shape;

  [[nodiscard]] std::uint64_t hash() const {
    // In four lanes, as each step of one waits for the one before.
    std::uint64_t lanes[4] = {};
    const std::size_t words = shape.size() / 2;
    std::size_t i = 0;
    const auto step = [&](std::size_t lane, std::size_t word) {
      lanes[lane] = _mm_crc32_u64(lanes[lane], load<std::uint64_t>(shape.data() + 2 * word));
    };
    for (; i + 4 <= words; i += 4) {
      for (std::size_t lane = 0; lane < 4; ++lane) step(lane, i + lane);
    }
    for (; i < words; ++i) step(0, i);
    const std::uint64_t last = shape.size() % 2 != 0 ? shape.back() : 0;
    std::uint64_t hash = _mm_crc32_u64(lanes[0], lanes[1] | lanes[2] << 32);
    hash = _mm_crc32_u64(hash, lanes[3] | last << 32);
    const std::uint64_t mixed = (plan ^ (header * 0x9e3779b97f4a7c15u) ^ (hash << 24)) * 0xd6e8feb86659fd93u;
    return mixed ^ mixed >> 32;
  }
};

// What a value is made of, so that one jump finds how to write it.
enum class ValueKind : std::uint8_t {
  // As the event sets it.
  text,
  clean_text,
  integer,
  floating,
  ip,
  date,
  tree,
  several,  // of a field that may have several values
  // Derived from the header, or from other fields.
  timestamp,
  start,
  end,
  duration,
  source_ip,
  destination_ip,
  client_ip,
  server_ip,
  source_port,
  destination_port,
  source_bytes,
  destination_bytes,
  client_domain,
  server_domain,
  network_bytes,
  network_type,
  transport,
  direction,
  community_id,
  status,
  related_ip,
  constant,
  // In programs only. Octets, address and port of an end: `field` is an End. The second time it is a copy.
  whole_end,
  same_end,
  // A text that several fields have: the first one is written and remembered at the place that `field` is, the others
  // are copies of it. The same for a list, of which related.ip may copy what is between the brackets.
  first_of_same,
  first_of_same_list,
  same,
};

class Program {
 public:
  struct Step {
    std::uint32_t offset;  // of the text before the value
    std::uint32_t size;
    std::uint16_t field;
    std::uint16_t first;  // set by the event: its first and last entry
    std::uint16_t last;
    ValueKind kind;
  };
  static constexpr std::uint16_t kNone = UINT16_MAX;
  static constexpr std::size_t kMostSame = 8;  // places
  enum End : std::uint8_t { kSource, kDestination };
  // Entries that derived fields are made of.
  struct Places {
    std::uint16_t related_first = kNone;
    std::uint16_t related_last = kNone;
    std::uint16_t related_same = kNone;  // where the same list is remembered
    std::uint16_t source_domain = kNone;
    std::uint16_t destination_domain = kNone;
  };

  // Adds to the text before the next value.
  void add_text(std::string_view text) { text_ += text; }
  void add_value(std::size_t field, ValueKind kind, std::uint16_t first = kNone, std::uint16_t last = kNone) {
    if (kind == ValueKind::same || kind == ValueKind::client_domain || kind == ValueKind::server_domain) ++times_shown_;
    steps_.push_back({step_begin_, static_cast<std::uint32_t>(text_.size()) - step_begin_,
                      static_cast<std::uint16_t>(field), first, last, kind});
    step_begin_ = static_cast<std::uint32_t>(text_.size());
  }
  void add_end(End end) {
    add_value(end, shows_end_[end] ? ValueKind::same_end : ValueKind::whole_end);
    shows_end_[end] = true;
    ++ends_;
  }
  // Ends: the text so far without a value is the document's end.
  void finish() {
    if (places.related_same != kNone) ++times_shown_;
    end_size_ = text_.size() - step_begin_;
    text_.append(kPadding, '\0');
  }

  Places places;
  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }
  [[nodiscard]] const char* text() const { return text_.data(); }
  [[nodiscard]] std::string_view end() const { return {text_.data() + step_begin_, end_size_}; }
  // Octets of all texts, with their padding, and what ends need beside the room of a plain value.
  [[nodiscard]] std::size_t room() const { return text_.size() + kPadding + ends_ * kEndRoom; }
  // How often an octet of the event may be shown.
  [[nodiscard]] std::size_t times_shown() const { return times_shown_; }

 private:
  // Of an end: 20 digits of octets, 45 characters of an address, 5 digits of a port, and what is between them.
  static constexpr std::size_t kEndRoom = 96;

  std::vector<Step> steps_;
  std::string text_;
  std::uint32_t step_begin_ = 0;
  std::size_t end_size_ = 0;
  std::array<bool, 2> shows_end_{};  // by End
  std::size_t ends_ = 0;
  std::size_t times_shown_ = 1;
};

class ProgramCache {
 public:
  // The program of a key, or null; `make` then tells whether it is worth making one, with keep().
  [[nodiscard]] const Program* find(const ProgramKey& key, bool& make) {
    const std::uint64_t hash = key.hash();
    Place& first = places_[hash % places_.size()];
    if (first.is(key)) [[likely]]
      return first.program.get();
    Place& second = places_[hash % places_.size() ^ 1];
    if (second.is(key)) return second.program.get();
    make = first.missed == hash;
    first.missed = hash;
    return nullptr;
  }
  void keep(const ProgramKey& key, Program program) {
    const std::size_t first = key.hash() % places_.size();
    Place& place = places_[places_[first].program == nullptr ? first : first ^ 1];
    place.plan = key.plan;
    place.header = key.header;
    place.shape.assign(key.shape.begin(), key.shape.end());
    place.program = std::make_unique<Program>(std::move(program));
  }

 private:
  struct Place {
    std::uint64_t plan = 0;
    std::uint64_t header = 0;
    std::vector<EntryHead> shape;
    std::unique_ptr<Program> program;
    std::uint64_t missed = 0;
    [[nodiscard]] bool is(const ProgramKey& key) const {
      return program != nullptr && plan == key.plan && header == key.header && shape.size() == key.shape.size() &&
             (shape.empty() || std::memcmp(shape.data(), key.shape.data(), shape.size() * sizeof(EntryHead)) == 0);
    }
  };
  std::array<Place, 4096> places_;  // each key has two, side by side
};

}  // namespace spanbeat
