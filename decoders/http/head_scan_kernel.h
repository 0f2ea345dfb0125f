// The scan of a head, written once over a small set of vector operations.
//
// Included by one source file for each instruction set, inside a namespace of its own and after `Vector` is defined:
//   std::uint64_t Vector::newlines(p)             a bit for each '\n' among the 64 octets at p
//   std::uint32_t Vector::colons(p)               a bit for each ':' among the 32 octets at p
//   bool Vector::same(p, pattern, mask)           the 32 octets at p, letter case folded and masked, are the pattern
// No include guard on purpose; nothing is included here, so that standard headers are never compiled for one
// instruction set only.

// Takes note of one header line whose name and value are known.
template <bool all_lines>
inline void take_line(const std::uint8_t* base, Slice name, std::size_t end, Header header, const ScanOptions& options,
                      Head& head, LastValue& last) {
  std::size_t begin = name.at + name.size + 1;
  while (begin < end && is_blank(base[begin])) ++begin;
  while (end > begin && is_blank(base[end - 1])) --end;
  const Slice value{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end - begin)};
  if (header != Header::real_ip ||
      (name.size == options.real_ip.size() && same_name(base + name.at, options.real_ip))) {
    last.picked = &head.picked[static_cast<std::size_t>(header)];
    head.present |= 1U << static_cast<unsigned>(header);
    *last.picked = value;
  }
  if constexpr (all_lines) {
    if (head.line_count < kMaxHeaderLines) {
      HeaderLine& entry = options.lines[head.line_count++];
      entry.name = name;
      entry.value = value;
      last.line = &entry.value;
    }
  }
}

// The lines that are rare: folded ones (obs-fold, RFC 9112 section 5.2), names of 32 octets or more, and lines that are
// none.
template <bool all_lines>
[[gnu::noinline]] void scan_odd_line(const std::uint8_t* base, std::size_t begin, std::size_t end,
                                     const ScanOptions& options, Head& head, LastValue& last) {
  if (is_blank(base[begin])) {
    while (end > begin && is_blank(base[end - 1])) --end;
    last.extend(end);
    return;
  }
  last = {};
  if (!all_lines && options.real_ip.empty()) return;
  std::size_t colon = begin;
  while (colon < end && base[colon] != ':') ++colon;
  if (colon == end) return;
  const Slice name{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(colon - begin)};
  take_line<all_lines>(base, name, end, Header::real_ip, options, head, last);
}

// One header line, [begin, end) without its line end. Sets `last` to the value that a folded line would continue.
template <bool all_lines>
[[gnu::always_inline]] inline void scan_line(const std::uint8_t* base, std::size_t begin, std::size_t end,
                                             const ScanOptions& options, Head& head, LastValue& last) {
  const std::uint8_t* line = base + begin;
  const std::uint32_t colons = Vector::colons(line);
  const std::size_t length = colons == 0 ? 32 : static_cast<std::size_t>(__builtin_ctz(colons));
  if (length >= end - begin || length == 32 || is_blank(*line)) [[unlikely]] {
    return scan_odd_line<all_lines>(base, begin, end, options, head, last);
  }
  last = {};
  Header header = Header::real_ip;
  const std::size_t slot = wanted_hash(length, *line);
  if (kWantedLengths[slot] == length) {
    const WantedHeader& candidate = kWanted[kWantedSlots[slot]];
    if (Vector::same(line, candidate.pattern.data(), candidate.mask.data())) header = candidate.header;
  }
  if (!all_lines && header == Header::real_ip && length != options.real_ip.size()) return;  // nobody asked for it
  const Slice name{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(length)};
  take_line<all_lines>(base, name, end, header, options, head, last);
}

template <bool all_lines>
inline bool scan_lines(const std::uint8_t* base, std::size_t size, const ScanOptions& options, Head& head) {
  std::size_t line_begin = 0;
  LastValue last;
  for (std::size_t block = 0; block < size; block += 64) {
    std::uint64_t newlines = Vector::newlines(base + block);
    if (size - block < 64) newlines &= (std::uint64_t{1} << (size - block)) - 1;
    while (newlines != 0) {
      const std::size_t newline = block + static_cast<std::size_t>(__builtin_ctzll(newlines));
      newlines &= newlines - 1;
      std::size_t line_end = newline;
      if (line_end > line_begin && base[line_end - 1] == '\r') --line_end;
      if (line_begin == 0) {
        head.start_line = {0, static_cast<std::uint32_t>(line_end)};
      } else if (line_end == line_begin) {
        head.size = static_cast<std::uint32_t>(newline + 1);
        return true;
      } else {
        scan_line<all_lines>(base, line_begin, line_end, options, head, last);
      }
      line_begin = newline + 1;
    }
  }
  return false;
}

// Each file that includes this has its own namespace. NOLINTNEXTLINE(misc-definitions-in-headers)
bool scan(const std::uint8_t* base, std::size_t size, const ScanOptions& options, Head& head) {
  return options.lines != nullptr ? scan_lines<true>(base, size, options, head)
                                  : scan_lines<false>(base, size, options, head);
}
