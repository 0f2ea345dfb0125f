#include "export/json/json_output.h"

namespace spanbeat {
namespace {

constexpr std::size_t kFastTree = std::size_t{16} << 10;

}  // namespace

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

namespace {

// The fast way for sound trees of small objects, which nearly all are: one pass with the places in registers. It stops
// at what it leaves to the general way: objects of many members, a name that occurs twice, damage, deep nesting.
class FastTree {
 public:
  FastTree(const JsonStyle& style, Bytes tree) : style_(style), end_(tree.data() + tree.size()) {}

  // Writes the value at `at`; null when the general way is to do it. `at` then stands behind the value.
  char* value(const std::uint8_t*& at, char* out, int depth) const {
    if (depth > kDepth || at >= end_) [[unlikely]]
      return nullptr;
    const auto tag = static_cast<TreeTag>(*at);
    switch (tag) {
      case TreeTag::string:
      case TreeTag::integer:
        return plain(tag, at, out);
      case TreeTag::ip:
      case TreeTag::unsigned_integer: {
        const std::size_t size = tag == TreeTag::ip ? sizeof(IpAddress) : sizeof(std::uint64_t);
        if (left(at) < 1 + size) return nullptr;
        if (tag == TreeTag::ip) {
          *out++ = '"';
          out = write_ip(word<IpAddress>(at + 1), out);
          *out++ = '"';
        } else {
          out = write_unsigned(word<std::uint64_t>(at + 1), out);
        }
        at += 1 + size;
        return out;
      }
      case TreeTag::no:
      case TreeTag::yes:
        std::memcpy(out, tag == TreeTag::yes ? "true\0\0\0" : "false\0\0", 8);
        ++at;
        return out + (tag == TreeTag::yes ? 4 : 5);
      case TreeTag::array:
        return array(at, out, depth);
      case TreeTag::object:
        return object(at, out, depth);
      case TreeTag::record:
        return record(at, out);
      default:
        return nullptr;
    }
  }

  // Octets that the text of a tree can need: every octet escaped, what stands around short values, and the constant
  // texts of records.
  static std::size_t room(Bytes tree) { return escaped_room(tree.size()) + tree.size() * 2 + kScalarRoom + kConstants; }

 private:
  static constexpr int kDepth = 8;
  static constexpr std::uint32_t kMembers = 24;
  static constexpr std::size_t kConstants = std::size_t{8} << 10;
  static constexpr std::size_t kLength = sizeof(std::uint32_t);
  static constexpr std::size_t kPlainRoom = 16;  // the longest plain key that is copied in one piece

  template <typename Word>
  static Word word(const std::uint8_t* at) {
    Word word;
    std::memcpy(&word, at, sizeof word);
    return word;
  }
  [[nodiscard]] std::size_t left(const std::uint8_t* at) const { return static_cast<std::size_t>(end_ - at); }

  // A text or a number; the tag is one of these.
  [[gnu::always_inline]] char* plain(TreeTag tag, const std::uint8_t*& at, char* out) const {
    if (tag == TreeTag::string) {
      const std::size_t size = word<std::uint32_t>(at + 1);  // read in the padding, it is too large for what is left
      if (left(at) < 1 + kLength + size) [[unlikely]]
        return nullptr;
      *out++ = '"';
      out = write_escaped(style_, {reinterpret_cast<const char*>(at + 1 + kLength), size}, out);
      *out++ = '"';
      at += 1 + kLength + size;
      return out;
    }
    if (left(at) < 1 + sizeof(std::int64_t)) [[unlikely]]
      return nullptr;
    out = write_integer(word<std::int64_t>(at + 1), out);
    at += 1 + sizeof(std::int64_t);
    return out;
  }

  char* array(const std::uint8_t*& at, char* out, int depth) const {
    if (left(at) < 1 + kLength) return nullptr;
    const std::uint32_t count = word<std::uint32_t>(at + 1);
    at += 1 + kLength;
    *out++ = '[';
    for (std::uint32_t i = 0; i < count; ++i) {
      *out = ',';
      out += i != 0 ? 1 : 0;
      const bool is_record = at < end_ && static_cast<TreeTag>(*at) == TreeTag::record;
      out = is_record ? record(at, out) : value(at, out, depth + 1);
      if (out == nullptr) return nullptr;
    }
    *out++ = ']';
    return out;
  }

  char* object(const std::uint8_t*& from, char* out, int depth) const {
    const std::uint8_t* at = from;
    if (left(at) < 1 + kLength) return nullptr;
    const std::uint32_t count = word<std::uint32_t>(at + 1);
    if (count > kMembers) [[unlikely]]
      return nullptr;
    at += 1 + kLength;
    std::uint64_t signatures[kMembers];
    std::uint32_t signed_ones = 0;
    std::uint64_t seen = 0;  // a bit for each name so far
    *out++ = '{';
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t length = word<std::uint32_t>(at);
      const std::size_t size = length & ~kPlainKey;
      if (left(at) <= kLength + size) [[unlikely]]
        return nullptr;
      at += kLength;
      *out = ',';
      out += i != 0 ? 1 : 0;
      *out++ = '"';
      if ((length & kPlainKey) != 0 && size <= kPlainRoom) {
        std::memcpy(out, at, kPlainRoom);
        out += size;
      } else {
        const std::string_view key(reinterpret_cast<const char*>(at), size);
        const std::uint64_t signature = tree_signature(key);
        const std::uint64_t bit = std::uint64_t{1} << (signature * 0x9e3779b97f4a7c15u >> 58);
        if ((seen & bit) != 0) {
          for (std::uint32_t j = 0; j < signed_ones; ++j) {
            if (signatures[j] == signature) return nullptr;
          }
        }
        seen |= bit;
        signatures[signed_ones++] = signature;
        out = write_escaped(style_, key, out);
      }
      *out++ = '"';
      *out++ = ':';
      at += size;
      const auto tag = static_cast<TreeTag>(*at);
      out = tag == TreeTag::string || tag == TreeTag::integer ? plain(tag, at, out) : value(at, out, depth + 1);
      if (out == nullptr) [[unlikely]]
        return nullptr;
    }
    *out++ = '}';
    from = at;
    return out;
  }

  char* record(const std::uint8_t*& at, char* out) const {
    if (left(at) < 1 + sizeof(std::uint16_t)) return nullptr;
    const TreeTemplate::Content* const kind = TreeTemplate::find(word<std::uint16_t>(at + 1));
    if (kind == nullptr) return nullptr;
    if (kind->octets_between > constants_left_) return nullptr;
    constants_left_ -= kind->octets_between;
    at += 1 + sizeof(std::uint16_t);
    const PaddedText* text = kind->between.data();
    for (const TreeTemplate::Kind value : kind->values) {
      out = copy_in_pieces(out, text->view().data(), text->view().size());
      ++text;
      if (value == TreeTemplate::Kind::ip) {
        if (left(at) < sizeof(IpAddress)) return nullptr;
        out = write_ip(word<IpAddress>(at), out);
        at += sizeof(IpAddress);
      } else if (left(at) < kLength) {
        return nullptr;
      } else if (value == TreeTemplate::Kind::decimal) {
        out = write_unsigned(word<std::uint32_t>(at), out);
        at += kLength;
      } else {
        const std::uint32_t length = word<std::uint32_t>(at);
        const std::size_t size = length & ~TreeTemplate::kCleanText;
        at += kLength;
        if (left(at) < size) return nullptr;
        const auto* const shown = reinterpret_cast<const char*>(at);
        out = length != size ? copy_in_pieces(out, shown, size) : write_escaped(style_, {shown, size}, out);
        at += size;
      }
    }
    return copy_in_pieces(out, text->view().data(), text->view().size());
  }

  const JsonStyle& style_;
  const std::uint8_t* end_;
  mutable std::size_t constants_left_ = kConstants;
};

}  // namespace

char* write_tree_json(JsonStyle& style, TextBuffer& buffer, char* at, Bytes tree) {
  // A large tree would ask for much more room than it needs.
  if (tree.size() <= kFastTree) [[likely]] {
    at = buffer.room(at, FastTree::room(tree));
    const std::uint8_t* from = tree.data();
    if (char* const end = FastTree(style, tree).value(from, at, 0); end != nullptr) return end;
  }
  JsonTree output(style, buffer, at);
  TreeWalk walk(output, style.tree);
  walk.run(tree);
  return output.at();
}

}  // namespace spanbeat
