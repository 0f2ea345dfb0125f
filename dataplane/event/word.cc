#include "dataplane/event/word.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <string>
#include <vector>

namespace spanbeat {
namespace {

struct Entry {
  PaddedText text;
  std::vector<PaddedText> values;  // of a list
};

// A function's own, as words of other files are made before this file's objects would be.
std::deque<Entry>& entries() {
  static std::deque<Entry> entries(1, Entry{PaddedText(""), {}});
  return entries;
}

bool is_plain(char c) { return c >= ' ' && c <= '~' && std::string_view("\"\\<>&").find(c) == std::string_view::npos; }

// No text is the JSON of a list: that has quotes.
std::uint16_t number_of(std::string_view text, std::span<const std::string_view> values) {
  std::deque<Entry>& all = entries();
  if (all.size() == Word::kMost) std::abort();
  const auto known =
      std::find_if(all.begin() + 1, all.end(), [&](const Entry& each) { return each.text.view() == text; });
  const auto number = static_cast<std::uint16_t>(known - all.begin());
  if (known == all.end()) {
    all.push_back({PaddedText(text), {}});
    for (const std::string_view value : values) all.back().values.emplace_back(value);
  }
  return number;
}

}  // namespace

Word::Word(std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), is_plain)) std::abort();
  number_ = number_of(text, {});
}

Word Word::list(std::span<const std::string_view> values) {
  std::string json = "[";
  for (const std::string_view value : values) {
    if (!std::all_of(value.begin(), value.end(), is_plain)) std::abort();
    if (json.size() != 1) json += ',';
    json += '"' + std::string(value) + '"';
  }
  Word word;
  word.number_ = number_of(json + "]", values);
  return word;
}

std::string_view Word::text() const { return entries()[number_].text.view(); }

std::span<const PaddedText> Word::values() const { return entries()[number_].values; }

}  // namespace spanbeat
