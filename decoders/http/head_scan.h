// The head of an HTTP message: where its lines are, and where the headers that the decoder needs.
//
// What:   one pass over the head finds line ends 64 octets at a time, and compares the first four octets of each line
// with
//         those of all wanted names at once; a masked compare with letter case folded confirms the one that it may be.
// Why:    a head is 500 to 1500 octets in 5 to 30 lines, ten of which matter; reading it octet by octet costs ten times
//         as much.
// Limits: reads up to 64 octets past the end of the data (see kPadding). Three kernels, chosen at start by what the
//         processor has, give the same result; tests force each.
#pragma once

#include <array>
#include <string>

#include "dataplane/bytes/bytes.h"

namespace spanbeat::http {

// The headers that are picked out of every head.
enum class Header : std::uint8_t {
  authorization,
  connection,
  content_encoding,
  content_length,
  content_type,
  host,
  referer,
  transfer_encoding,
  user_agent,
  real_ip,  // the one that real_ip_header names
};
inline constexpr std::size_t kHeaders = 10;

// A part of the head, by offset.
struct Slice {
  std::uint32_t at = 0;
  std::uint32_t size = 0;
};

struct HeaderLine {
  Slice name;
  Slice value;  // without blanks around it; the lines of a folded one as they stand
};

// A head with more header lines than this shows only the first ones in http.*.headers.
inline constexpr std::size_t kMaxHeaderLines = 256;

struct Head {
  std::uint32_t size = 0;  // octets, with the empty line that ends it; 0 when the end is not there
  Slice start_line;        // without its line end; meaningful once one line is complete
  std::uint32_t present = 0;
  std::array<Slice, kHeaders> picked;  // by Header; meaningful where its bit of `present` is set
  std::uint32_t line_count = 0;        // header lines in the caller's list

  [[nodiscard]] bool has(Header header) const { return (present >> static_cast<unsigned>(header) & 1U) != 0; }
  // The value of a header; empty when it is not there. A header that comes twice: the last one counts.
  [[nodiscard]] std::string_view value(Header header, Bytes head) const {
    if (!has(header)) return {};
    const Slice slice = picked[static_cast<std::size_t>(header)];
    return text(head.subspan(slice.at, slice.size));
  }
};

// What to look for. `real_ip` is in lower case, empty when nothing is asked for. `lines` has room for kMaxHeaderLines
// when every header is wanted, else it is null.
struct ScanOptions {
  std::string_view real_ip;
  HeaderLine* lines = nullptr;
};

// Scans a head that begins at the first octet of `data`. True when all of it is there.
[[nodiscard]] bool scan_head(Bytes data, const ScanOptions& options, Head& head);

// Where the octet behind the first empty line at or after `from` is; 0 when there is none. `from` must not lie behind
// an empty line.
[[nodiscard]] std::size_t find_head_end(Bytes data, std::size_t from);

enum class ScanKernel : std::uint8_t { plain, sse, avx2 };
// The best that this processor has.
[[nodiscard]] ScanKernel best_scan_kernel();
// For tests and benchmarks, before any thread scans.
void force_scan_kernel(ScanKernel kernel);

}  // namespace spanbeat::http
