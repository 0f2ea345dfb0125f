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

TreeTemplate::TreeTemplate(std::initializer_list<Member> members) {
  Content content;
  std::string text = "{";
  for (const Member& member : members) {
    // As words they are sure to need no escaping.
    const Word key(member.key);
    const Word constant(member.constant);
    const bool has_value = member.constant.empty();
    content.members.push_back({PaddedText(member.key), PaddedText(member.constant), has_value});
    if (&member != members.begin()) text += ',';
    text += '"' + std::string(key.text()) + "\":";
    if (has_value) {
      content.between.emplace_back(text);
      text.clear();
    } else {
      text += '"' + std::string(constant.text()) + '"';
    }
  }
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
