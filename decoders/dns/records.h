// Resource records in documents and in text.
//
// What:   writes a section as an array of objects (dns.answers …) and renders a message as the text of `request` and
//         `response`.
// Limits: made of messages that DnsMessage::read accepted.
#pragma once

#include <array>

#include "dataplane/event/event.h"
#include "decoders/dns/message.h"
#include "decoders/dns/mnemonics.h"
#include "decoders/dns/text.h"

namespace spanbeat {

// Room for the longest text of a record's data: a type bitmap that names all 65536 types.
inline constexpr std::size_t kRecordText = std::size_t{512} << 10;

// A message and what is shared by everything that is written of it.
struct DnsText {
  const DnsMessage& message;
  DnsTextBuffer& scratch;  // of kRecordText characters, with kPadding behind them
};

// Where the addresses of a section are. No message has room for more: the shortest A record has 15 octets.
struct DnsAddresses {
  struct Place {
    std::uint16_t begin;
    std::uint16_t size;
  };
  std::size_t count = 0;
  std::array<Place, 65536 / 15 + 1> places;
};

// The records of a section, without OPT; nothing when there are none. Their addresses are added to `addresses`.
void write_section(Event& event, Field field, const DnsSection& section, const DnsText& dns,
                   DnsAddresses* addresses = nullptr);

// "class IN, type A, ": what stands before the name where a question is shown; `buffer` is for what is put together.
struct QuestionBuffer {
  char text[64];
};
[[nodiscard]] std::string_view question_prefix(std::uint16_t type, std::uint16_t class_value, QuestionBuffer& buffer);

// The message in one line.
void render_request(Event& event, const DnsText& dns);
void render_response(Event& event, const DnsText& dns);

}  // namespace spanbeat
