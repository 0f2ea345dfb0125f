// A small stand-in for the engine, for the tests and fuzzers of decoders.
//
// What:   `Script` is a connection as a list of acts (data, gaps, ends); `play` gives it to a decoder as the engine
// would:
//         carries what the decoder leaves unread, honours every Step, and collects the committed events. Data can be
//         cut into segments at will. Events come back as `Document`s: names and values in text, easy to assert.
// Why:    a decoder's test is then the story of one connection and the document that it gives, and each story can be
// told in
//         whole segments, octet by octet and split anywhere, always with the same outcome.
// Limits: only what a decoder can see. No packets, no sequence numbers, no fields that the exporter derives.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/stream/decoder.h"

namespace spanbeat::testing {

// An event as text.
struct Document {
  EventHeader header;
  // Dotted name → values in the order of setting (of a plain field only the last). Numbers are decimal, addresses text,
  // dates nanoseconds, trees compact JSON, nulls "null".
  std::map<std::string, std::vector<std::string>> fields;

  // The value; several joined by ", "; "" when the field is not there.
  [[nodiscard]] std::string get(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
  // Header and fields, one line each, to compare whole documents.
  [[nodiscard]] std::string dump() const;
};

// Decodes what an Event or a Chunk holds.
[[nodiscard]] Document decode_event(Bytes encoded);

struct Act {
  enum class Kind { data, datagram, gap, end, close, timer };
  Kind kind = Kind::data;
  Direction direction = Direction::originator;
  Time time = 0;
  std::string octets;       // data and datagram
  std::uint64_t count = 0;  // gap
  CloseReason reason = CloseReason::fin;
};

// A connection, told in the order in which a monitor sees it. Every act takes place one second after the one before.
class Script {
 public:
  Script& from_client(std::string_view octets) { return add(Act::Kind::data, Direction::originator, octets); }
  Script& from_server(std::string_view octets) { return add(Act::Kind::data, Direction::responder, octets); }
  Script& datagram_from_client(std::string_view octets) {
    return add(Act::Kind::datagram, Direction::originator, octets);
  }
  Script& datagram_from_server(std::string_view octets) {
    return add(Act::Kind::datagram, Direction::responder, octets);
  }
  Script& gap(Direction direction, std::uint64_t octets);
  Script& end(Direction direction);  // FIN
  Script& close(CloseReason reason = CloseReason::fin);
  // The packet clock moves on; a timer that is due fires.
  Script& wait(Time duration);

  [[nodiscard]] const std::vector<Act>& acts() const { return acts_; }
  // Octets of data in all.
  [[nodiscard]] std::size_t octets() const;

 private:
  Script& add(Act::Kind kind, Direction direction, std::string_view octets);
  std::vector<Act> acts_;
  Time now_ = 0;
};

// How the data of each act is cut: given the act's octets and the offset of its first octet among all data of the
// script, the sizes of its segments. They share the act's time, so that the cut alone cannot change a document.
using Segmentation = std::function<std::vector<std::size_t>(std::size_t size, std::size_t offset)>;
[[nodiscard]] Segmentation whole();
[[nodiscard]] Segmentation octet_by_octet();
// One cut, before the octet at `offset` among all data.
[[nodiscard]] Segmentation cut_at(std::size_t offset);
// Segments of at most `size` octets.
[[nodiscard]] Segmentation pieces_of(std::size_t size);

struct Outcome {
  std::vector<Document> documents;
  Counters counters;
  bool done = false;             // the decoder said done
  int lost = 0;                  // times that it said lost
  std::size_t arena_in_use = 0;  // after the state was destroyed: 0, or the decoder leaks
  std::string dump() const;      // all documents
};

// The ends that play() uses: 10.0.0.1:40000 → 10.0.0.2:port.
struct PlayOptions {
  std::uint16_t server_port = 80;
  Transport transport = Transport::tcp;
  std::size_t event_memory = std::size_t{512} << 20;
  std::size_t carry_limit = std::size_t{10} << 20;
  bool close_at_end = true;  // close with `shutdown` when the script does not close
};

// Plays a script. Every buffer that the decoder sees is a fresh allocation of exactly its size and the padding, the
// padding filled with junk, so that sanitizers see reading too far and tests see what must not matter.
[[nodiscard]] std::unique_ptr<Outcome> play(Decoder& decoder, const Script& script,
                                            const Segmentation& segmentation = whole(),
                                            const PlayOptions& options = {});

// Plays a script whole, octet by octet, in pieces of 2 to 7, and cut at every offset. Empty when all outcomes are the
// same; else which cut gave another, and both.
[[nodiscard]] std::string differs_by_segments(Decoder& decoder, const Script& script, const PlayOptions& options = {});

// Plays whatever a fuzzer makes up: the input is read as a list of acts. Never fails; the decoder must survive.
void play_fuzz(Decoder& decoder, Bytes input, const PlayOptions& options = {});

}  // namespace spanbeat::testing
