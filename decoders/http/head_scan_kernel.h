// The scan of a head, written once over a small set of vector operations.
//
// Included by one source file for each instruction set, inside a namespace of its own and after `Vector` is defined:
//   std::uint64_t Vector::newlines(p)             a bit for each '\n' among the 64 octets at p
//   std::uint32_t Vector::colons(p)               a bit for each ':' among the 32 octets at p
//   bool Vector::same(p, pattern, mask)           the 32 octets at p, letter case folded and masked, are the pattern
// No include guard on purpose; nothing is included here, so that standard headers are never compiled for one
// instruction set only.

inline const WantedHeader* wanted_header(const std::uint8_t* name, std::size_t length) {
  const std::uint8_t slot = kWantedSlots[wanted_hash(length, name[0])];
  if (slot == kNoHeader) return nullptr;
  const WantedHeader& wanted = kWanted[slot];
  if (wanted.length != length) return nullptr;
  return Vector::same(name, wanted.pattern.data(), wanted.mask.data()) ? &wanted : nullptr;
}

// One header line, [begin, end) without its line end. Sets `last` to the value that a folded line would continue.
template <bool all_lines>
inline void scan_line(const std::uint8_t* base, std::size_t begin, std::size_t end, const ScanOptions& options,
                      Head& head, LastValue& last) {
  const std::uint8_t* line = base + begin;
  if (*line == ' ' || *line == '\t') {  // obs-fold, RFC 9112 section 5.2
    while (end > begin && is_blank(base[end - 1])) --end;
    last.extend(end);
    return;
  }
  last = {};
  const std::size_t length = end - begin;
  const std::uint32_t colons = Vector::colons(line);
  std::size_t name_length = colons != 0 ? static_cast<std::size_t>(__builtin_ctz(colons)) : 32;
  if (name_length >= length || name_length == 32) {
    if (length <= 32 || (!all_lines && options.real_ip.size() < 32)) return;
    while (name_length < length && line[name_length] != ':') ++name_length;
    if (name_length >= length) return;
  }
  std::size_t value_begin = begin + name_length + 1;
  while (value_begin < end && is_blank(base[value_begin])) ++value_begin;
  while (end > value_begin && is_blank(base[end - 1])) --end;
  const Slice value{static_cast<std::uint32_t>(value_begin), static_cast<std::uint32_t>(end - value_begin)};
  const WantedHeader* wanted = name_length < 32 && name_length != 0 ? wanted_header(line, name_length) : nullptr;
  if (wanted != nullptr) {
    last.picked = &head.picked[static_cast<std::size_t>(wanted->header)];
    head.present |= 1U << static_cast<unsigned>(wanted->header);
  } else if (name_length == options.real_ip.size() && same_name(line, options.real_ip)) {
    last.picked = &head.picked[static_cast<std::size_t>(Header::real_ip)];
    head.present |= 1U << static_cast<unsigned>(Header::real_ip);
  }
  if (last.picked != nullptr) *last.picked = value;
  if constexpr (all_lines) {
    if (head.line_count < kMaxHeaderLines) {
      HeaderLine& entry = options.lines[head.line_count++];
      entry.name = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(name_length)};
      entry.value = value;
      last.line = &entry.value;
    }
  }
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

bool scan(const std::uint8_t* base, std::size_t size, const ScanOptions& options, Head& head) {
  return options.lines != nullptr ? scan_lines<true>(base, size, options, head)
                                  : scan_lines<false>(base, size, options, head);
}
