// Which reply belongs to which command, and what answers none.
#include <algorithm>

#include "decoders/redis/redis.h"

namespace spanbeat {

using redis::Command;
using redis::CommandKind;

namespace {

Bytes first_word(const redis::Reply& reply) {
  const std::size_t end = std::min<std::size_t>(reply.facts.first_end, reply.text.size());
  return end > 1 ? reply.text.subspan(1, end - 1) : Bytes{};  // behind the bracket
}

// A line of MONITOR: +1339518083.107412 [0 127.0.0.1:60866] "keys" "*"
bool is_monitor_line(const redis::Reply& reply) {
  Cursor text(reply.text);
  bool digits = false;
  while (text.peek() >= '0' && text.peek() <= '9') {
    digits = true;
    text.skip(1);
  }
  if (!digits || text.u8() != '.') return false;
  while (text.peek() >= '0' && text.peek() <= '9') text.skip(1);
  return text.u8() == ' ' && text.u8() == '[';
}

// Commands that a connection may use while it is subscribed in RESP2; no answer to them looks like a message.
bool is_for_subscribers(const redis::Command& command, Bytes name) {
  return command.kind == CommandKind::subscribe || command.kind == CommandKind::unsubscribe ||
         command.kind == CommandKind::reset || redis::same_word(name, "PING") || redis::same_word(name, "QUIT");
}

std::int64_t number_in(Bytes digits) {
  std::int64_t value = 0;
  if (digits.empty() || digits.size() > 9) return -1;
  for (const std::uint8_t octet : digits) {
    if (octet < '0' || octet > '9') return -1;
    value = value * 10 + (octet - '0');
  }
  return value;
}

}  // namespace

void Redis::take_command(State& state, Request& request, Bytes text, Context& context) {
  if (state.doubt) [[unlikely]] {
    give_up_all(state, context);
    state.owed = 0;
    state.doubt = false;
  }
  if (request.command.kind != CommandKind::plain) [[unlikely]] {
    if (request.command.kind == CommandKind::multi) state.in_transaction = request.in_transaction = true;
    if (request.command.kind == CommandKind::exec || request.command.kind == CommandKind::reset)
      state.in_transaction = false;
    switch (request.command.answers) {
      case Command::Answers::as_usual:
        break;
      case Command::Answers::on:
        state.replies_off = false;
        break;
      case Command::Answers::off:
        state.replies_off = true;
        break;
      case Command::Answers::skip:
        commit(state, request, text, Ending::needs_no_answer, {}, context);
        state.reply_skipped = !state.replies_off;
        return;
      case Command::Answers::never:  // a replica acknowledges: its link was picked up in the middle
        give_up_all(state, context);
        commit(state, request, text, Ending::needs_no_answer, {}, context);
        state.over = true;
        return;
    }
  }
  if (state.replies_off || state.reply_skipped) [[unlikely]] {
    state.reply_skipped = false;
    commit(state, request, text, Ending::needs_no_answer, {}, context);
    return;
  }
  if (!state.requests.empty()) make_room(state, request, context);
  while (!state.requests.add(context.arena(), request, text)) {
    context.counters().add(Counter::transactions_evicted);
    ++state.owed;
    if (state.requests.empty()) {  // not even this one can be kept
      commit(state, request, text, Ending::unmatched, {}, context);
      return;
    }
    give_up_front(state, context);
  }
}

// Gives the oldest commands up until one more is within the limits of the settings.
void Redis::make_room(State& state, const Request& request, Context& context) {
  const auto over = [](std::uint64_t used, std::int64_t limit) {
    return limit > 0 && used > static_cast<std::uint64_t>(limit);
  };
  while (!state.requests.empty() && (over(state.requests.count() + 1, config_->queue_max_messages) ||
                                     over(state.requests.octets() + request.octets, config_->queue_max_bytes))) {
    context.counters().add(Counter::transactions_evicted);
    ++state.owed;
    give_up_front(state, context);
  }
}

bool Redis::wants_reply(const State& state) const {
  if (config_->send_push) return true;
  if (state.channels != 0 || state.patterns != 0 || state.shard_channels != 0) return true;
  return !state.requests.empty() && state.owed == 0;
}

// Did the server send this unasked?
bool Redis::is_push(State& state, const Reply& reply) {
  if (reply.facts.type == '>') return true;
  if (reply.facts.type == '+') return state.monitoring && is_monitor_line(reply);
  if (reply.facts.type != '*' || reply.facts.elements < 3) return false;
  const bool subscribed = state.channels != 0 || state.patterns != 0 || state.shard_channels != 0;
  if (!subscribed && !state.requests.empty() &&
      !is_for_subscribers(state.requests.front().command,
                          state.requests.front_text().first(state.requests.front().command.method_size))) {
    return false;
  }
  const Bytes word = first_word(reply);
  if (reply.facts.elements == 3) {
    if (redis::same_word(word, "MESSAGE") || redis::same_word(word, "SMESSAGE")) return true;
    // A confirmation that nobody waits for: of a command given up, or of the server's own accord.
    return reply.facts.third >= 0 && (subscribed || state.requests.empty()) &&
           (redis::same_word(word, "SUBSCRIBE") || redis::same_word(word, "PSUBSCRIBE") ||
            redis::same_word(word, "SSUBSCRIBE") || redis::same_word(word, "UNSUBSCRIBE") ||
            redis::same_word(word, "PUNSUBSCRIBE") || redis::same_word(word, "SUNSUBSCRIBE"));
  }
  return reply.facts.elements == 4 && redis::same_word(word, "PMESSAGE");
}

// Is this one of the answers of SUBSCRIBE or its kin to the oldest command?
bool Redis::is_confirmation(State& state, const Reply& reply) {
  if (state.requests.empty() || reply.facts.elements != 3) return false;
  if (reply.facts.type != '*' && reply.facts.type != '>') return false;
  const Command& command = state.requests.front().command;
  if (command.kind != CommandKind::subscribe && command.kind != CommandKind::unsubscribe) return false;
  const Bytes word = first_word(reply);
  const Bytes name = state.requests.front_text().first(command.method_size);
  return std::equal(word.begin(), word.end(), name.begin(), name.end(),
                    [](std::uint8_t a, std::uint8_t b) { return (a | 0x20) == (b | 0x20); });
}

void Redis::take_reply(State& state, const Reply& reply, Context& context) {
  // Nearly always: one command, one reply.
  const bool may_be_special = reply.facts.type == '*' || reply.facts.type == '>' || state.monitoring;
  if (may_be_special) [[unlikely]] {
    if (state.owed == 0 && is_confirmation(state, reply)) {
      take_confirmation(state, reply, context);
      return;
    }
    if (is_push(state, reply)) {
      context.counters().add(Counter::redis_pushes);
      if (config_->send_push) commit_push(state, reply, context);
      return;
    }
  }
  if (state.owed != 0) [[unlikely]] {
    --state.owed;
    context.counters().add(Counter::redis_unmatched_responses);
    return;
  }
  if (state.confirmations.count != 0) [[unlikely]]
    finish_confirmations(state, context);
  if (state.requests.empty()) {
    context.counters().add(Counter::redis_unmatched_responses);
    state.replies_off = false;  // then CLIENT REPLY OFF was refused
    return;
  }
  const Request& request = state.requests.front();
  const Bytes text = state.requests.front_text();
  if (request.command.kind != CommandKind::plain) [[unlikely]]
    follow_up(state, request, text, reply);
  commit(state, request, text, Ending::answered, reply, context);
  state.requests.pop();
  if (state.over) give_up_all(state, context);
}

// What an answered command means for the connection.
void Redis::follow_up(State& state, const Request& request, Bytes text, const Reply& reply) {
  if (reply.facts.error) return;
  const Command& command = request.command;
  const bool queued = request.in_transaction && redis::same_word(reply.text, "QUEUED");
  switch (command.kind) {
    case CommandKind::select: {
      const std::size_t begin = std::min<std::size_t>(command.resource_begin, text.size());
      const std::int64_t number =
          number_in(text.subspan(begin, std::min<std::size_t>(command.resource_size, text.size() - begin)));
      (queued ? state.queued_database : state.database) = number;
      break;
    }
    case CommandKind::exec:
      if (reply.facts.type == '*' && !reply.facts.null && state.queued_database >= 0)
        state.database = state.queued_database;
      state.queued_database = -1;
      break;
    case CommandKind::monitor:
      state.monitoring = !queued;
      break;
    case CommandKind::reset:
      state.monitoring = false;
      state.channels = state.patterns = state.shard_channels = 0;
      state.database = 0;
      state.queued_database = -1;
      break;
    case CommandKind::replicate:
      state.over = true;
      break;
    default:
      break;
  }
}

void Redis::take_confirmation(State& state, const Reply& reply, Context& context) {
  const Request& request = state.requests.front();
  // How many subscriptions are left: channels and patterns are counted together, channels of shards apart.
  const Bytes word = first_word(reply);
  const std::int64_t total = std::max<std::int64_t>(reply.facts.third, 0);
  const auto letter = [&](std::size_t i) { return static_cast<char>(i < word.size() ? word[i] | 0x20 : 0); };
  std::int64_t left = 0;
  if (letter(0) == 'p') {
    left = state.patterns = std::max<std::int64_t>(total - state.channels, 0);
  } else if (letter(0) == 's' && (letter(1) == 's' || letter(2) == 'n')) {
    left = state.shard_channels = total;
  } else {
    left = state.channels = std::max<std::int64_t>(total - state.patterns, 0);
  }
  redis::Confirmations& all = state.confirmations;
  ++all.count;
  const bool complete =
      request.command.arguments > 1 ? all.count >= request.command.arguments - 1 : left == 0 || reply.facts.second_null;
  if (complete && all.count == 1) {
    all.count = 0;
    commit(state, request, state.requests.front_text(), Ending::answered, reply, context);
    state.requests.pop();
    return;
  }
  if (all.count == 1) {
    all.begin = reply.begin;
    all.octets = 0;
    all.text.clear();
  } else {
    (void)all.text.append(context.arena(), bytes(", "), cap_);
  }
  (void)all.text.append(context.arena(), reply.text, cap_);
  all.octets += reply.octets;
  if (complete) finish_confirmations(state, context);
}

// The oldest command got as many of its answers as it will get.
void Redis::finish_confirmations(State& state, Context& context) {
  redis::Confirmations& all = state.confirmations;
  Reply reply;
  reply.text = all.text.view();
  reply.facts.type = '*';
  reply.begin = all.begin;
  reply.octets = all.octets;
  commit(state, state.requests.front(), state.requests.front_text(), Ending::answered, reply, context);
  state.requests.pop();
  all.count = 0;
  all.text.reset();
}

void Redis::give_up_front(State& state, Context& context) {
  if (state.confirmations.count != 0) {
    finish_confirmations(state, context);
    return;
  }
  context.counters().add(Counter::redis_unmatched_requests);
  commit(state, state.requests.front(), state.requests.front_text(), Ending::unmatched, {}, context);
  state.requests.pop();
}

void Redis::give_up_all(State& state, Context& context) {
  while (!state.requests.empty()) give_up_front(state, context);
}

}  // namespace spanbeat
