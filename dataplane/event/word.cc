#include "dataplane/event/word.h"

#include <algorithm>
#include <cstdlib>
#include <deque>

#include "dataplane/bytes/padded_text.h"

namespace spanbeat {
namespace {

// A function's own, as words of other files are made before this file's objects would be.
std::deque<PaddedText>& texts() {
  static std::deque<PaddedText> texts(1, PaddedText(""));
  return texts;
}

bool is_plain(char c) { return c >= ' ' && c <= '~' && std::string_view("\"\\<>&").find(c) == std::string_view::npos; }

}  // namespace

Word::Word(std::string_view text) {
  std::deque<PaddedText>& all = texts();
  if (all.size() == kMost || !std::all_of(text.begin(), text.end(), is_plain)) std::abort();
  const auto known =
      std::find_if(all.begin() + 1, all.end(), [&](const PaddedText& each) { return each.view() == text; });
  number_ = static_cast<std::uint16_t>(known - all.begin());
  if (known == all.end()) all.emplace_back(text);
}

std::string_view Word::text() const { return texts()[number_].view(); }

}  // namespace spanbeat
