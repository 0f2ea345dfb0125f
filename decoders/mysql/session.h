// What a MySQL connection agreed on, and how it survives a pause.
//
// What:   `Session` is what must be known of a connection to read it: capabilities, compression, prepared statements.
//         `ParkedSessions` keeps the sessions of connections that were idle for longer than the engine remembers them
//         (pools keep connections open for hours), until they speak again.
// Limits: at most kMost sessions and kMostOctets in a worker, none for longer than `statement_timeout`; the one that
// was
//         parked first goes first. Memory of its own, as it outlives the connection's.
#pragma once

#include <list>
#include <unordered_map>

#include "dataplane/stream/decoder.h"
#include "decoders/mysql/statements.h"

namespace spanbeat::mysql {

struct Session {
  // Does the server send EOF packets? It says so in the capabilities, or shows it.
  enum class EofPackets : std::uint8_t { unknown, sent, left_out };

  std::uint64_t capabilities = 0;   // what both ends said
  bool capabilities_known = false;  // the handshake was seen
  bool compressed = false;
  EofPackets eof_packets = EofPackets::unknown;
  Statements statements;

  [[nodiscard]] bool has(std::uint64_t flag) const { return (capabilities & flag) != 0; }
  [[nodiscard]] bool may_have(std::uint64_t flag) const { return !capabilities_known || has(flag); }
  void clear() {
    capabilities = 0;
    capabilities_known = compressed = false;
    eof_packets = EofPackets::unknown;
    statements.clear();
  }
};

class ParkedSessions {
 public:
  static constexpr std::size_t kMost = 16384;
  static constexpr std::size_t kMostOctets = std::size_t{64} << 20;

  void park(const Endpoints& ends, Session& session, Time now, std::int64_t timeout);
  // Gives back what was parked for these ends; false when nothing was.
  bool resume(const Endpoints& ends, Session& session, Time now, std::int64_t timeout, EventArena& arena,
              Counters& counters);
  [[nodiscard]] bool empty() const { return parked_.empty(); }

 private:
  struct Key {
    IpAddress addresses[2];
    std::uint16_t ports[2];
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  struct ParkedStatement {
    std::uint32_t id;
    std::uint32_t parameters;
    Time since;
    bool has_types;
    std::string text;
    std::string types;
  };
  struct Parked {
    Key key;
    Time since;
    std::uint64_t capabilities;
    bool capabilities_known;
    bool compressed;
    Session::EofPackets eof_packets;
    std::size_t octets;
    std::vector<ParkedStatement> statements;
  };
  static Key key_of(const Endpoints& ends);
  void drop(std::list<Parked>::iterator parked);

  std::list<Parked> parked_;  // oldest first
  std::unordered_map<Key, std::list<Parked>::iterator, KeyHash> index_;
  std::size_t octets_ = 0;
};

}  // namespace spanbeat::mysql
