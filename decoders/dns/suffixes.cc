#include "decoders/dns/suffixes.h"

#include <immintrin.h>
#include <libpsl.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>

#include "decoders/dns/punycode.h"

namespace spanbeat {
namespace {

constexpr std::uint64_t kHashStart = 0xcbf29ce484222325;
constexpr char lower(char c) {
  return static_cast<char>(c | static_cast<char>(static_cast<unsigned>(c - 'A') < 26u ? 0x20 : 0));
}

// Every character of [begin, end) of a text in one number, the last eight of more. Without a branch on how many.
std::uint64_t word_of(std::string_view text, std::size_t begin, std::size_t end) {
  const std::size_t size = std::min<std::size_t>(end - begin, 8);
  if (end < 8) [[unlikely]]
    return load_few(text.data() + begin, size);
  const std::uint64_t word = load<std::uint64_t>(text.data() + end - 8);
  return size != 0 ? word >> (64 - 8 * size) : 0;
}
// In lower case, eight characters at a time.
std::uint64_t lower(std::uint64_t word) {
  constexpr std::uint64_t kEach = 0x0101010101010101;
  const std::uint64_t sevens = word & 0x7f * kEach;
  const std::uint64_t from_a = sevens + (0x80 - 'A') * kEach;  // the eighth bit: 'A' or above
  const std::uint64_t above_z = sevens + (0x7f - 'Z') * kEach;
  return word | (from_a & ~above_z & ~word & 0x80 * kEach) >> 2;
}
bool is_lower_case_of(std::string_view lowered, std::string_view text) {
  return std::equal(text.begin(), text.end(), lowered.begin(), lowered.end(),
                    [](char a, char b) { return lower(a) == b; });
}
// Upper case is folded by one bit, which also folds a few characters that are no letters: names are compared after
// that.
std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ (word | 0x2020202020202020)) * 0x9e3779b97f4a7c15;
  return hash ^ hash >> 32;
}
// The hash of a suffix that is one label of the name, [begin, end), longer than that of `hash`.
std::uint64_t longer_by(std::string_view name, std::size_t begin, std::size_t end, std::uint64_t hash) {
  hash += end - begin;
  for (; end - begin > 8; end -= 8) hash = mix(hash, word_of(name, begin, end));
  return mix(hash, word_of(name, begin, end));
}
std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
std::size_t slot_of(std::uint64_t hash, std::size_t slots) { return hash & (slots - 1); }

// Is the dot at `at` one between labels, and not an escaped one inside a label?
bool is_separator(std::string_view name, std::size_t at) {
  std::size_t backslashes = 0;
  while (backslashes < at && name[at - 1 - backslashes] == '\\') ++backslashes;
  return backslashes % 2 == 0;
}

// The beginning of the label whose last character is before `end`.
std::size_t label_begin(std::string_view name, std::size_t end) {
  while (const void* dot = memrchr(name.data(), '.', end)) {
    end = static_cast<std::size_t>(static_cast<const char*>(dot) - name.data());
    if (is_separator(name, end)) return end + 1;
  }
  return 0;
}

std::uint64_t hash_of(std::string_view suffix) {
  std::uint64_t hash = kHashStart;
  for (std::size_t end = suffix.size();;) {
    const std::size_t begin = label_begin(suffix, end);
    hash = longer_by(suffix, begin, end, hash);
    if (begin == 0) return hash;
    end = begin - 1;
  }
}

// Where the labels of a name begin. Of one that is short and without escapes the dots are looked for once.
class Labels {
 public:
  explicit Labels(std::string_view name) : name_(name) {
    if (name.size() > kShort) return;
    std::uint8_t octets[kShort + kCopySlack];
    copy_octets(octets, name.data(), name.size());
    const std::uint64_t there = (std::uint64_t{1} << name.size()) - 1;
    is_short_ = (places_of('\\', octets) & there) == 0;
    dots_ = places_of('.', octets) & there;
  }
  // Of the label whose last character is before `end`.
  [[nodiscard]] std::size_t begin_before(std::size_t end) const {
    if (!is_short_) [[unlikely]]
      return label_begin(name_, end);
    return static_cast<std::size_t>(std::bit_width(dots_ & ((std::uint64_t{1} << end) - 1)));
  }

 private:
  static constexpr std::size_t kShort = 32;

  static std::uint64_t places_of(char c, const std::uint8_t* octets) {
    const auto among = [octets, c](std::size_t from) {
      const __m128i loaded = _mm_loadu_si128(reinterpret_cast<const __m128i*>(octets + from));
      return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(loaded, _mm_set1_epi8(c))));
    };
    return among(0) | std::uint64_t{among(16)} << 16;
  }

  std::string_view name_;
  bool is_short_ = false;
  std::uint64_t dots_ = 0;
};

}  // namespace

PublicSuffixes::PublicSuffixes() : library_(psl_builtin()) {
  if (library_ != nullptr) rules_ = static_cast<std::size_t>(psl_suffix_count(library_));
}

PublicSuffixes::PublicSuffixes(std::string_view rules) {
  // More than enough for a list of the usual kind, which has a comment for every few rules.
  slots_.resize(std::bit_ceil(rules.size() / 8 + 64));
  texts_.reserve(rules.size());
  texts_.assign(8, '\0');  // which the first text's word may reach into
  std::string suffix;
  while (!rules.empty()) {
    const std::size_t line_end = std::min(rules.find('\n'), rules.size());
    std::string_view line = rules.substr(0, line_end);
    rules.remove_prefix(std::min(line_end + 1, rules.size()));
    if (line.starts_with("//")) continue;
    const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    line = line.substr(0, static_cast<std::size_t>(std::find_if(line.begin(), line.end(), space) - line.begin()));
    if (line.empty()) continue;
    std::uint8_t flags = kRule;
    if (line.starts_with("!")) {
      flags = kException;
      line.remove_prefix(1);
    } else if (line.starts_with("*.")) {
      flags = kWildcard | kParent;
      line.remove_prefix(2);
    }
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
      for (const char c : suffix) texts_ += lower(c);
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

// What the rules say of the suffix of a name that begins there and has that hash.
std::uint8_t PublicSuffixes::find(std::uint64_t hash, std::string_view name, std::size_t begin) const {
  const std::size_t size = name.size() - begin;
  for (std::size_t i = slot_of(hash, slots_.size()); slots_[i].place != 0; i = (i + 1) & (slots_.size() - 1)) {
    if (slots_[i].tag != tag_of(hash)) continue;
    const std::size_t place = slots_[i].place - 1;
    if (static_cast<std::uint8_t>(texts_[place + 1]) != size) continue;
    const std::size_t text = place + 2;
    if (size <= 8 ? lower(word_of(name, begin, name.size())) == word_of(texts_, text, text + size)
                  : is_lower_case_of({texts_.data() + text, size}, name.substr(begin))) {
      return static_cast<std::uint8_t>(texts_[place]);
    }
  }
  return 0;
}

std::size_t PublicSuffixes::registered_domain(std::string_view name) const {
  if (library_ != nullptr) return ask_library(name);
  if (name.empty() || name == ".") return kNone;
  // Label by label from the end, as long as longer rules can match; without a rule the last label is the suffix.
  const Labels labels(name);
  std::size_t suffix = kNone;
  std::size_t previous = name.size();
  std::uint64_t hash = kHashStart;
  std::uint8_t parent = kParent;
  std::size_t begin = 0;
  for (std::size_t end = name.size();; end = begin - 1) {
    begin = labels.begin_before(end);
    hash = longer_by(name, begin, end, hash);
    const std::uint8_t flags = find(hash, name, begin);
    if ((flags & kException) != 0) {
      suffix = previous;
      break;
    }
    if (suffix == kNone || (flags & kRule) != 0 || (parent & kWildcard) != 0) suffix = begin;
    if ((flags & kParent) == 0 || begin == 0) break;
    parent = flags;
    previous = begin;
  }
  if (suffix == 0) return kNone;
  // The label before the suffix is often the one that was looked at last.
  return suffix == previous ? begin : labels.begin_before(suffix - 1);
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
