// The reply to a bulk request, read item by item.
//
// What:   the status of every item in its order, and of those that failed why.
// Why:    each document of a batch is settled by its own item.
// Limits: reading ends at the first thing that is not as it should be; items before that count. Reasons are cut.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace spanbeat {

struct BulkItem {
  int status;
  std::string_view reason;  // TYPE: REASON; empty when nothing is said
};

// Calls `each` for at most `expected` items. True when there were exactly so many and the reply was whole.
[[nodiscard]] bool read_bulk_reply(std::string_view reply, std::size_t expected,
                                   const std::function<void(std::size_t index, const BulkItem& item)>& each);

// What an error reply to any request says: its error.type and error.reason, or its first characters.
[[nodiscard]] std::string error_of_reply(std::string_view reply);

}  // namespace spanbeat
