// The scan of a head, written once over a small set of vector operations.
//
// Included by one source file for each instruction set, inside a namespace of its own and after `Vector` is defined:
//   std::uint64_t Vector::newlines(p)             a bit for each '\n' among the 64 octets at p
//   std::size_t Vector::to_colon(p)               how many octets lie before a ':' at p; 32 when 32 do
//   bool Vector::same(p, pattern, mask)           the 32 octets at p, letter case folded and masked, are the pattern
// No include guard on purpose; nothing is included here, so that standard headers are never compiled for one
// instruction set only.

// Where the line that ends with that newline ends, without its line end.
inline std::size_t end_of_line(const std::uint8_t* base, std::size_t begin, std::size_t newline) {
  return newline > begin && base[newline - 1] == '\r' ? newline - 1 : newline;
}

// Takes note of a header line, [begin, end), whose name is `length` octets long. `wanted`: `header` is its name; else
// it is only listed.
template <bool all_lines>
inline void take_line(const std::uint8_t* base, std::size_t begin, std::size_t end, std::size_t length, Header header,
                      bool wanted, const ScanOptions& options, Head& head, LastValue& last) {
  std::size_t at = begin + length + 1;
  while (at < end && is_blank(base[at])) ++at;
  std::size_t value_end = end;
  while (value_end > at && is_blank(base[value_end - 1])) --value_end;
  const Slice value{static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(value_end - at)};
  last = {nullptr, nullptr, end};
  if (wanted) {
    last.picked = &head.picked[static_cast<std::size_t>(header)];
    head.present |= 1U << static_cast<unsigned>(header);
    *last.picked = value;
  }
  if constexpr (all_lines) {
    if (head.line_count < kMaxHeaderLines) {
      HeaderLine& entry = options.lines[head.line_count++];
      entry.name = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(length)};
      entry.value = value;
      last.line = &entry.value;
    }
  }
}

// A line whose name is none of the wanted: perhaps the one that real_ip asks for, or a folded one (obs-fold, RFC 9112
// section 5.2), or none.
template <bool all_lines>
[[gnu::noinline]] void scan_other_line(const std::uint8_t* base, std::size_t begin, std::size_t end,
                                       const ScanOptions& options, Head& head, LastValue& last) {
  if (is_blank(base[begin])) {
    // It continues the line before it, if that was of interest.
    if (last.end + 1 != begin && (last.end + 2 != begin || base[last.end] != '\r')) return;
    last.end = end;
    while (end > begin && is_blank(base[end - 1])) --end;
    last.extend(end);
    return;
  }
  std::size_t colon = begin;
  while (colon < end && base[colon] != ':') ++colon;
  if (colon == end) return;
  const std::size_t length = colon - begin;
  const bool wanted = length == options.real_ip.size() && same_name(base + begin, options.real_ip);
  if (all_lines || wanted) take_line<all_lines>(base, begin, end, length, Header::real_ip, wanted, options, head, last);
}

template <bool all_lines>
inline bool scan_lines(const std::uint8_t* base, std::size_t size, const ScanOptions& options, Head& head) {
  // How long the name is that real_ip asks for, as far as to_colon() tells; 64: it asks for none.
  std::size_t asked = options.real_ip.size() < 32 ? options.real_ip.size() : 32;
  if (asked == 0) asked = 64;
  std::size_t next = 0;  // where the next line begins
  LastValue last;
  for (std::size_t block = 0; block < size; block += 64) {
    std::uint64_t newlines = Vector::newlines(base + block);
    const std::size_t left = size - block;
    if (left < 64) newlines &= ~(~std::uint64_t{0} << left);
    while (newlines != 0) {
      const std::size_t newline = block + static_cast<std::size_t>(__builtin_ctzll(newlines));
      newlines &= newlines - 1;
      const std::size_t begin = next;
      next = newline + 1;
      if (begin == 0) {
        head.start_line = {0, static_cast<std::uint32_t>(end_of_line(base, begin, newline))};
        continue;
      }
      const std::uint8_t* name = base + begin;
      const std::size_t length = Vector::to_colon(name);  // perhaps a colon behind the line
      const std::size_t slot = wanted_hash(length, *name);
      if (kWantedLengths[slot] == length) {
        // No line end is in a name that is the same.
        const WantedHeader& candidate = kWanted[kWantedSlots[slot]];
        if (Vector::same(name, candidate.pattern.data(), candidate.mask.data())) {
          take_line<all_lines>(base, begin, end_of_line(base, begin, newline), length, candidate.header, true, options,
                               head, last);
          continue;
        }
      }
      if (!all_lines && length != asked && *name > ' ') [[likely]]
        continue;  // nobody asked for it
      const std::size_t end = end_of_line(base, begin, newline);
      if (end == begin) {
        head.size = static_cast<std::uint32_t>(next);
        return true;
      }
      scan_other_line<all_lines>(base, begin, end, options, head, last);
    }
  }
  return false;
}

// Each file that includes this has its own namespace. NOLINTNEXTLINE(misc-definitions-in-headers)
bool scan(const std::uint8_t* base, std::size_t size, const ScanOptions& options, Head& head) {
  return options.lines != nullptr ? scan_lines<true>(base, size, options, head)
                                  : scan_lines<false>(base, size, options, head);
}
