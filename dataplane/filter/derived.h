// The filter that the decoded protocols' ports make, for live sources whose user asked for nothing else.
//
// What:   the text of a libpcap expression. It passes every packet that a decoder could want: its ports and ICMP, and
//         whatever hides them from such a test: tagged and labelled frames, fragments, IPv6 extension headers, and the
//         tunnels that are opened.
// Why:    an optimisation only. Packets that nobody decodes need not be copied out of the kernel.
// Limits: only where flows are off, since flows are of all packets. Not for files: there it would save nothing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dataplane/dissect/tunnel.h"
#include "dataplane/stream/decoder.h"

namespace spanbeat {

// `decoders` as the worker has them; null where a protocol is off.
[[nodiscard]] std::string derived_filter(const std::vector<std::unique_ptr<Decoder>>& decoders,
                                         const TunnelSet& tunnels);

}  // namespace spanbeat
