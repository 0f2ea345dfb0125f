// What the client sends: commands, the content of files, and authentication.
#include <algorithm>

#include "dataplane/event/tree_writer.h"
#include "decoders/known_texts.h"
#include "decoders/mysql/mysql.h"
#include "decoders/mysql/values.h"

namespace spanbeat {

using mysql::Command;
using mysql::MysqlConnection;
using mysql::PendingCommand;
using mysql::Stage;
using mysql::Statement;
namespace capability = mysql::capability;

namespace {

constexpr std::size_t kLongestMethod = 256;

// What most statements begin with.
constexpr std::string_view kMethodTexts[] = {"SELECT",   "INSERT",   "UPDATE",  "DELETE", "REPLACE", "CREATE",
                                             "DROP",     "ALTER",    "SHOW",    "SET",    "USE",     "BEGIN",
                                             "START",    "COMMIT",   "CALL",    "WITH",   "EXPLAIN", "ROLLBACK",
                                             "DESCRIBE", "TRUNCATE", "ANALYZE", "LOCK",   "UNLOCK"};
const KnownTexts<Word> kMethods(kMethodTexts, [](std::string_view method) { return Word(method); });
constexpr std::uint32_t kLastPrepared = 0xffffffff;      // MariaDB: the statement that was prepared last
constexpr std::uint8_t kParameterCountAvailable = 0x08;  // "COM_STMT_EXECUTE", flags
constexpr std::size_t kMostParameters = 65535;
constexpr std::size_t kMostParameterText = std::size_t{1} << 20;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view trimmed(std::string_view sql) {
  while (!sql.empty() && is_space(sql.front())) sql.remove_prefix(1);
  while (!sql.empty() && is_space(sql.back())) sql.remove_suffix(1);
  return sql;
}

// The query attributes in front of a COM_QUERY; the cursor fails when there are none that can be read.
void skip_attributes(Cursor& cursor) {
  const std::uint64_t count = mysql::length_encoded(cursor);
  (void)mysql::length_encoded(cursor);  // sets of them: 1
  if (count == 0) return;
  if (count > kMostParameters) {
    cursor.fail();
    return;
  }
  const auto attributes = static_cast<std::size_t>(count);
  const Bytes nulls = cursor.take((attributes + 7) / 8);
  if (cursor.u8() != 1) cursor.fail();
  Cursor types = cursor;
  for (std::size_t i = 0; i < attributes && cursor.ok(); ++i) {
    cursor.skip(2);
    (void)mysql::length_encoded_text(cursor);
  }
  mysql::ValueRoom room;
  for (std::size_t i = 0; i < attributes && cursor.ok(); ++i) {
    const std::uint8_t type = types.u8();
    types.skip(1);
    (void)mysql::length_encoded_text(types);
    if (!mysql::bit_of(nulls, i)) (void)mysql::read_value(cursor, type, false, mysql::ValueStyle::parameter, room);
  }
}

// Long data of one parameter, joined, in `room`; false when there was none.
bool long_data_of(const Statement& statement, std::size_t parameter, EventArena& arena, GrowBuffer& room) {
  room.clear();
  bool any = false;
  Cursor cursor(statement.long_data.view());
  while (!cursor.empty()) {
    const std::size_t of = cursor.le16();
    const Bytes octets = cursor.take(cursor.le32());
    if (!cursor.ok()) break;
    if (of != parameter) continue;
    any = true;
    room.append(arena, octets, kMostParameterText);
  }
  return any;
}

}  // namespace

Mysql::Found Mysql::client_message(MysqlConnection& state, const Message& message, Context& context) {
  mysql::Answer& answer = state.answer;
  const bool logging_in = answer.stage == Stage::greeting || answer.stage == Stage::authentication;
  if (logging_in && message.sequence != 0) return client_handshake(state, message, context);
  if (logging_in) answer.stage = Stage::response;  // the end of it was not seen
  if (state.infile) {
    if (Event& event = state.waiting.front().event) event.header().source_bytes += message.wire;
    if (message.length == 0) state.infile = false;
    return Found::progress;
  }
  if (message.sequence != 0) return Found::progress;  // COM_CHANGE_USER: authentication
  if (message.length == 0) return Found::progress;
  return command(state, message, context);
}

Mysql::Found Mysql::command(MysqlConnection& state, const Message& message, Context& context) {
  const auto command = static_cast<Command>(message.first);
  if (state.answer.stage == Stage::tail) finish(state, context);
  if (!state.sides[1].in_place) {
    // Where the server is, is not known, and few clients send ahead: the answers to what was sent earlier were not
    // seen.
    for (std::uint32_t i = 0; i < state.waiting.size(); ++i) {
      Event& before = state.waiting[i].event;
      if (!before || before.header().start != message.begin) state.waiting[i].in_doubt = true;
    }
  }
  while (!state.waiting.empty() && state.waiting.front().in_doubt) give_up_front(state, context);
  if (state.unmatched) state.sides[1].in_place = false;
  state.unmatched = false;

  Cursor payload(message.payload);
  payload.skip(1);
  switch (command) {
    case Command::quit:
      return Found::progress;
    case Command::stmt_close:
      state.session.statements.forget(payload.le32());
      return Found::progress;
    case Command::stmt_send_long_data:
      keep_long_data(state, payload, context);
      return Found::progress;
    case Command::binlog_dump:
    case Command::binlog_dump_gtid:
    case Command::table_dump:
    case Command::clone:
    case Command::subscribe_group_replication:
      flush(state, context);
      return Found::stop;
    case Command::change_user:
    case Command::reset_connection:
      state.session.statements.clear();
      break;
    default:
      break;
  }

  PendingCommand transaction;
  transaction.command = command;
  const bool told = command == Command::query || command == Command::stmt_prepare || command == Command::stmt_execute ||
                    command == Command::stmt_bulk_execute;
  if (told) {
    transaction.event = context.event(state.client);
    if (!transaction.event) context.commit(Event());  // no memory: the document is counted as dropped
    Event& event = transaction.event;
    event.header().timestamp = message.begin;
    event.header().start = message.begin;
    event.header().source_bytes = message.wire;
    if (message.holed) event.note("Packet loss while capturing the request");
    if (command == Command::query) {
      query(state, event, message);
    } else if (command == Command::stmt_prepare) {
      prepare(transaction, message, context);
    } else {
      execute(state, event, message, context);
    }
  }
  if (state.waiting.size() >= mysql::CommandQueue::kMost) {
    context.counters().add(Counter::transactions_evicted);
    flush(state, context);
    state.sides[1].in_place = false;
  }
  if (!state.waiting.push_back(context.arena(), std::move(transaction))) {
    context.counters().add(Counter::transactions_evicted);
    flush(state, context);
    state.sides[1].in_place = false;
    // What was refused was not moved. NOLINTBEGIN(bugprone-use-after-move)
    if (transaction.event) {
      transaction.event.note("Unmatched request");
      transaction.event.header().status = Status::error;
      context.counters().add(Counter::mysql_unmatched_requests);
      context.commit(std::move(transaction.event));
    }
    // NOLINTEND(bugprone-use-after-move)
  }
  return Found::progress;
}

// What every statement's document says of its text. The text is shown as it was sent in `request`, trimmed in `query`.
void Mysql::begin_statement(Event& event, std::string_view sql) {
  const std::string_view statement = trimmed(sql);
  event.set<F::query>(statement);
  const std::uint32_t query = event.last_entry();
  set_method(event, statement);
  if (!config_->send_request) return;
  if (statement.size() == sql.size()) {
    event.set_same<F::request>(query);
  } else {
    event.set<F::request>(sql);
  }
}

// The first word in capitals.
void Mysql::set_method(Event& event, std::string_view statement) {
  char capitals[kLongestMethod];
  std::size_t size = 0;
  for (; size < std::min(statement.size(), kLongestMethod) && !is_space(statement[size]); ++size) {
    const char c = statement[size];
    capitals[size] = c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c;
  }
  if (const Word* const known = kMethods.find({capitals, size}); known != nullptr) {
    event.set<F::method>(*known);
  } else {
    event.set<F::method>({capitals, size});
  }
}

// "COM_QUERY".
void Mysql::query(MysqlConnection& state, Event& event, const Message& message) {
  Cursor sql(message.payload);
  sql.skip(1);
  // No statement begins with such octets; where the handshake was not seen, they tell.
  const bool attributes = state.session.capabilities_known ? state.session.has(capability::query_attributes)
                                                           : sql.size() >= 2 && sql.peek(0) < '\t' && sql.peek(1) == 1;
  if (attributes) {
    Cursor behind = sql;
    skip_attributes(behind);
    if (behind.ok()) sql = behind;
  }
  begin_statement(event, text(sql.rest()));
}

// "COM_STMT_PREPARE". The statement is not executed, so `query` does not say it: it is the parameter of the command.
void Mysql::prepare(PendingCommand& transaction, const Message& message, Context& context) {
  const Bytes octets = message.payload.empty() ? Bytes() : message.payload.subspan(1);
  const std::string_view sql = text(octets);
  Event& event = transaction.event;
  event.set<F::query>("Request Prepare Statement");
  set_method(event, trimmed(sql));
  if (config_->send_request) event.set<F::request>(sql);
  {
    TreeWriter tree(event, F::params);
    tree.array();
    tree.string(trimmed(sql));
    tree.end();
  }
  transaction.statement.append(context.arena(), octets, mysql::Statements::kMostOctets);
}

// "COM_STMT_EXECUTE" and MariaDB's "COM_STMT_BULK_EXECUTE", whose many rows of parameters are not shown.
void Mysql::execute(MysqlConnection& state, Event& event, const Message& message, Context& context) {
  Cursor payload(message.payload);
  payload.skip(1);
  const std::uint32_t id = payload.le32();
  const bool last = id == kLastPrepared;
  if (last) {
    // Sent ahead, behind its preparation.
    for (std::uint32_t i = state.waiting.size(); i > 0; --i) {
      const PendingCommand& before = state.waiting[i - 1];
      if (before.command != Command::stmt_prepare) continue;
      begin_statement(event, text(before.statement.view()));
      return;
    }
  }
  mysql::Statements& statements = state.session.statements;
  Statement* statement = statements.use(last ? statements.last() : id, context.time(), config_->statement_timeout);
  if (statement == nullptr) {
    event.set<F::query>("Request Execute Statement");
    event.note("The actual query being used is unknown");
    return;
  }
  begin_statement(event, statement->text());
  if (message.first == static_cast<std::uint8_t>(Command::stmt_execute)) {
    write_parameters(state, event, *statement, payload, context);
    statement->long_data.clear();
  }
}

void Mysql::write_parameters(MysqlConnection& state, Event& event, Statement& statement, Cursor payload,
                             Context& context) {
  const std::uint8_t flags = payload.u8();
  payload.skip(4);  // iterations: 1
  const bool names = state.session.may_have(capability::query_attributes) && (flags & kParameterCountAvailable) != 0;
  std::size_t count = statement.parameters;
  if (names) {
    const std::uint64_t with_attributes = mysql::length_encoded(payload);
    if (with_attributes > kMostParameters) return;
    count = std::max(count, static_cast<std::size_t>(with_attributes));
  }
  if (statement.parameters == 0) return;
  const Bytes nulls = payload.take((count + 7) / 8);
  if (payload.u8() == 1) {
    for (std::size_t i = 0; i < count; ++i) {
      const Bytes type = payload.take(2);
      if (names) (void)mysql::length_encoded_text(payload);
      if (!payload.ok()) return;
      if (i < statement.parameters) std::copy(type.begin(), type.end(), statement.types() + 2 * i);
    }
    statement.has_types = true;
  }
  if (!payload.ok() || !statement.has_types) return;

  mysql::ValueRoom room;
  GrowBuffer long_data;
  // Parameter by parameter; false when one cannot be read.
  const auto each = [&](auto&& take) {
    Cursor values = payload;
    for (std::size_t i = 0; i < statement.parameters; ++i) {
      const std::uint8_t* type = statement.types() + 2 * i;
      if (mysql::bit_of(nulls, i)) {
        take(std::string_view("NULL"));
      } else if (long_data_of(statement, i, context.arena(), long_data)) {
        take(text(long_data.view()));
      } else {
        const bool is_unsigned = (type[1] & mysql::kUnsignedParameter) != 0;
        const std::string_view value =
            mysql::read_value(values, type[0], is_unsigned, mysql::ValueStyle::parameter, room);
        if (!values.ok()) return false;
        take(value);
      }
    }
    return true;
  };
  if (!each([](std::string_view) {})) return;
  std::size_t left = kMostParameterText;
  TreeWriter tree(event, F::params);
  tree.array();
  (void)each([&](std::string_view value) {
    if (left == 0) return;
    value = value.substr(0, left);
    left -= value.size();
    tree.string(value);
  });
  tree.end();
}

// "COM_STMT_SEND_LONG_DATA": a part of a parameter of the execution that follows.
void Mysql::keep_long_data(MysqlConnection& state, Cursor payload, Context& context) {
  Statement* statement = state.session.statements.use(payload.le32(), context.time(), config_->statement_timeout);
  const Bytes parameter = payload.take(2);
  if (statement == nullptr || !payload.ok()) return;
  constexpr std::size_t kHead = 6;
  constexpr std::size_t kMost = mysql::Statements::kMostLongData;
  if (statement->long_data.size() + kHead > kMost) return;
  const Bytes octets = payload.rest().first(std::min(payload.size(), kMost - kHead - statement->long_data.size()));
  std::uint8_t head[kHead] = {parameter[0], parameter[1]};
  for (std::size_t i = 0; i < 4; ++i) head[2 + i] = static_cast<std::uint8_t>(octets.size() >> 8 * i);
  statement->long_data.append(context.arena(), head, kMost);
  statement->long_data.append(context.arena(), octets, kMost);
}

}  // namespace spanbeat
