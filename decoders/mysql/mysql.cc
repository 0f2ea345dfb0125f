#include "decoders/mysql/mysql.h"

namespace spanbeat {

Step Mysql::on_data(State& state, Direction direction, Cursor data, Context& context) {
  const std::size_t offered = data.size();
  for (;;) {
    const std::size_t used = offered - data.size();
    Cursor next = data;
    const Bytes line = next.until('\n', kLongestLine);
    if (!next.ok()) return data.size() >= kLongestLine ? Step::lost() : Step::more(used);
    data = next;
    if (direction == Direction::originator) {
      request(state, line, context);
    } else {
      response(state, line, context);
    }
  }
}

void Mysql::request(State& state, Bytes line, Context& context) {
  if (state.waiting.full()) {
    context.counters().add(Counter::transactions_evicted);
    give_up(state, context);
  }
  Event event = context.event(Direction::originator);
  event.header().timestamp = context.time();
  event.header().start = context.time();
  event.header().source_bytes = line.size() + 1;
  event.set_text<F::query>(line);
  MysqlRequest* entry = state.waiting.add(context.arena(), 0, context.time());
  if (entry == nullptr) {
    context.counters().add(Counter::transactions_evicted);
    return;
  }
  entry->event = std::move(event);
}

void Mysql::response(State& state, Bytes line, Context& context) {
  if (state.waiting.empty()) return;
  MysqlRequest* entry = state.waiting.oldest();
  entry->event.header().end = context.time();
  entry->event.header().destination_bytes = line.size() + 1;
  entry->event.header().status = Status::ok;
  entry->event.set_text<F::path>(line);
  context.commit(std::move(entry->event));
  state.waiting.remove(entry);
}

void Mysql::give_up(State& state, Context& context) {
  MysqlRequest* entry = state.waiting.oldest();
  entry->event.header().status = Status::error;
  entry->event.note("Unmatched request");
  context.commit(std::move(entry->event));
  state.waiting.remove(entry);
}

GapAnswer Mysql::on_gap(State& state, Direction, std::uint64_t, Context& context) {
  // Which response belongs to which request is not known any more.
  while (!state.waiting.empty()) give_up(state, context);
  return GapAnswer::resync;
}

void Mysql::on_close(State& state, CloseReason, Context& context) {
  while (!state.waiting.empty()) give_up(state, context);
}

}  // namespace spanbeat
