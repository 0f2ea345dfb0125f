#include "export/json/json_output.h"

namespace spanbeat {

void JsonTree::forget_members(std::span<const TreeScratch::Member> members) {
  char* const text = buffer_.begin();
  const std::size_t begin = members.front().mark;
  const std::size_t end = static_cast<std::size_t>(at_ - text);
  std::size_t to = begin;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (members[i].shadowed) continue;
    std::size_t from = members[i].mark;
    const std::size_t until = i + 1 < members.size() ? members[i + 1].mark : end;
    // The first one that stays has no comma before it.
    if (to == begin && i != 0) ++from;
    std::memmove(text + to, text + from, until - from);
    to += until - from;
  }
  at_ = text + to;
}

char* JsonTree::write_unpadded(std::string_view text, char* out) const {
  if (text.size() <= 256) {
    char padded[256 + kPadding];
    if (!text.empty()) std::memcpy(padded, text.data(), text.size());
    return style_.escape(padded, text.size(), out);
  }
  // The vector kernels read behind the text.
  std::string copy;
  copy.reserve(text.size() + kPadding);
  copy.append(text);
  return style_.escape(copy.data(), copy.size(), out);
}

char* write_tree_json(JsonStyle& style, TextBuffer& buffer, char* at, Bytes tree) {
  JsonTree output(style, buffer, at);
  TreeWalk walk(output, style.tree);
  walk.run(tree);
  return output.at();
}

}  // namespace spanbeat
