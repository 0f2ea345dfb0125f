// Result sets as CSV (RFC 4180), as `response` shows them.
//
// What:   appends fields and line ends to a buffer. A field is quoted where Go's encoding/csv does it, because that is
// what
//         Packetbeat's documents were written with; line ends inside values are written as \n and \r.
// Limits: what does not fit under the buffer's cap is left out.
#pragma once

#include "dataplane/event/event.h"

namespace spanbeat::mysql {

class CsvLine {
 public:
  // `first`: the next field is the first one of its line.
  CsvLine(EventArena& arena, GrowBuffer& out, std::size_t cap, bool first)
      : arena_(arena), out_(out), cap_(cap), first_(first) {}
  void field(std::string_view value);
  void end() { add("\n"); }

 private:
  void add(std::string_view characters) { out_.append(arena_, bytes(characters), cap_); }
  EventArena& arena_;
  GrowBuffer& out_;
  std::size_t cap_;
  bool first_;
};

}  // namespace spanbeat::mysql
