#include "dataplane/event/tree_template.h"

#include <array>
#include <cstdlib>

#include "dataplane/event/word.h"

namespace spanbeat {
namespace {

// Never freed, and zero before any template is made, as those of other files are made before this file's objects would
// be.
constinit std::array<const TreeTemplate::Content*, TreeTemplate::kMost> contents{};
constinit std::uint16_t made = 0;

}  // namespace

TreeTemplate::TreeTemplate(std::span<const Member> members, std::span<const Kind> values) {
  Content content;
  content.values.assign(values.begin(), values.end());
  std::string text = "{";
  for (const Member& member : members) {
    // As words they are sure to need no escaping.
    const Word key(member.key);
    const Word constant(member.constant);
    const std::size_t value = content.between.size();
    if (member.constant.empty() && value == values.size()) std::abort();
    content.members.push_back({PaddedText(member.key), PaddedText(member.constant),
                               member.constant.empty() ? values[value] : Kind::constant});
    if (&member != &members.front()) text += ',';
    text += '"' + std::string(key.text()) + "\":\"";
    if (member.constant.empty()) {
      content.between.emplace_back(text);
      text.clear();
    } else {
      text += constant.text();
    }
    text += '"';
  }
  if (content.between.size() != values.size()) std::abort();
  content.between.emplace_back(text + "}");
  for (const PaddedText& each : content.between) content.octets_between += each.view().size() + kPadding;
  if (made == kMost) std::abort();
  number_ = made++;
  contents[number_] = new Content(std::move(content));
}

const TreeTemplate::Content* TreeTemplate::find(std::uint16_t number) {
  return number < kMost ? contents[number] : nullptr;
}

}  // namespace spanbeat
