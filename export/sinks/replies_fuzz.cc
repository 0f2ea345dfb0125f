// Fuzz target: what servers answer. The first octet chooses whose answer the rest is.
#include <cstdint>
#include <string_view>

#include "export/sinks/elasticsearch/bulk_reply.h"
#include "export/sinks/elasticsearch/bulk_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace spanbeat;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 3) {
    case 0: {
      std::size_t next = 0;
      const bool whole = read_bulk_reply(text, 3, [&](std::size_t index, const BulkItem& item) {
        if (index != next++ || item.status < 100) __builtin_trap();
      });
      if (next > 3 || (whole && next != 3)) __builtin_trap();
      break;
    }
    case 1:
      if (error_of_reply(text).empty()) __builtin_trap();
      break;
    default: {
      BulkMetadata metadata;
      std::string_view rest;
      if (cut_metadata(text, metadata, rest) && rest.size() > text.size()) __builtin_trap();
    }
  }
  return 0;
}
