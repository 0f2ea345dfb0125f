// Reads the trees that TreeWriter wrote into events, and tells an output what is in them.
//
// What:   `walk_tree` calls the output for every value, in order; `Output` is either JSON text or a Value.
// Why:    trees are the fields whose shape is known only at run time; both outputs must understand them alike.
// Limits: of several members of one name in an object the last one counts: the output is told at the object's end which
//         ones to forget. A damaged tree ends early; what is open is closed. Trees lie in events, so 64 octets behind
//         them are readable.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dataplane/bytes/decimal.h"
#include "dataplane/event/tree_writer.h"

namespace spanbeat {

// What a walk keeps of the objects that are open; used again by the next walk.
struct TreeScratch {
  struct Member {
    std::uint64_t signature;  // differs where keys differ, most of the time
    std::string_view key;
    std::size_t mark;  // what the output said of its place
    bool shadowed;
  };
  std::vector<Member> members;  // of all open objects
};

// The length and up to eight octets of a key. Behind it lies more of the event, or its padding.
inline std::uint64_t tree_signature(std::string_view key) {
  std::uint64_t octets;
  const std::size_t size = key.size();
  std::memcpy(&octets, key.data() + (size >= sizeof octets ? size - sizeof octets : 0), sizeof octets);
  if (size < sizeof octets) octets &= (std::uint64_t{1} << (8 * size)) - 1;
  return octets + size * 0x9e3779b97f4a7c15u;
}

template <typename Output>
class TreeWalk {
 public:
  TreeWalk(Output& output, TreeScratch& scratch) : output_(output), members_(scratch.members) { members_.clear(); }

  void run(Bytes tree) {
    at_ = tree.data();
    end_ = tree.data() + tree.size();
    value(0);
  }

 private:
  template <typename Word>
  Word word() {
    Word word{};
    if (static_cast<std::size_t>(end_ - at_) < sizeof word) {
      at_ = end_;
      return word;
    }
    std::memcpy(&word, at_, sizeof word);
    at_ += sizeof word;
    return word;
  }
  std::string_view characters(std::uint32_t marks = 0) {
    const std::size_t size = word<std::uint32_t>() & ~marks;
    if (size > static_cast<std::size_t>(end_ - at_)) {
      at_ = end_;
      return {};
    }
    const std::string_view view(reinterpret_cast<const char*>(at_), size);
    at_ += size;
    return view;
  }

  // A text that is not there as an empty one, with the octets behind it that outputs read.
  [[nodiscard]] std::string_view shown(std::string_view characters) const {
    return characters.data() != nullptr ? characters : text(Bytes(end_, std::size_t{0}));
  }

  void value(int depth) {
    if (at_ == end_ || depth > TreeWriter::kMaxDepth) {
      at_ = end_;
      output_.null();
      return;
    }
    switch (static_cast<TreeTag>(*at_++)) {
      case TreeTag::null:
        output_.null();
        break;
      case TreeTag::no:
        output_.boolean(false);
        break;
      case TreeTag::yes:
        output_.boolean(true);
        break;
      case TreeTag::integer:
        output_.integer(word<std::int64_t>());
        break;
      case TreeTag::unsigned_integer:
        output_.unsigned_integer(word<std::uint64_t>());
        break;
      case TreeTag::floating:
        output_.floating(word<double>());
        break;
      case TreeTag::string:
        output_.string(shown(characters()));
        break;
      case TreeTag::ip:
        output_.ip(word<IpAddress>());
        break;
      case TreeTag::date:
        output_.date(word<Time>());
        break;
      case TreeTag::array:
        array(depth);
        break;
      case TreeTag::object:
        object(depth);
        break;
      case TreeTag::record:
        record();
        break;
      default:
        at_ = end_;
        output_.null();
    }
  }

  void array(int depth) {
    const std::uint32_t count = word<std::uint32_t>();
    output_.begin_array();
    for (std::uint32_t i = 0; i < count && at_ != end_; ++i) {
      output_.item(i);
      value(depth + 1);
    }
    output_.end_array();
  }

  void record() {
    const TreeTemplate::Content* const kind = TreeTemplate::find(word<std::uint16_t>());
    if (kind == nullptr) {
      at_ = end_;
      output_.null();
      return;
    }
    output_.begin_object();
    std::size_t index = 0;
    for (const auto& member : kind->members) {
      (void)output_.member(member.key.view(), index++);
      switch (member.kind) {
        case TreeTemplate::Kind::constant:
          output_.string(member.constant.view());
          break;
        case TreeTemplate::Kind::ip:
          output_.ip(word<IpAddress>());
          break;
        case TreeTemplate::Kind::text:
          output_.string(shown(characters(TreeTemplate::kCleanText)));
          break;
        case TreeTemplate::Kind::decimal: {
          char digits[kMaxDecimal + kPadding];
          output_.string({digits, static_cast<std::size_t>(write_unsigned(word<std::uint32_t>(), digits) - digits)});
          break;
        }
      }
    }
    output_.end_object();
  }

  using Places = std::unordered_map<std::string_view, std::size_t>;

  void object(int depth) {
    const std::uint32_t count = word<std::uint32_t>();
    const std::size_t first = members_.size();
    std::unique_ptr<Places> places;  // of the members of a large object
    bool any_shadowed = false;
    output_.begin_object();
    for (std::uint32_t i = 0; i < count && at_ != end_; ++i) {
      const std::string_view key = characters(kPlainKey);
      if (key.data() == nullptr) break;
      const std::uint64_t signature = tree_signature(key);
      const std::size_t earlier = find(key, signature, first, places.get());
      if (earlier < members_.size()) [[unlikely]] {
        members_[earlier].shadowed = any_shadowed = true;
      }
      members_.push_back({signature, key, output_.member(key, i), false});
      if (i >= kLinear) [[unlikely]] {
        if (places == nullptr) {
          places = std::make_unique<Places>();
          for (std::size_t j = first; j < members_.size(); ++j) (*places)[members_[j].key] = j;
        }
        (*places)[key] = members_.size() - 1;
      }
      value(depth + 1);
    }
    if (any_shadowed) [[unlikely]] {
      output_.forget_members(std::span<const TreeScratch::Member>(members_).subspan(first));
    }
    output_.end_object();
    members_.resize(first);
  }

  // The last member of that name so far, or members_.size(). Large objects are looked up in a map, so that many members
  // of a hostile message cost no square.
  std::size_t find(std::string_view key, std::uint64_t signature, std::size_t first, const Places* places) const {
    if (places != nullptr) {
      const auto found = places->find(key);
      return found == places->end() ? members_.size() : found->second;
    }
    for (std::size_t i = members_.size(); i > first; --i) {
      if (members_[i - 1].signature == signature && members_[i - 1].key == key) return i - 1;
    }
    return members_.size();
  }

  static constexpr std::size_t kLinear = 16;
  Output& output_;
  const std::uint8_t* at_ = nullptr;
  const std::uint8_t* end_ = nullptr;
  std::vector<TreeScratch::Member>& members_;
};

}  // namespace spanbeat
