#include "export/json/transitions.h"

#include <algorithm>

namespace spanbeat {
namespace {

std::vector<std::string_view> segments_of(std::size_t field) {
  std::vector<std::string_view> segments;
  if (field >= kFields) return segments;
  std::string_view name = kFieldInfo[field].name;
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
    segments.push_back(name.substr(0, dot));
    name.remove_prefix(dot + 1);
  }
  segments.push_back(name);
  return segments;
}

}  // namespace

Transitions::Transitions() : index_(kColumns * kColumns), entries_(1) {
  std::size_t deepest = 0;
  std::size_t longest_name = 0;
  for (const FieldInfo& info : kFieldInfo) {
    const auto dots = static_cast<std::size_t>(std::count(info.name.begin(), info.name.end(), '.'));
    deepest = std::max(deepest, dots + 1);
    longest_name = std::max(longest_name, info.name.size() + 4 * (dots + 1));
  }
  longest_ = std::max<std::size_t>(64, longest_name + deepest + 8);
}

// The names' objects are closed down to what both fields share, then the second one's are opened.
const Transitions::Entry& Transitions::make(std::size_t from, std::size_t to) {
  const auto left = segments_of(from);
  const auto right = segments_of(to);
  std::size_t shared = 0;
  while (shared + 1 < left.size() && shared + 1 < right.size() && left[shared] == right[shared]) ++shared;

  std::string text;
  if (from == kBegin) text += '{';
  if (from != kBegin && is_quoted(kFieldInfo[from])) text += '"';
  if (!left.empty()) text.append(left.size() - 1 - shared, '}');
  if (from != kBegin && to != kEnd) text += ',';
  for (std::size_t i = shared; i < right.size(); ++i) {
    text += '"';
    text += right[i];
    text += i + 1 == right.size() ? "\":" : "\":{";
  }
  if (to == kEnd) text += '}';
  if (to != kEnd && is_quoted(kFieldInfo[to])) text += '"';

  Entry entry;
  if (text.size() <= sizeof entry.text) {
    entry.size = static_cast<std::uint8_t>(text.size());
    std::memcpy(entry.text, text.data(), text.size());
  } else {
    entry.size = kLong;
    const auto number = static_cast<std::uint32_t>(long_texts_.size());
    std::memcpy(entry.text, &number, sizeof number);
    long_texts_.push_back(std::move(text));
  }
  entries_.push_back(entry);
  index_[from * kColumns + to] = static_cast<std::uint16_t>(entries_.size() - 1);
  return entries_.back();
}

char* Transitions::write_unusual(std::size_t from, std::size_t to, char* out) {
  const Entry* entry = &entries_[index_[from * kColumns + to]];
  if (entry->size == kNotMade) entry = &make(from, to);
  if (entry->size != kLong) {
    std::memcpy(out, entry->text, entry->size);
    return out + entry->size;
  }
  std::uint32_t number;
  std::memcpy(&number, entry->text, sizeof number);
  const std::string& text = long_texts_[number];
  return std::copy(text.begin(), text.end(), out);
}

}  // namespace spanbeat
