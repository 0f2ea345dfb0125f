// What becomes of messages that are over: requests and responses are paired and their documents sent.
#include "decoders/http/http.h"

namespace spanbeat {

using http::Head;
using http::MessageView;
using http::Transaction;
using http::TransactionQueue;

namespace {

std::size_t index(Direction direction) { return static_cast<std::size_t>(direction); }

void note_mismatch(Transaction& transaction) {
  if (transaction.port_mismatch) transaction.event.note("Host header port number mismatch");
  transaction.port_mismatch = false;
}

}  // namespace

Http::Found Http::finish(State& state, Direction direction, Context& context) {
  Side& side = state.sides[index(direction)];
  Found found = Found::progress;
  if (side.request) {
    finish_request(state, direction, context);
  } else if (!side.silent) {
    found = finish_response(state, direction, context);
  }
  side.clear();
  return found;
}

void Http::finish_request(State& state, Direction direction, Context& context) {
  Side& side = state.sides[index(direction)];
  Transaction* transaction = being_sent(state, direction);
  if (transaction == nullptr) return;  // given up meanwhile
  Event& event = transaction->event;
  for (int i = 0; i < side.gaps; ++i) event.note("Packet loss while capturing the request");
  if (!side.written) write_kept(state, direction);
  event.header().source_bytes = side.octets;
  event.set<F::http_request_bytes>(static_cast<std::int64_t>(side.octets));
  transaction->request_done = true;
  if (transaction->response_begun) note_mismatch(*transaction);
  commit_answered(state, context);
}

Http::Found Http::finish_response(State& state, Direction direction, Context& context) {
  Side& side = state.sides[index(direction)];
  Transaction* transaction = side.matched ? &state.transactions.front() : nullptr;
  Event& event = transaction != nullptr ? transaction->event : side.own;
  if (transaction != nullptr && transaction->request_done) note_mismatch(*transaction);
  for (int i = 0; i < side.gaps; ++i) event.note("Packet loss while capturing the response");
  if (transaction == nullptr) event.note("Unmatched response");
  if (!side.written) write_kept(state, direction);
  event.header().destination_bytes = side.octets;
  event.set<F::http_response_bytes>(static_cast<std::int64_t>(side.octets));
  // RFC 9110 sections 15.2.2 and 9.3.6: what follows is another protocol.
  const bool leaves =
      side.status == 101 || (transaction != nullptr && transaction->connect_method && side.status / 100 == 2);
  if (transaction == nullptr) {
    context.counters().add(Counter::http_unmatched_responses);
    context.commit(std::move(event));
  } else {
    transaction->response_done = true;
    if (leaves) transaction->request_done = true;
    commit_answered(state, context);
  }
  if (!leaves) return Found::progress;
  flush(state, context);
  return Found::stop;
}

void Http::write_kept(State& state, Direction direction) {
  Side& side = state.sides[index(direction)];
  Head marks;
  MessageView message;
  message.head = side.head.view();
  if (!writer_.scan(message.head, marks)) return;
  message.marks = &marks;
  message.line = http::parse_start_line(text(message.head.first(marks.start_line.size)));
  write(state, direction, message);
}

void Http::write(State& state, Direction direction, MessageView& message) {
  Side& side = state.sides[index(direction)];
  message.content_length = side.counts_body ? side.body.content_octets() : side.announced;
  message.body_octets = side.to_head ? 0 : message.content_length;
  message.show_body = side.shows_body;
  message.body = side.content.view();
  side.written = true;
  if (!side.request) {
    writer_.write_response(side.matched ? state.transactions.front().event : side.own, message);
  } else if (Transaction* transaction = being_sent(state, direction)) {
    transaction->port_mismatch =
        writer_.write_request(transaction->event, message, transaction->event.header().destination_port);
  }
}

// The transaction whose request is under way in that direction; null when it was given up.
Transaction* Http::being_sent(State& state, Direction direction) {
  for (std::uint32_t i = state.transactions.size(); i > 0; --i) {
    Transaction& transaction = state.transactions[i - 1];
    if (transaction.from == direction) return transaction.request_done ? nullptr : &transaction;
  }
  return nullptr;
}

// The transaction that a response in that direction answers: the oldest, RFC 9112 section 9.3.2; null when there is
// none.
Transaction* Http::awaiting_response(State& state, Direction direction, Context& context) {
  TransactionQueue& waiting = state.transactions;
  if (waiting.empty() || waiting.front().response_begun || waiting.front().from == direction) return nullptr;
  if (waiting.front().before_gap) {
    // Its response may have been lost. If there is a request that was sent after the hole, the client had got its
    // answers to those before, so this response is for the later one.
    std::uint32_t later = 0;
    while (later < waiting.size() && waiting[later].before_gap) ++later;
    if (later < waiting.size()) {
      for (; later > 0; --later) commit_front(state, context);
    }
  }
  return &waiting.front();
}

void Http::doubt_responses(State& state, Direction direction) {
  state.unanswered = 0;
  for (std::uint32_t i = 0; i < state.transactions.size(); ++i) {
    Transaction& transaction = state.transactions[i];
    if (transaction.from != direction && !transaction.response_begun) transaction.before_gap = true;
  }
}

void Http::make_room(State& state, Context& context) {
  if (state.transactions.size() < TransactionQueue::kMost) return;
  context.counters().add(Counter::transactions_evicted);
  if (!state.transactions.front().response_begun) ++state.unanswered;
  give_up_front(state, context);
}

void Http::commit_answered(State& state, Context& context) {
  while (!state.transactions.empty()) {
    Transaction& front = state.transactions.front();
    if (!front.request_done || !front.response_done) return;
    context.commit(std::move(front.event));  // one that there was no memory for is counted
    state.transactions.pop_front();
  }
}

// Sends the oldest transaction as it is.
void Http::commit_front(State& state, Context& context) {
  Transaction& front = state.transactions.front();
  if (!front.response_begun) {
    front.event.note("Unmatched request");
    note_mismatch(front);
    front.event.header().status = Status::error;
    context.counters().add(Counter::http_unmatched_requests);
  }
  context.commit(std::move(front.event));
  state.transactions.pop_front();
}

// The same while its response may be under way: what is left of that is read over.
void Http::give_up_front(State& state, Context& context) {
  for (Side& side : state.sides) {
    side.silent = side.silent || side.matched;
    side.written = side.written || side.matched;
    side.matched = false;
  }
  commit_front(state, context);
}

void Http::flush(State& state, Context& context) {
  while (!state.transactions.empty()) give_up_front(state, context);
}

}  // namespace spanbeat
