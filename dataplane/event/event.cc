#include "dataplane/event/event.h"

#include <algorithm>
#include <string>
#include <vector>

namespace spanbeat {
namespace {

// The longest part of `size` octets of UTF-8 that does not cut a character: steps back over continuation octets.
std::size_t cut_utf8(const std::uint8_t* octets, std::size_t size) {
  std::size_t cut = size;
  while (cut > 0 && size - cut < 4 && (octets[cut] & 0xc0) == 0x80) --cut;
  return cut;
}

}  // namespace

Event::Event(EventArena& arena) {
  // Most events fit without growing.
  const EventArena::Block block = arena.allocate(sizeof(Record) + 1000 + Record::tables_size(Record::kFewEntries));
  if (block.data == nullptr) return;
  record_ = new (block.data) Record{&arena, block.capacity, sizeof(EventHeader), 0, Record::kFewEntries, {}};
  record_->tables = tables_place(block.capacity, Record::kFewEntries);
  record_->begins()[0] = sizeof(EventHeader);
}

// Where the tables begin, from the header on: as late as their alignment lets them.
std::uint32_t Event::tables_place(std::size_t capacity, std::size_t entries) {
  const std::size_t end = capacity - offsetof(Record, header);
  return static_cast<std::uint32_t>((end - Record::tables_size(entries)) & ~(alignof(EntryHead) - 1));
}

void Event::drop() {
  if (record_ == nullptr) return;
  record_->arena->release({reinterpret_cast<std::uint8_t*>(record_), record_->capacity});
  record_ = nullptr;
}

EventHeader& Event::header() {
  static thread_local EventHeader nowhere;
  return record_ != nullptr ? record_->header : nowhere;
}

namespace {

std::uint8_t* copy_table(std::uint8_t* to, const std::uint32_t* table, std::size_t count) {
  return copy_in_pieces(to, reinterpret_cast<const std::uint8_t*>(table), count * sizeof *table);
}

}  // namespace

std::size_t Event::encoded_size() const {
  return record_ == nullptr ? 0 : record_->values_end() + Record::tables_size(record_->header.entries);
}

std::size_t Event::encode(std::uint8_t* to) {
  if (record_ == nullptr) return 0;
  const EventHeader& header = record_->header;
  const std::size_t size = encoded_size();
  std::memcpy(to, record_->base(), record_->used);
  // Behind the copy, which would have to wait for it.
  reinterpret_cast<EventHeader*>(to)->size = static_cast<std::uint32_t>(size);
  std::uint8_t* const heads = to + record_->values_end();
  (void)copy_table(copy_table(heads, record_->heads(), header.entries), record_->begins(), header.entries + 1);
  return size;
}

bool Event::grow(std::size_t octets, std::size_t entries) {
  if (record_ == nullptr) return false;
  if (has_room(octets, entries)) return true;
  const std::size_t count = record_->header.entries;
  std::size_t most = std::max<std::size_t>(record_->most, Record::kFewEntries);
  if (count + entries > most) most = std::min(2 * (count + entries), Record::kMostEntries);
  const std::size_t used = offsetof(Record, header) + record_->used;
  if (record_->used + octets <= kMaxEvent && count + entries <= Record::kMostEntries) {
    const EventArena::Block block =
        record_->arena->allocate(used + octets + kCopySlack + Record::tables_size(most) + alignof(EntryHead));
    if (block.data != nullptr) {
      std::memcpy(block.data, record_, used);
      auto* const grown = reinterpret_cast<Record*>(block.data);
      grown->capacity = block.capacity;
      grown->tables = tables_place(block.capacity, most);
      grown->most = static_cast<std::uint32_t>(most);
      std::memcpy(grown->heads(), record_->heads(), count * sizeof(EntryHead));
      std::memcpy(grown->begins(), record_->begins(), (count + 1) * sizeof(std::uint32_t));
      drop();
      record_ = grown;
      return true;
    }
  }
  record_->header.truncated = 1;
  return false;
}

void Event::put(EntryHead head, const void* value, std::size_t size, bool may_cut) {
  if (!grow(size, 1)) {
    // A text keeps what the present block still holds.
    if (!may_cut || !has_room(0, 1)) return;
    size = cut_utf8(static_cast<const std::uint8_t*>(value), record_->tables - record_->used);
  }
  if (size != 0) std::memcpy(record_->base() + record_->used, value, size);
  record_->add(head, size);
}

void Event::append(Field field, std::string_view more) {
  if (record_ == nullptr) return;
  const std::uint32_t entries = record_->header.entries;
  if (entries == 0 || field_of(record_->heads()[entries - 1]) != field || !has_value(record_->heads()[entries - 1])) {
    put(entry_head(field), more.data(), more.size(), true);
    return;
  }
  if (!grow(more.size(), 0)) return;
  copy_octets(record_->base() + record_->used, more.data(), more.size());
  --record_->header.entries;  // it is that entry, and longer
  record_->add(entry_head(field), more.size());
}

void Event::put_same(Field field, std::uint32_t entry) {
  if (record_ == nullptr || entry >= record_->header.entries) return;
  entry -= static_cast<std::uint32_t>(same_as(record_->heads()[entry]));
  const std::uint32_t back = record_->header.entries - entry;
  if (!has_value(record_->heads()[entry])) {
    put(entry_head(field, tag_of(record_->heads()[entry])), nullptr, 0, false);
  } else if (back <= kWordTags - kSameTags) {
    put(entry_head(field, static_cast<std::uint16_t>(kSameTags + back - 1)), nullptr, 0, false);
  } else {
    const std::uint32_t begin = record_->begins()[entry];
    const std::string copy(text({record_->base() + begin, record_->begins()[entry + 1] - begin}));
    put(entry_head(field), copy.data(), copy.size(), true);
  }
}

// Where another field has the text of one that goes, the text stays, as that other one's.
bool Event::remove(std::span<const Field> fields) {
  if (record_ == nullptr) return false;
  const auto goes = [fields](EntryHead head) {
    return std::find(fields.begin(), fields.end(), field_of(head)) != fields.end();
  };
  const std::uint32_t entries = record_->header.entries;
  EntryHead* const heads = record_->heads();
  std::vector<std::uint32_t> places(entries);  // of the entries that stay
  std::uint32_t begin = sizeof(EventHeader);
  record_->header.entries = 0;
  record_->used = begin;
  bool removed = false;
  for (std::uint32_t i = 0; i < entries; ++i) {
    EntryHead head = heads[i];
    const std::uint32_t end = record_->begins()[i + 1];
    if (goes(head)) {
      removed = true;
      std::uint32_t heir = i + 1;
      while (heir < entries && (heir - same_as(heads[heir]) != i || goes(heads[heir]))) ++heir;
      if (heir < entries) head = entry_head(field_of(heads[heir]));
    }
    if (!goes(head)) {
      const std::uint32_t place = record_->header.entries;
      places[i] = place;
      if (const std::size_t back = same_as(head); back != 0) {
        const std::uint32_t source = places[i - back];
        // It became the source itself.
        if (heads[source] == entry_head(field_of(head))) {
          begin = end;
          continue;
        }
        head = entry_head(field_of(head), static_cast<std::uint16_t>(kSameTags + place - source - 1));
      }
      std::memmove(record_->base() + record_->used, record_->base() + begin, end - begin);
      record_->add(head, end - begin);
    }
    begin = end;
  }
  return removed;
}

}  // namespace spanbeat
