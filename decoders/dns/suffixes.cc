#include "decoders/dns/suffixes.h"

#include <libpsl.h>

#include <cstdio>

#include "decoders/dns/punycode.h"

namespace spanbeat {
namespace {

constexpr std::uint64_t kHashStart = 0xcbf29ce484222325;
constexpr char lower(char c) {
  return static_cast<char>(c | static_cast<char>(static_cast<unsigned>(c - 'A') < 26u ? 0x20 : 0));
}
// Upper case is folded by one bit, which also folds a few characters that are no letters: names are compared after
// that.
constexpr std::uint64_t step(std::uint64_t hash, char c) {
  return (hash ^ (static_cast<std::uint8_t>(c) | 0x20u)) * 0x100000001b3;
}
// Names are hashed from their end, so that one pass gives the hash of every suffix.
std::uint64_t hash_of(std::string_view suffix) {
  std::uint64_t hash = kHashStart;
  for (std::size_t i = suffix.size(); i-- > 0;) hash = step(hash, suffix[i]);
  return hash;
}
std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
std::size_t slot_of(std::uint64_t hash, std::size_t slots) { return (hash ^ hash >> 29) & (slots - 1); }

// Is the character at `at` a dot between labels, and not an escaped one inside a label?
bool is_separator(std::string_view name, std::size_t at) {
  if (name[at] != '.') return false;
  std::size_t backslashes = 0;
  while (backslashes < at && name[at - 1 - backslashes] == '\\') ++backslashes;
  return backslashes % 2 == 0;
}

// The beginning of the label whose last character is before `end`.
std::size_t label_begin(std::string_view name, std::size_t end) {
  while (end > 0 && !is_separator(name, end - 1)) --end;
  return end;
}

}  // namespace

PublicSuffixes::PublicSuffixes() : library_(psl_builtin()) {
  if (library_ != nullptr) rules_ = static_cast<std::size_t>(psl_suffix_count(library_));
}

PublicSuffixes::PublicSuffixes(std::string_view rules) {
  slots_.resize(1024);
  while (!rules.empty()) {
    const std::size_t line_end = std::min(rules.find('\n'), rules.size());
    std::string_view line = rules.substr(0, line_end);
    rules.remove_prefix(std::min(line_end + 1, rules.size()));
    line = line.substr(0, line.find_first_of(" \t\r"));
    if (line.empty() || line.starts_with("//")) continue;
    std::uint8_t flags = kRule;
    if (line.starts_with("!")) {
      flags = kException;
      line.remove_prefix(1);
    } else if (line.starts_with("*.")) {
      flags = kWildcard | kParent;
      line.remove_prefix(2);
    }
    std::string suffix;
    // Names on the wire are in their ASCII form, RFC 5891 section 4.4; the list is in Unicode. Both forms of lower
    // case.
    if (line.empty() || line.size() > 250 || !to_ascii_name(line, suffix)) continue;
    add(suffix, flags);
    ++rules_;
  }
}

const PublicSuffixes& PublicSuffixes::system() {
  static const PublicSuffixes* const list = [] {
    std::string rules;
    if (std::FILE* file = std::fopen("/usr/share/publicsuffix/public_suffix_list.dat", "rbe")) {
      char part[4096];
      while (const std::size_t size = std::fread(part, 1, sizeof part, file)) rules.append(part, size);
      (void)std::fclose(file);
    }
    auto* read = new PublicSuffixes(rules);
    if (read->rules() != 0) return read;
    delete read;
    return new PublicSuffixes();
  }();
  return *list;
}

void PublicSuffixes::add(std::string_view suffix, std::uint8_t flags) {
  flags_of(suffix) |= flags;
  for (std::size_t dot = suffix.find('.'); dot != std::string_view::npos; dot = suffix.find('.')) {
    suffix.remove_prefix(dot + 1);
    flags_of(suffix) |= kParent;
  }
}

std::uint8_t& PublicSuffixes::flags_of(std::string_view suffix) {
  if (used_ * 5 > slots_.size() * 2) grow();
  const std::uint64_t hash = hash_of(suffix);
  for (std::size_t i = slot_of(hash, slots_.size());; i = (i + 1) & (slots_.size() - 1)) {
    Slot& slot = slots_[i];
    if (slot.place == 0) {
      slot = {tag_of(hash), static_cast<std::uint32_t>(texts_.size() + 1)};
      texts_.push_back(0);
      texts_.push_back(static_cast<char>(suffix.size()));
      for (const char c : suffix) texts_.push_back(lower(c));
      ++used_;
    } else if (slot.tag != tag_of(hash) ||
               std::string_view(texts_).substr(slot.place + 1, static_cast<std::uint8_t>(texts_[slot.place])) !=
                   suffix) {
      continue;
    }
    return reinterpret_cast<std::uint8_t&>(texts_[slot.place - 1]);
  }
}

void PublicSuffixes::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.place == 0) continue;
    const std::uint64_t hash =
        hash_of(std::string_view(texts_).substr(slot.place + 1, static_cast<std::uint8_t>(texts_[slot.place])));
    std::size_t i = slot_of(hash, slots_.size());
    while (slots_[i].place != 0) i = (i + 1) & (slots_.size() - 1);
    slots_[i] = slot;
  }
}

std::uint8_t PublicSuffixes::find(std::uint64_t hash, std::string_view suffix) const {
  for (std::size_t i = slot_of(hash, slots_.size()); slots_[i].place != 0; i = (i + 1) & (slots_.size() - 1)) {
    if (slots_[i].tag != tag_of(hash)) continue;
    const char* entry = texts_.data() + slots_[i].place - 1;
    if (static_cast<std::uint8_t>(entry[1]) != suffix.size()) continue;
    std::size_t same = 0;
    while (same < suffix.size() && lower(suffix[same]) == entry[2 + same]) ++same;
    if (same == suffix.size()) return static_cast<std::uint8_t>(entry[0]);
  }
  return 0;
}

std::size_t PublicSuffixes::registered_domain(std::string_view name) const {
  if (library_ != nullptr) return ask_library(name);
  if (name.empty() || name == ".") return kNone;
  // Label by label from the end, as long as longer rules can match; without a rule the last label is the suffix.
  std::size_t suffix = kNone;
  std::size_t previous = name.size();
  std::uint64_t hash = kHashStart;
  std::uint8_t parent = kParent;
  std::size_t at = name.size();
  while (true) {
    while (at > 0 && (name[at - 1] != '.' || !is_separator(name, at - 1))) hash = step(hash, name[--at]);
    const std::uint8_t flags = find(hash, name.substr(at));
    if ((flags & kException) != 0) {
      suffix = previous;
      break;
    }
    if (suffix == kNone || (flags & kRule) != 0 || (parent & kWildcard) != 0) suffix = at;
    if ((flags & kParent) == 0 || at == 0) break;
    parent = flags;
    previous = at;
    hash = step(hash, name[--at]);
  }
  if (suffix == 0) return kNone;
  // The label before the suffix is often the one that was looked at last.
  return suffix == previous ? at : label_begin(name, suffix - 1);
}

std::size_t PublicSuffixes::ask_library(std::string_view name) const {
  // Longer names are only possible with escapes; no rule has any.
  char lowered[256];
  if (name.empty() || name == "." || name.size() >= sizeof lowered) return kNone;
  for (std::size_t i = 0; i < name.size(); ++i) lowered[i] = lower(name[i]);
  lowered[name.size()] = 0;
  const char* found = psl_registrable_domain(library_, lowered);
  return found == nullptr ? kNone : static_cast<std::size_t>(found - lowered);
}

}  // namespace spanbeat
