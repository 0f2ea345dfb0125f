// What becomes of transactions: documents.
#include <algorithm>

#include "decoders/mysql/csv.h"
#include "decoders/mysql/mysql.h"
#include "decoders/mysql/values.h"

namespace spanbeat {

using mysql::Command;
using mysql::MysqlConnection;
using mysql::Stage;

namespace {

constexpr std::size_t kMostCsv = std::size_t{10} << 20;

}  // namespace

void mysql::Answer::clear() {
  stage = Stage::response;
  begun = has_columns = holed = false;
  columns_left = parameters_left = column_count = 0;
  num_fields = shown_rows = affected_rows = insert_id = 0;
  size = {};
  tables.clear();
  csv.clear();
  columns.clear();
}

// One result is over: another one follows, or the response is complete.
void Mysql::end_of_result(MysqlConnection& state, std::uint16_t status, Context& context) {
  if ((status & mysql::kMoreResults) != 0) {
    state.answer.stage = Stage::response;
  } else {
    finish(state, context);
  }
}

// The response is over, as it is.
void Mysql::finish(MysqlConnection& state, Context& context) {
  mysql::Answer& answer = state.answer;
  Event& event = state.waiting.front().event;
  if (event) {
    EventHeader& header = event.header();
    header.destination_bytes = answer.size.counted != 0 ? answer.size.counted : answer.size.octets;
    if (header.status == Status::none) header.status = Status::ok;
    if (answer.holed) event.note("Packet loss while capturing the response");
    write_answer(event, answer);
    context.commit(std::move(event));
  }
  state.waiting.pop_front();
  state.infile = false;
  answer.clear();
}

void Mysql::write_answer(Event& event, const mysql::Answer& answer) {
  event.set_all<F::mysql_affected_rows, F::mysql_insert_id, F::mysql_num_rows, F::mysql_num_fields>(
      static_cast<std::int64_t>(answer.affected_rows), static_cast<std::int64_t>(answer.insert_id),
      static_cast<std::int64_t>(answer.size.rows), static_cast<std::int64_t>(answer.num_fields));
  if (!answer.tables.empty()) event.set<F::path>(answer.tables.view());
  if (config_->send_response) event.set_text<F::response>(answer.csv.view());
}

// The oldest command is not answered any more, or not to the end.
void Mysql::give_up_front(MysqlConnection& state, Context& context) {
  mysql::Answer& answer = state.answer;
  Event& event = state.waiting.front().event;
  if (answer.stage == Stage::tail) {
    finish(state, context);
    return;
  }
  if (event && answer.begun) {
    event.note("The response is incomplete");
    event.header().status = Status::error;
    finish(state, context);
    return;
  }
  if (event) {
    event.note("Unmatched request");
    event.header().status = Status::error;
    context.counters().add(Counter::mysql_unmatched_requests);
    context.commit(std::move(event));
  }
  state.waiting.pop_front();
  state.infile = false;
  answer.clear();
}

void Mysql::flush(MysqlConnection& state, Context& context) {
  while (!state.waiting.empty()) give_up_front(state, context);
}

bool Mysql::shows_rows(const MysqlConnection& state) const {
  return config_->send_response && state.answer.shown_rows < static_cast<std::uint64_t>(config_->max_rows);
}

// The line of column names.
void Mysql::show_name(MysqlConnection& state, Bytes name, Context& context) {
  mysql::Answer& answer = state.answer;
  mysql::CsvLine line(context.arena(), answer.csv, kMostCsv, answer.columns_left == answer.column_count);
  line.field(text(name));
  if (answer.columns_left == 1) line.end();
}

// A row: of the text protocol ("ProtocolText::ResultsetRow") or of the binary one ("ProtocolBinary::ResultsetRow").
// At most max_row_length octets of its values are shown; what does not fit is left out.
void Mysql::show_row(MysqlConnection& state, Bytes row, Context& context) {
  mysql::Answer& answer = state.answer;
  ++answer.shown_rows;
  mysql::CsvLine line(context.arena(), answer.csv, kMostCsv, true);
  auto left = static_cast<std::size_t>(config_->max_row_length);
  const auto show = [&](std::string_view value) {
    if (left == 0) return;
    value = value.substr(0, left);
    left -= value.size();
    line.field(value);
  };
  Cursor cursor(row);
  const Command command = state.waiting.front().command;
  if (command == Command::query || command == Command::process_info) {
    while (!cursor.empty() && left != 0) {
      if (cursor.peek() == mysql::kLocalInfile) {  // the same octet says NULL here
        cursor.skip(1);
        show("NULL");
        continue;
      }
      const Bytes value = mysql::length_encoded_text(cursor);
      if (cursor.ok()) show(text(value));
    }
  } else {
    const Bytes columns = answer.columns.view();
    const std::size_t count = columns.size() / 2;
    constexpr std::size_t kBitmapOffset = 2;
    cursor.skip(1);
    const Bytes nulls = cursor.take((count + 7 + kBitmapOffset) / 8);
    mysql::ValueRoom room;
    for (std::size_t i = 0; i < count && left != 0 && cursor.ok(); ++i) {
      if (mysql::bit_of(nulls, i + kBitmapOffset)) {
        show("NULL");
        continue;
      }
      const std::string_view value =
          mysql::read_value(cursor, columns[2 * i], columns[2 * i + 1] != 0, mysql::ValueStyle::row, room);
      if (cursor.ok()) show(value);
    }
  }
  line.end();
}

}  // namespace spanbeat
