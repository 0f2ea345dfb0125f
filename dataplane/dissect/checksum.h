// The Internet checksums of a dissected packet (RFC 1071): the innermost IPv4 header, and the TCP, UDP or ICMP behind
// it.
//
// What:   only for those who ask (spanbeat.checksums). What a NIC has found out is taken; the rest is added up here.
// Limits: what cannot be judged is not wrong: packets that were cut, fragments but for their IP header, SCTP (CRC32c),
// the
//         outer headers of tunnels, UDP over IPv4 without a checksum, lengths of 0 (segmentation offload).
#pragma once

#include "dataplane/dissect/headers.h"

namespace spanbeat {

[[nodiscard]] bool has_wrong_checksum(const Packet& packet, const Headers& headers);

}  // namespace spanbeat
