// Documents with the same fields have the same text between their values; a Program is that text, made once.
//
// What:   a list of steps, each a text to copy and the value that stands behind it: an entry of the event by its place
// in
//         the order of entries, a derived one, or an end: the octets, address and port that client and source, or
//         server and destination, have in common, made once. The text holds everything that is the same: braces, names,
//         commas, and the constant fields between two values.
// Why:    it spares the search for the next field and three quarters of the copies.
// Limits: a bounded number of programs, found by a hash of the shape: which fields the event's entries are of, in their
//         order. One is made when its shape is seen for the second time in a row at its place, so that events of ever
//         different shapes cost hardly more than without.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "export/json/plan.h"

namespace spanbeat {

// What decides which fields a document has.
struct ProgramKey {
  std::uint64_t plan = 0;                // its id
  std::uint64_t conditions = 0;          // which parts of the header are there
  std::uint64_t shape_hash = 0;          // of
  std::span<const std::uint32_t> shape;  // of each field in the order of the entries: number and is_null

  [[nodiscard]] std::uint64_t hash() const {
    const std::uint64_t mixed = (plan ^ (conditions * 0x9e3779b97f4a7c15u) ^ (shape_hash << 24)) * 0xd6e8feb86659fd93u;
    return mixed ^ mixed >> 32;
  }
};

class Program {
 public:
  struct Step {
    std::uint32_t offset;  // of the text before the value
    std::uint32_t size;
    std::uint16_t field;
    std::uint16_t first;  // set by the event: the places of its first and last entry
    std::uint16_t last;
    std::uint8_t kind;  // of DocumentWalk, or one of these
  };
  static constexpr std::uint16_t kNone = UINT16_MAX;
  static constexpr std::uint8_t kDerivedKind = UINT8_MAX;
  static constexpr std::uint8_t kEndKind = UINT8_MAX - 1;  // octets, address and port of an end: `field` is an End
  enum End : std::uint8_t { kSource, kDestination };
  // Entries that derived fields are made of.
  struct Places {
    std::uint16_t related_first = kNone;
    std::uint16_t related_last = kNone;
    std::uint16_t source_domain = kNone;
    std::uint16_t destination_domain = kNone;
  };

  // Adds to the text before the next value.
  void add_text(std::string_view text) { text_ += text; }
  void add_value(std::size_t field, std::uint8_t kind, std::uint16_t first, std::uint16_t last) {
    steps_.push_back({step_begin_, static_cast<std::uint32_t>(text_.size()) - step_begin_,
                      static_cast<std::uint16_t>(field), first, last, kind});
    step_begin_ = static_cast<std::uint32_t>(text_.size());
  }
  void add_derived(std::size_t field) { add_value(field, kDerivedKind, kNone, kNone); }
  void add_end(End end) {
    add_value(end, kEndKind, kNone, kNone);
    ++ends_;
  }
  // Ends: the text so far without a value is the document's end.
  void finish() {
    end_size_ = text_.size() - step_begin_;
    text_.append(kPadding, '\0');
  }

  Places places;
  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }
  [[nodiscard]] const char* text() const { return text_.data(); }
  // It has values of kEndKind.
  [[nodiscard]] bool shows_ends() const { return ends_ != 0; }
  [[nodiscard]] std::string_view end() const { return {text_.data() + step_begin_, end_size_}; }
  // Octets of all texts, with their padding, and what ends need beside the room of a plain value.
  [[nodiscard]] std::size_t room() const { return text_.size() + kPadding + ends_ * kEndRoom; }

 private:
  std::vector<Step> steps_;
  std::string text_;
  std::uint32_t step_begin_ = 0;
  std::size_t end_size_ = 0;
  std::size_t ends_ = 0;
};

class ProgramCache {
 public:
  // The program of a key, or null; `make` then tells whether it is worth making one, with keep().
  [[nodiscard]] const Program* find(const ProgramKey& key, bool& make) {
    const std::uint64_t hash = key.hash();
    Place& place = places_[hash % places_.size()];
    if (place.program != nullptr && place.is(key)) [[likely]]
      return place.program.get();
    make = place.missed == hash;
    place.missed = hash;
    return nullptr;
  }
  void keep(const ProgramKey& key, Program program) {
    Place& place = places_[key.hash() % places_.size()];
    place.plan = key.plan;
    place.conditions = key.conditions;
    place.shape.assign(key.shape.begin(), key.shape.end());
    place.program = std::make_unique<Program>(std::move(program));
  }

 private:
  struct Place {
    std::uint64_t plan = 0;
    std::uint64_t conditions = 0;
    std::vector<std::uint32_t> shape;
    std::unique_ptr<Program> program;
    std::uint64_t missed = 0;
    [[nodiscard]] bool is(const ProgramKey& key) const {
      return plan == key.plan && conditions == key.conditions &&
             std::equal(shape.begin(), shape.end(), key.shape.begin(), key.shape.end());
    }
  };
  std::array<Place, 1024> places_;
};

}  // namespace spanbeat
