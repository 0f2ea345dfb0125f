// Messages that lie whole in the data and are of the usual form, which nearly all are: taken in one pass.
//
// What:   a command that is an array of strings and neither changes the connection nor has secrets; a reply of one
//         value; a reply that is an array of strings.
// Why:    the readers of resp.h can stop at every octet, and pay for it at every string; these need to remember
// nothing. Limits: what they do not take is for a reader, which gives the same result. They look at up to kPadding
// octets behind
//         the data.
#pragma once

#include "decoders/redis/resp.h"

namespace spanbeat::redis {

// All of them give how many octets were taken; 0: none, and nothing was written. `text` is empty before.
[[nodiscard]] std::size_t take_plain_command(Bytes data, MessageText& text, Command& command);
// `shown` is where it lies in the data.
[[nodiscard]] std::size_t take_single_reply(Bytes data, Bytes& shown, ReplyFacts& facts);
[[nodiscard]] std::size_t take_flat_reply(Bytes data, MessageText& text, ReplyFacts& facts);

}  // namespace spanbeat::redis
