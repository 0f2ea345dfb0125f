// The scan of a head, written once over a small set of vector operations.
//
// Included by one source file for each instruction set, inside a namespace of its own and after `Vector` is defined:
//   std::uint64_t Vector::newlines(p)             a bit for each '\n' among the 64 octets at p
//   Vector::Starts(starts)                        NameStarts, ready to be compared with
//   unsigned Vector::matching(p, starts)          a bit for each of them with which the name at p begins
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
  while (is_blank(base[at])) ++at;  // what ends the line is none
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
    if (options.lines != nullptr && head.line_count < kMaxHeaderLines) {
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

// The line ends of a head, one after the other.
struct Newlines {
  const std::uint8_t* base;
  std::size_t size;
  std::size_t block = 0;
  std::uint64_t found = Vector::newlines(base);
  [[nodiscard]] bool next(std::size_t& newline) {
    while (found == 0) {
      block += 64;
      if (block >= size) return false;
      found = Vector::newlines(base + block);
    }
    newline = block + static_cast<std::size_t>(__builtin_ctzll(found));
    found &= found - 1;
    return newline < size;
  }
};

template <bool all_lines>
inline bool scan_lines(const std::uint8_t* base, std::size_t size, const ScanOptions& options, Head& head) {
  NameStarts wanted = kWantedNames.begin;
  if (options.real_ip.size() >= sizeof(NameStart)) wanted.starts[kAskedStart] = name_start(options.real_ip.data());
  const Vector::Starts starts(wanted);
  Newlines newlines{base, size};
  std::size_t newline = 0;
  if (!newlines.next(newline)) return false;
  head.start_line = {0, static_cast<std::uint32_t>(end_of_line(base, 0, newline))};
  LastValue last;
  for (std::size_t begin = newline + 1; newlines.next(newline); begin = newline + 1) {
    const std::uint8_t* name = base + begin;
    const unsigned matching = Vector::matching(name, starts);
    if (!all_lines && matching == 0 && *name > ' ') [[likely]]
      continue;  // nobody asked for it
    const std::size_t end = end_of_line(base, begin, newline);
    if (end == begin) {
      head.size = static_cast<std::uint32_t>(newline + 1);
      return true;
    }
    if (matching != 0) {
      const WantedHeader& candidate = kWantedNames.at(static_cast<std::size_t>(__builtin_ctz(matching)), name[8]);
      // No line end is in a name that is the same.
      if (name[candidate.length] == ':' && Vector::same(name, candidate.pattern.data(), candidate.mask.data())) {
        take_line<all_lines>(base, begin, end, candidate.length, candidate.header, true, options, head, last);
        continue;
      }
    }
    scan_other_line<all_lines>(base, begin, end, options, head, last);
  }
  return false;
}

// Each file that includes this has its own namespace. NOLINTNEXTLINE(misc-definitions-in-headers)
bool scan(const std::uint8_t* base, std::size_t size, const ScanOptions& options, Head& head) {
  // A name that is asked for and is too short to be told by its beginning is looked for in all lines.
  const bool all_lines =
      options.lines != nullptr || (!options.real_ip.empty() && options.real_ip.size() < sizeof(NameStart));
  return all_lines ? scan_lines<true>(base, size, options, head) : scan_lines<false>(base, size, options, head);
}
