// What the server sends: responses, by the command that they answer.
#include "decoders/mysql/mysql.h"

#include <algorithm>

namespace spanbeat {

using mysql::Command;
using mysql::MysqlConnection;
using mysql::Stage;
using EofPackets = mysql::Session::EofPackets;
namespace capability = mysql::capability;

namespace {

constexpr std::uint64_t kShortestOk = 5;  // before 4.1; since then 7
constexpr std::uint64_t kLongestEof = 5;  // "EOF_Packet"; what is longer and begins alike is an "OK_Packet"
constexpr std::uint64_t kMostColumns = 65535;

// The end of definitions or rows. A row may begin with the same octet only when its first value is so long that the
// packet is full.
bool ends_rows(std::uint8_t first, std::uint64_t length) { return first == mysql::kEof && length < mysql::kFullPacket; }
bool is_eof(std::uint8_t first, std::uint64_t length) { return first == mysql::kEof && length <= kLongestEof; }

// Status flags of "EOF_Packet" and of an "OK_Packet".
std::uint16_t status_of(Bytes payload, std::uint64_t length) {
  Cursor cursor(payload);
  cursor.skip(1);
  if (is_eof(mysql::kEof, length)) {
    cursor.skip(2);  // warnings
  } else {
    (void)mysql::length_encoded(cursor);
    (void)mysql::length_encoded(cursor);
  }
  return cursor.le16();
}

}  // namespace

Mysql::Found Mysql::server_message(MysqlConnection& state, const Message& message, Context& context) {
  mysql::Answer& answer = state.answer;
  if (answer.stage == Stage::greeting) return greeting(state, message);
  if (answer.stage == Stage::authentication) return authentication(state, message, context);
  if (answer.stage == Stage::tail) {
    if (is_eof(message.first, message.length)) {
      state.session.eof_packets = EofPackets::sent;
      answer.size.octets += message.wire;
      finish(state, context);
      return Found::progress;
    }
    finish(state, context);
  }
  if (state.waiting.empty()) {
    if (!state.unmatched) context.counters().add(Counter::mysql_unmatched_responses);
    state.unmatched = true;
    return Found::nothing;
  }
  // MariaDB tells how far a long statement is by error packets that are none.
  if (message.first == mysql::kError && message.payload.size() >= 3 &&
      (message.payload[1] & message.payload[2]) == 0xff) {
    return Found::progress;
  }
  if (!answer.begun) {
    answer.begun = true;
    if (Event& event = state.waiting.front().event) event.header().end = message.begin;
  }
  answer.size.octets += message.wire;
  answer.holed = answer.holed || message.holed;
  switch (answer.stage) {
    case Stage::response:
      first_packet(state, message, context);
      break;
    case Stage::definitions:
      if (message.first == mysql::kError) {
        error_packet(state, message, context);
      } else if (is_eof(message.first, message.length)) {
        answer.stage = Stage::rows;  // fewer than announced
      } else {
        definition(state, message.payload, message.length, true, context);
        if (--answer.columns_left == 0) answer.stage = Stage::rows_or_eof;
      }
      break;
    case Stage::rows_or_eof:
      if (is_eof(message.first, message.length)) {
        state.session.eof_packets = EofPackets::sent;
        answer.stage = Stage::rows;
        const std::uint16_t status = status_of(message.payload, message.length);
        if ((status & mysql::kCursorExists) != 0)
          end_of_result(state, status, context);  // rows come with COM_STMT_FETCH
        break;
      }
      if (!ends_rows(message.first, message.length)) state.session.eof_packets = EofPackets::left_out;
      answer.stage = Stage::rows;
      [[fallthrough]];
    case Stage::rows:
      row_or_end(state, message, context);
      break;
    case Stage::field_list:
      if (message.first == mysql::kError || ends_rows(message.first, message.length)) finish(state, context);
      break;
    case Stage::prepared:
      prepared(state, message, context);
      break;
    default:
      break;
  }
  return Found::progress;
}

void Mysql::first_packet(MysqlConnection& state, const Message& message, Context& context) {
  mysql::Answer& answer = state.answer;
  if (message.first == mysql::kError) {
    error_packet(state, message, context);
    return;
  }
  switch (state.waiting.front().command) {
    case Command::query:
    case Command::stmt_execute:
    case Command::stmt_bulk_execute:
    case Command::process_info:
      break;
    case Command::stmt_prepare:
      prepare_ok(state, message, context);
      return;
    case Command::stmt_fetch:
      answer.stage = Stage::rows;
      row_or_end(state, message, context);
      return;
    case Command::field_list:
      answer.stage = Stage::field_list;
      if (ends_rows(message.first, message.length)) finish(state, context);
      return;
    case Command::change_user:
      if (message.first == mysql::kOk) finish(state, context);
      return;
    default:
      finish(state, context);
      return;
  }
  if (message.first == mysql::kLocalInfile && state.waiting.front().command == Command::query) {
    // "LOCAL INFILE Request": the answer comes when the client has sent the file.
    state.infile = true;
    answer.begun = false;
  } else if ((message.first == mysql::kOk && message.length >= kShortestOk) || message.first == mysql::kEof) {
    ok_packet(state, message, context);
  } else {
    column_count(state, message);
  }
}

// "OK_Packet".
void Mysql::ok_packet(MysqlConnection& state, const Message& message, Context& context) {
  mysql::Answer& answer = state.answer;
  if (is_eof(message.first, message.length)) {
    end_of_result(state, status_of(message.payload, message.length), context);
    return;
  }
  Cursor cursor(message.payload);
  cursor.skip(1);
  const std::uint64_t affected = mysql::length_encoded(cursor);
  const std::uint64_t insert_id = mysql::length_encoded(cursor);
  const std::uint16_t status = cursor.le16();
  answer.affected_rows += affected;
  if (answer.insert_id == 0) answer.insert_id = insert_id;
  end_of_result(state, cursor.ok() ? status : std::uint16_t{0}, context);
}

// "ERR_Packet". It ends the response, also of several results.
void Mysql::error_packet(MysqlConnection& state, const Message& message, Context& context) {
  Event& event = state.waiting.front().event;
  if (event) {
    Cursor cursor(message.payload);
    cursor.skip(1);
    event.header().status = Status::error;
    event.set<F::mysql_error_code>(cursor.le16());
    std::string_view sql_state;
    if (cursor.peek() == '#') {
      cursor.skip(1);
      sql_state = text(cursor.take(5));
    }
    event.set<F::mysql_error_message>(sql_state);
    if (!sql_state.empty()) event.append_text<F::mysql_error_message>(": ");
    event.append_text<F::mysql_error_message>(text(cursor.rest()));
  }
  finish(state, context);
}

// "Text Resultset": the number of columns, and, where agreed, whether their definitions follow. MySQL says that before
// the number, MariaDB behind it.
void Mysql::column_count(MysqlConnection& state, const Message& message) {
  mysql::Answer& answer = state.answer;
  const mysql::Session& session = state.session;
  Cursor cursor(message.payload);
  bool definitions = true;
  const bool before = session.capabilities_known ? session.has(capability::optional_metadata)
                                                 : message.length >= 2 && message.first <= 1 && cursor.peek(1) != 1;
  if (before) definitions = cursor.u8() != 0;
  const std::uint64_t columns = mysql::length_encoded(cursor);
  if (!before && cursor.size() == 1) definitions = cursor.u8() != 0;
  const bool sensible = cursor.ok() && columns <= kMostColumns;
  answer.columns_left = answer.column_count = sensible ? static_cast<std::uint32_t>(columns) : 0;
  if (!answer.has_columns) answer.num_fields = answer.column_count;
  answer.has_columns = true;
  answer.columns.clear();
  answer.stage = definitions && answer.columns_left != 0 ? Stage::definitions : Stage::rows_or_eof;
}

// "Column Definition": the tables are told, and with send_response the names. Of parameters nothing is.
void Mysql::definition(MysqlConnection& state, Bytes payload, std::uint64_t length, bool of_result, Context& context) {
  mysql::Answer& answer = state.answer;
  if (!state.waiting.front().event) return;
  Cursor cursor(payload);
  (void)mysql::length_encoded_text(cursor);  // catalog
  const Bytes schema = mysql::length_encoded_text(cursor);
  const Bytes table = mysql::length_encoded_text(cursor);
  if (cursor.ok()) answer.tables.add(context.arena(), text(schema), text(table));
  if (!config_->send_response || !of_result) return;
  (void)mysql::length_encoded_text(cursor);  // the table's own name
  show_name(state, mysql::length_encoded_text(cursor), context);
  // The part of fixed size is at the end, behind whatever was agreed on: character set (2), length (4), type, flags
  // (2), decimals, filler (2).
  std::uint8_t column[2] = {static_cast<std::uint8_t>(mysql::Type::varchar), 0};
  constexpr std::size_t kTypeFromEnd = 6;
  if (payload.size() == length && length > kTypeFromEnd) {
    const Bytes end = payload.last(kTypeFromEnd);
    column[0] = end[0];
    column[1] = (end[1] & mysql::kUnsignedColumn) != 0 ? 1 : 0;
  }
  answer.columns.append(context.arena(), column, 2 * kMostColumns);
}

void Mysql::row_or_end(MysqlConnection& state, const Message& message, Context& context) {
  mysql::Answer& answer = state.answer;
  if (message.first == mysql::kError) {
    error_packet(state, message, context);
    return;
  }
  if (ends_rows(message.first, message.length)) {
    end_of_result(state, status_of(message.payload, message.length), context);
    return;
  }
  answer.size.count_row();
  if (shows_rows(state)) show_row(state, message.payload, context);
}

// "COM_STMT_PREPARE_OK".
void Mysql::prepare_ok(MysqlConnection& state, const Message& message, Context& context) {
  mysql::Answer& answer = state.answer;
  mysql::PendingCommand& transaction = state.waiting.front();
  mysql::Session& session = state.session;
  Cursor cursor(message.payload);
  const bool ok = cursor.u8() == mysql::kOk;
  const std::uint32_t id = cursor.le32();
  const std::uint32_t columns = cursor.le16();
  const std::uint32_t parameters = cursor.le16();
  if (!ok || !cursor.ok()) {
    finish(state, context);
    return;
  }
  cursor.skip(1 + 2);  // filler, warnings
  session.statements.add(context.arena(), id, text(transaction.statement.view()), parameters, context.time(),
                         context.counters());
  answer.num_fields = columns;
  answer.columns_left = columns;
  answer.parameters_left = parameters;
  const bool without_definitions = session.has(capability::optional_metadata) && !cursor.empty() && cursor.u8() == 0;
  if (without_definitions || columns + parameters == 0) {
    finish(state, context);
  } else {
    answer.stage = Stage::prepared;
  }
}

// Definitions of parameters, then of columns, each followed by an EOF packet unless that was agreed not to be.
void Mysql::prepared(MysqlConnection& state, const Message& message, Context& context) {
  mysql::Answer& answer = state.answer;
  EofPackets& eof_packets = state.session.eof_packets;
  if (message.first == mysql::kError) {
    error_packet(state, message, context);
    return;
  }
  if (ends_rows(message.first, message.length)) {
    eof_packets = EofPackets::sent;
    if (answer.parameters_left == 0 && answer.columns_left == 0) finish(state, context);
    return;
  }
  if (answer.parameters_left > 0) {
    --answer.parameters_left;
  } else if (answer.columns_left > 0) {
    definition(state, message.payload, message.length, false, context);
    --answer.columns_left;
  }
  if (answer.parameters_left > 0 || answer.columns_left > 0 || eof_packets == EofPackets::sent) return;
  if (eof_packets == EofPackets::left_out) {
    finish(state, context);
  } else {
    answer.stage = Stage::tail;
  }
}

}  // namespace spanbeat
