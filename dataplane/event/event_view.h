// An encoded event, as the exporter reads it.
//
// What:   its entries by number: field, tag and value. Entries lie in the order in which they were set; a field may
//         have several.
// Limits: for events that Event::encoded() gave, at an address of their alignment; nothing is checked. Behind the
//         values lie octets that may be read: the tables, then what follows the event.
#pragma once

#include <span>

#include "dataplane/event/event.h"

namespace spanbeat {

class EventView {
 public:
  EventView(const EventHeader& header, const std::uint8_t* event) : event_(event), count_(header.entries) {
    const std::size_t tables = header.size - (2 * count_ + 1) * sizeof(std::uint32_t);
    heads_ = reinterpret_cast<const EntryHead*>(event + tables);
    begins_ = heads_ + count_;
  }

  [[nodiscard]] std::size_t size() const { return count_; }
  // What each entry is: the same for events of the same fields, set in the same order.
  [[nodiscard]] std::span<const EntryHead> heads() const { return {heads_, count_}; }
  [[nodiscard]] EntryHead head(std::size_t entry) const { return heads_[entry]; }
  // Its own value; empty for one that has the text of another.
  [[nodiscard]] Bytes value(std::size_t entry) const {
    return {event_ + begins_[entry], begins_[entry + 1] - begins_[entry]};
  }
  // Of a plain text field: its value, that of the entry whose text it has, or the word that stands for it.
  [[nodiscard]] std::string_view text(std::size_t entry) const {
    if (tag_of(heads_[entry]) >= kWordTags) return word_of(heads_[entry]).text();
    return spanbeat::text(value(entry - same_as(heads_[entry])));
  }
  template <typename Number>
  [[nodiscard]] Number number(std::size_t entry) const {
    Number number;
    std::memcpy(&number, event_ + begins_[entry], sizeof number);
    return number;
  }

  // Calls `visit(Bytes)` for each value of an entry whose field is of this type and may have several. kPadding octets
  // behind each are readable.
  template <typename Visit>
  void each_value(std::size_t entry, FieldType type, Visit visit) const {
    if (tag_of(heads_[entry]) >= kWordTags) {
      for (const PaddedText& each : word_of(heads_[entry]).values()) visit(bytes(each.view()));
      return;
    }
    Bytes left = value(entry - same_as(heads_[entry]));
    while (!left.empty()) {
      std::size_t size = type == FieldType::ip ? sizeof(IpAddress) : sizeof(std::int64_t);
      if (type == FieldType::keyword) {
        std::uint32_t length;
        std::memcpy(&length, left.data(), sizeof length);
        left = left.subspan(sizeof length);
        size = length;
      }
      visit(left.first(size));
      left = left.subspan(size);
    }
  }

 private:
  const std::uint8_t* event_;
  std::size_t count_;
  const EntryHead* heads_;
  const std::uint32_t* begins_;
};

}  // namespace spanbeat
