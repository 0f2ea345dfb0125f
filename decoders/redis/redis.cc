#include "decoders/redis/redis.h"

#include <algorithm>
#include <optional>

#include "decoders/redis/inline_command.h"
#include "decoders/redis/whole_message.h"

namespace spanbeat {

using redis::Assembly;
using redis::CommandReader;
using redis::Got;
using redis::ReplyReader;

namespace {

constexpr std::int64_t kMostText = std::int64_t{16} << 20;
constexpr std::int64_t kLeastText = 256;
constexpr std::size_t kScratch = std::size_t{64} << 10;
// A message of which no more is known than this many octets waits with the engine; a larger one is taken as it comes.
constexpr std::uint64_t kShortMessage = 4096;

constexpr std::size_t index(Direction direction) { return static_cast<std::size_t>(direction); }

template <typename Reader>
void drop(Assembly<Reader>*& assembly) {
  if (assembly == nullptr) return;
  EventArena* arena = assembly->arena;
  const EventArena::Block block = assembly->block;
  assembly->~Assembly<Reader>();
  arena->release(block);
  assembly = nullptr;
}

template <typename Reader>
Assembly<Reader>* assemble(const Reader& reader, redis::MessageText& text, Time begin, std::uint64_t octets,
                           EventArena& arena) {
  static_assert(alignof(Assembly<Reader>) <= 16);
  const EventArena::Block block = arena.allocate(sizeof(Assembly<Reader>));
  if (block.data == nullptr) return nullptr;
  auto* assembly = new (block.data) Assembly<Reader>(reader);
  assembly->text.take_over(text);
  assembly->begin = begin;
  assembly->octets = octets;
  assembly->arena = &arena;
  assembly->block = block;
  return assembly;
}

// What to ask of the engine when a message is not over and `unused` octets of its next part are there.
template <typename Reader>
Step wait_for_more(Assembly<Reader>& assembly, std::size_t offered, std::size_t unused) {
  const std::uint64_t skip = assembly.reader.skip(assembly.text);
  if (skip != 0) {
    assembly.octets += skip;
    assembly.skipped = skip;
    return Step::skip(offered - unused, skip);
  }
  return unused == 0 ? Step::ok(offered) : Step::more(offered - unused);
}

// A message whose end is not there: `at` is what follows in `data` behind what the reader took. A short one is shown
// again when more of it has come; of a longer one what there is is kept. None when there is no memory for that.
template <typename Reader>
std::optional<Step> keep(Assembly<Reader>*& assembly, const Reader& reader, redis::MessageText& text, Time begin,
                         Time& kept_begin, std::size_t offered, Cursor data, Cursor at, EventArena& arena) {
  const std::uint64_t used = data.size() - at.size();
  const std::uint64_t need = std::max<std::uint64_t>(data.size() + 1, used + reader.missing());
  if (need <= kShortMessage) {
    kept_begin = begin;
    return Step::more(offered - data.size(), need);
  }
  assembly = assemble(reader, text, begin, used, arena);
  if (assembly == nullptr) return std::nullopt;
  kept_begin = kNever;
  return wait_for_more(*assembly, offered, at.size());
}

// Octets of a message under way are lost. False when the place in the stream is lost with them.
template <typename Reader>
bool survives(Assembly<Reader>* assembly, std::uint64_t octets) {
  if (assembly == nullptr) return false;
  if (assembly->skipped != 0) {
    // The engine counts them. Whether the string was long enough for them shows at its end.
    if (octets > assembly->skipped) return false;
  } else if (!assembly->reader.lose(octets)) {
    return false;
  } else {
    assembly->octets += octets;
  }
  assembly->damaged = true;
  return true;
}

}  // namespace

redis::RedisConnection::~RedisConnection() {
  drop(command);
  drop(reply);
}

Redis::Redis(std::shared_ptr<const RedisConfig> config)
    : config_(std::move(config)),
      cap_(static_cast<std::size_t>(std::clamp(config_->max_message_size, kLeastText, kMostText))),
      scratch_(new std::uint8_t[kScratch + kPadding]()) {}

void Redis::check(SettingReader& reader, RedisConfig& config) {
  const auto complain = [&](std::string_view name, std::string_view problem) {
    if (const Setting* where = reader.raw(name)) reader.diagnostics().warn(*where, reader.key(name), problem);
  };
  if (config.max_message_size > kMostText) {
    complain("max_message_size", "no document holds more than 16MiB of a text; 16MiB is what counts");
  }
  if (config.max_message_size < kLeastText) {
    complain("max_message_size", "is less than 256, which a command's name and key need; 256 is what counts");
  }
}

Probe Redis::probe(Direction, Cursor data) {
  if (data.empty()) return Probe::maybe;
  const std::uint8_t first = data.peek();
  if (first == '*') {
    switch (redis::may_begin_command(data)) {
      case Got::whole:
        return Probe::yes;
      case Got::more:
        return Probe::maybe;
      case Got::wrong:
        return redis::may_begin_reply(data) == Got::wrong ? Probe::no : Probe::maybe;
    }
  }
  if (first == '+' || first == '-' || first == ':' || first == '$') {
    return redis::may_begin_reply(data) == Got::wrong ? Probe::no : Probe::maybe;
  }
  return Probe::no;
}

// The client is who does not use the configured port; where that does not tell, who opened the connection, unless it
// speaks like a server.
void Redis::find_client(State& state, Direction direction, Cursor data, const Context& context) const {
  state.client_known = true;
  const auto& ports = config_->ports;
  const auto expected = [&](std::uint16_t port) { return std::find(ports.begin(), ports.end(), port) != ports.end(); };
  const bool responder = expected(context.endpoints().responder_port);
  const bool originator = expected(context.endpoints().originator_port);
  if (responder != originator) {
    state.client = responder ? Direction::originator : Direction::responder;
    return;
  }
  const std::uint8_t first = data.peek();
  const bool answers = first != '*' && redis::may_begin_reply(data) != Got::wrong;
  state.client = answers ? reverse(direction) : Direction::originator;
}

Step Redis::on_data(State& state, Direction direction, Cursor data, Context& context) {
  if (!state.client_known) find_client(state, direction, data, context);
  return direction == state.client ? read_commands(state, direction, data, context)
                                   : read_replies(state, direction, data, context);
}

Step Redis::read_commands(State& state, Direction direction, Cursor data, Context& context) {
  const std::size_t offered = data.size();
  Time& kept_begin = state.begin[index(direction)];
  while (!data.empty()) {
    if (state.command != nullptr) {
      Assembly<CommandReader>& assembly = *state.command;
      assembly.skipped = 0;
      const std::size_t before = data.size();
      const Got got = assembly.reader.read(data, assembly.text);
      assembly.octets += before - data.size();
      if (got == Got::more) return wait_for_more(assembly, offered, data.size());
      if (got == Got::wrong) return lose_place(state, direction, context);
      Request request{.command = assembly.reader.command(),
                      .in_transaction = state.in_transaction,
                      .damaged = assembly.damaged,
                      .begin = assembly.begin,
                      .octets = assembly.octets};
      take_command(state, request, assembly.text.view(), context);
      drop(state.command);
      if (state.over) return Step::done();
      continue;
    }
    Request request;
    request.in_transaction = state.in_transaction;
    request.begin = kept_begin != kNever ? kept_begin : context.time();
    if (!state.synced[index(direction)]) {
      const Got got = redis::may_begin_command(data);
      if (got == Got::wrong) return Step::lost();
      if (got == Got::more) {
        kept_begin = request.begin;
        return Step::more(offered - data.size());
      }
      state.synced[index(direction)] = true;
    }
    MessageText text(scratch_.get(), kScratch, cap_, context.arena());
    request.octets = redis::take_plain_command(data.rest(), text, request.command);
    if (request.octets == 0) {
      Cursor at = data;
      if (data.peek() == '*') {
        CommandReader reader(config_->redact_passwords);
        const Got got = reader.read(at, text);
        if (got == Got::wrong) return lose_place(state, direction, context);
        if (got == Got::more) {
          const std::optional<Step> step =
              keep(state.command, reader, text, request.begin, kept_begin, offered, data, at, context.arena());
          return step.has_value() ? *step : lose_place(state, direction, context);
        }
        request.command = reader.command();
      } else {
        const Bytes line = at.until('\n', redis::kLongestLine);
        if (!at.ok()) {
          if (data.size() >= redis::kLongestLine) return lose_place(state, direction, context);
          kept_begin = request.begin;
          return Step::more(offered - data.size());
        }
        redis::read_inline_command(line, config_->redact_passwords, text, request.command);
      }
      request.octets = data.size() - at.size();
    }
    // An empty array or line is none, and a server passes over it.
    if (request.command.arguments != 0) {
      take_command(state, request, text.view(), context);
      if (state.over) return Step::done();
    }
    kept_begin = kNever;
    data.skip(request.octets);
  }
  return Step::ok(offered);
}

Step Redis::read_replies(State& state, Direction direction, Cursor data, Context& context) {
  const std::size_t offered = data.size();
  Time& kept_begin = state.begin[index(direction)];
  while (!data.empty()) {
    Reply reply;
    if (state.reply != nullptr) {
      Assembly<ReplyReader>& assembly = *state.reply;
      assembly.skipped = 0;
      const std::size_t before = data.size();
      const Got got = assembly.reader.read(data, assembly.text);
      assembly.octets += before - data.size();
      if (got == Got::more) return wait_for_more(assembly, offered, data.size());
      if (got == Got::wrong) return lose_place(state, direction, context);
      reply = {assembly.text.view(), assembly.reader.facts(), assembly.begin, assembly.octets, assembly.damaged};
      take_reply(state, reply, context);
      drop(state.reply);
      if (state.over) return Step::done();
      continue;
    }
    const std::uint8_t first = data.peek();
    if (first == '\n' || first == '\r') {  // a master that prepares a copy keeps the connection alive with these
      data.skip(1);
      continue;
    }
    if (!state.synced[index(direction)]) {
      const Got got = redis::may_begin_reply(data);
      if (got == Got::wrong) return Step::lost();
      if (got == Got::more) {
        if (kept_begin == kNever) kept_begin = context.time();
        return Step::more(offered - data.size());
      }
      state.synced[index(direction)] = true;
    }
    reply.begin = kept_begin != kNever ? kept_begin : context.time();
    if (first == '$' && !state.requests.empty() &&
        state.requests.front().command.kind == redis::CommandKind::replicate) {
      take_reply(state, reply, context);  // SYNC: the data set follows, and its length is all that looks like RESP
      return Step::done();
    }
    reply.octets = redis::take_single_reply(data.rest(), reply.text, reply.facts);
    if (reply.octets != 0) {
      if (reply.text.size() > cap_) reply.text = reply.text.first(cap_);
      take_reply(state, reply, context);
    } else {
      const bool wanted = wants_reply(state);
      MessageText text(scratch_.get(), kScratch, cap_, context.arena());
      if (wanted) reply.octets = redis::take_flat_reply(data.rest(), text, reply.facts);
      if (reply.octets == 0) {
        ReplyReader reader(wanted);
        Cursor at = data;
        const Got got = reader.read(at, text);
        if (got == Got::wrong) return lose_place(state, direction, context);
        if (got == Got::more) {
          const std::optional<Step> step =
              keep(state.reply, reader, text, reply.begin, kept_begin, offered, data, at, context.arena());
          return step.has_value() ? *step : lose_place(state, direction, context);
        }
        reply.facts = reader.facts();
        reply.octets = data.size() - at.size();
      }
      reply.text = text.view();
      take_reply(state, reply, context);
    }
    if (state.over) return Step::done();
    kept_begin = kNever;
    data.skip(reply.octets);
  }
  return Step::ok(offered);
}

// What comes is no RESP, or no more of it can be kept.
Step Redis::lose_place(State& state, Direction direction, Context& context) {
  state.synced[index(direction)] = false;
  state.begin[index(direction)] = kNever;
  state.doubt = true;
  if (direction == state.client) {
    drop(state.command);
  } else {
    drop(state.reply);
    give_up_all(state, context);
  }
  return Step::lost();
}

GapAnswer Redis::on_gap(State& state, Direction direction, std::uint64_t octets, Context& context) {
  if (!state.client_known) return GapAnswer::resync;
  const bool of_client = direction == state.client;
  if (of_client ? survives(state.command, octets) : survives(state.reply, octets)) return GapAnswer::resync;
  (void)lose_place(state, direction, context);
  return GapAnswer::resync;
}

void Redis::on_close(State& state, CloseReason, Context& context) { give_up_all(state, context); }

}  // namespace spanbeat
