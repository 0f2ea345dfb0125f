// The OPT record: EDNS(0), RFC 6891.
//
// What:   checks the options of an OPT record, and writes them into dns.opt.
// Limits: an option that its own specification does not allow breaks the message. PADDING is not shown; an option
// without a
//         name here is shown as `code:0xoctets`, the last one of several.
#pragma once

#include "dataplane/event/event.h"
#include "decoders/dns/message.h"
#include "decoders/dns/text.h"

namespace spanbeat {

[[nodiscard]] bool check_options(Bytes options);

// `scratch` is used for the texts.
void write_options(Event& event, Bytes message, const DnsRecord& opt, DnsTextBuffer& scratch);

}  // namespace spanbeat
