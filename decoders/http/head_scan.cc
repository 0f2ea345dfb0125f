#include "decoders/http/head_scan.h"

#include <cstring>

#include "decoders/http/head_scan_tables.h"

namespace spanbeat::http {
namespace plain {

struct Vector {
  static std::uint64_t newlines(const std::uint8_t* at) {
    std::uint64_t mask = 0;
    for (unsigned i = 0; i < 64; ++i) mask |= static_cast<std::uint64_t>(at[i] == '\n') << i;
    return mask;
  }
  using Starts = NameStarts;
  static unsigned matching(const std::uint8_t* at, const Starts& starts) {
    const NameStart start = name_start(at);
    unsigned mask = 0;
    for (unsigned i = 0; i < kStarts; ++i) mask |= static_cast<unsigned>(starts.starts[i] == start) << i;
    return mask;
  }
  static bool same(const std::uint8_t* at, const std::uint8_t* pattern, const std::uint8_t* mask) {
    for (unsigned i = 0; i < 32; ++i) {
      if (((at[i] | 0x20) & mask[i]) != pattern[i]) return false;
    }
    return true;
  }
};

#include "decoders/http/head_scan_kernel.h"

}  // namespace plain

namespace {

using Scan = bool (*)(const std::uint8_t*, std::size_t, const ScanOptions&, Head&);

Scan scan_of(ScanKernel kernel) {
  switch (kernel) {
    case ScanKernel::avx2:
      return avx2::scan;
    case ScanKernel::sse:
      return sse::scan;
    case ScanKernel::plain:
      break;
  }
  return plain::scan;
}

Scan chosen = scan_of(best_scan_kernel());

}  // namespace

ScanKernel best_scan_kernel() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") ? ScanKernel::avx2 : ScanKernel::sse;
}

void force_scan_kernel(ScanKernel kernel) { chosen = scan_of(kernel); }

bool scan_head(Bytes data, const ScanOptions& options, Head& head) {
  head.size = 0;
  head.start_line = {};
  head.present = 0;
  head.line_count = 0;
  return chosen(data.data(), data.size(), options, head);
}

std::size_t find_head_end(Bytes data, std::size_t from) {
  std::size_t at = from;
  while (at < data.size()) {
    const void* found = std::memchr(data.data() + at, '\n', data.size() - at);
    if (found == nullptr) return 0;
    at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - data.data()) + 1;
    std::size_t next = at;
    if (next < data.size() && data[next] == '\r') ++next;
    if (next < data.size() && data[next] == '\n') return next + 1;
  }
  return 0;
}

}  // namespace spanbeat::http
