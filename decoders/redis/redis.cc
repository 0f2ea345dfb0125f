#include "decoders/redis/redis.h"

namespace spanbeat {

Step Redis::on_data(State& state, Direction direction, Cursor data, Context& context) {
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

void Redis::request(State& state, Bytes line, Context& context) {
  if (state.waiting.full()) {
    context.counters().add(Counter::transactions_evicted);
    give_up(state, context);
  }
  Event event = context.event(Direction::originator);
  event.header().timestamp = context.time();
  event.header().start = context.time();
  event.header().source_bytes = line.size() + 1;
  event.set_text<F::redis_request>(line);
  RedisRequest* entry = state.waiting.add(context.arena(), 0, context.time());
  if (entry == nullptr) {
    context.counters().add(Counter::transactions_evicted);
    return;
  }
  entry->event = std::move(event);
}

void Redis::response(State& state, Bytes line, Context& context) {
  if (state.waiting.empty()) return;
  RedisRequest* entry = state.waiting.oldest();
  entry->event.header().end = context.time();
  entry->event.header().destination_bytes = line.size() + 1;
  entry->event.header().status = Status::ok;
  entry->event.set_text<F::redis_response>(line);
  context.commit(std::move(entry->event));
  state.waiting.remove(entry);
}

void Redis::give_up(State& state, Context& context) {
  RedisRequest* entry = state.waiting.oldest();
  entry->event.header().status = Status::error;
  entry->event.note("Unmatched request");
  context.commit(std::move(entry->event));
  state.waiting.remove(entry);
}

GapAnswer Redis::on_gap(State& state, Direction, std::uint64_t, Context& context) {
  // Which response belongs to which request is not known any more.
  while (!state.waiting.empty()) give_up(state, context);
  return GapAnswer::resync;
}

void Redis::on_close(State& state, CloseReason, Context& context) {
  while (!state.waiting.empty()) give_up(state, context);
}

}  // namespace spanbeat
