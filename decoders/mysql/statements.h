// The prepared statements of a connection.
//
// What:   by the server's id: the text, how many parameters, and their types as the client sent them last (it sends
// them
//         only when they change). Long data that was sent ahead of an execution waits here too.
// Limits: kMost statements and kMostOctets of them in a connection; the one that was not used for longest goes first.
// One
//         that was not used for `statement_timeout` is not known any more.
#pragma once

#include "base/counters.h"
#include "decoders/mysql/wire.h"
#include "decoders/pending.h"

namespace spanbeat::mysql {

struct Statement : PendingLinks<Statement> {
  std::uint32_t text_size = 0;
  std::uint32_t parameters = 0;  // kUnknown before the server has said
  bool has_types = false;
  GrowBuffer long_data;  // records: parameter (2), length (4), octets
  static constexpr std::uint32_t kUnknown = 0xffffffff;

  // The text, then two octets of type for each parameter, lie behind the entry.
  [[nodiscard]] std::string_view text() { return spanbeat::text({Pending<Statement>::extra(this), text_size}); }
  [[nodiscard]] std::uint8_t* types() { return Pending<Statement>::extra(this) + text_size; }
  [[nodiscard]] std::size_t octets() const { return text_size + std::size_t{2} * parameters; }
};

class Statements {
 public:
  static constexpr std::size_t kMost = 1024;
  static constexpr std::size_t kMostOctets = std::size_t{8} << 20;
  static constexpr std::size_t kMostLongData = std::size_t{64} << 10;

  // Remembers a statement, and forgets what had its id.
  Statement* add(EventArena& arena, std::uint32_t id, std::string_view text, std::uint32_t parameters, Time now,
                 Counters& counters) {
    forget(id);
    const std::size_t octets = text.size() + std::size_t{2} * parameters;
    if (octets > kMostOctets) {
      counters.add(Counter::mysql_statements_evicted);
      return nullptr;
    }
    while (entries_.size() >= kMost || octets_ + octets > kMostOctets) {
      counters.add(Counter::mysql_statements_evicted);
      remove(entries_.oldest());
    }
    Statement* statement = entries_.add(arena, id, now, octets);
    if (statement == nullptr) {
      counters.add(Counter::mysql_statements_evicted);
      return nullptr;
    }
    statement->text_size = static_cast<std::uint32_t>(text.size());
    statement->parameters = parameters;
    if (!text.empty()) std::memcpy(Pending<Statement>::extra(statement), text.data(), text.size());
    octets_ += octets;
    last_ = id;
    return statement;
  }

  // The statement, which counts as used now; null when it is not known, or was not used for `timeout`.
  [[nodiscard]] Statement* use(std::uint32_t id, Time now, std::int64_t timeout) {
    Statement* statement = entries_.find(id);
    if (statement == nullptr) return nullptr;
    if (now - statement->since > timeout) {
      remove(statement);
      return nullptr;
    }
    entries_.touch(statement, now);
    return statement;
  }

  void forget(std::uint32_t id) {
    if (Statement* statement = entries_.find(id)) remove(statement);
  }
  void clear() {
    while (!entries_.empty()) remove(entries_.oldest());
  }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] Statement* oldest() const { return entries_.oldest(); }
  [[nodiscard]] std::size_t octets() const { return octets_; }
  // The id of the statement that was prepared last.
  [[nodiscard]] std::uint32_t last() const { return last_; }

 private:
  void remove(Statement* statement) {
    octets_ -= statement->octets();
    entries_.remove(statement);
  }
  Pending<Statement> entries_;
  std::size_t octets_ = 0;
  std::uint32_t last_ = 0;
};

}  // namespace spanbeat::mysql
