#include "decoders/testing/harness.h"

#include <algorithm>
#include <cstdlib>

#include "dataplane/testing/encoded.h"

namespace spanbeat::testing {
namespace {

constexpr Time kBegin = 1'700'000'000 * kSecond;

// A copy of octets in memory of exactly their size and the padding.
class Buffer {
 public:
  explicit Buffer(Bytes octets) : data_(new std::uint8_t[octets.size() + kPadding]), size_(octets.size()) {
    if (size_ != 0) std::memcpy(data_.get(), octets.data(), size_);
    static constexpr char kJunk[] = ": \r\n\r\nHTTP/1.1 200 OK\r\nHost: junk\r\n\r\n";
    for (std::size_t i = 0; i < kPadding; ++i)
      data_[size_ + i] = static_cast<std::uint8_t>(kJunk[i % (sizeof kJunk - 1)]);
  }
  [[nodiscard]] Bytes view() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<std::uint8_t[]> data_;
  std::size_t size_;
};

// One connection with one decoder: what the engine does for it.
class Connection : public Context {
 public:
  Connection(Decoder& decoder, const PlayOptions& options)
      : decoder_(decoder), options_(options), own_arena_(options.event_memory), outcome_(std::make_unique<Outcome>()) {
    const std::uint8_t client[] = {10, 0, 0, 1};
    const std::uint8_t server[] = {10, 0, 0, 2};
    ends_.originator = IpAddress::from_wire(client);
    ends_.responder = IpAddress::from_wire(server);
    ends_.originator_port = 40000;
    ends_.responder_port = options.server_port;
    ends_.transport = options.transport;
    endpoints_ = &ends_;
    arena_ = &own_arena_;
    counters_ = &outcome_->counters;
    protocol_ = 1;
    time_ = kBegin;
    state_ = std::aligned_alloc(16, (decoder.state_size() + 15) / 16 * 16);
    decoder_.construct(state_);
  }
  ~Connection() override {
    if (state_ != nullptr) finish();
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void at(Time time) {
    if (timer_ != kNever && time > timer_ && !stopped_) {
      time_ = std::max(time_, timer_);
      timer_ = kNever;
      decoder_.on_timer(state_, *this);
    }
    time_ = time;
  }

  void data(Direction direction, Bytes octets) {
    if (stopped_) return;
    Side& side = sides_[static_cast<std::size_t>(direction)];
    if (side.skip >= octets.size()) {
      side.skip -= octets.size();
      return;
    }
    octets = octets.subspan(static_cast<std::size_t>(side.skip));
    side.skip = 0;
    side.unread.append(text(octets));
    // A decoder that keeps saying more without using anything is called once per segment, so this ends.
    while (!side.unread.empty() && side.unread.size() >= side.need) {
      const Buffer shown(bytes(side.unread));
      const Step step = decoder_.on_data(state_, direction, Cursor(shown.view()), *this);
      if (step.used > side.unread.size()) std::abort();
      side.need = 0;
      switch (step.verdict) {
        case Step::Verdict::ok:
          if (step.used != side.unread.size()) std::abort();
          side.unread.clear();
          return;
        case Step::Verdict::more:
          side.unread.erase(0, step.used);
          side.need = std::max<std::uint64_t>(step.count, side.unread.size() + 1);
          if (side.unread.size() > options_.carry_limit) {
            side.unread.clear();
            side.need = 0;
          }
          return;
        case Step::Verdict::skip: {
          side.unread.erase(0, step.used);
          const auto now = static_cast<std::size_t>(std::min<std::uint64_t>(step.count, side.unread.size()));
          side.unread.erase(0, now);
          side.skip = step.count - now;
          if (step.used == 0 && step.count == 0) std::abort();
          break;
        }
        case Step::Verdict::lost:
          ++outcome_->lost;
          side.unread.clear();
          return;
        case Step::Verdict::done:
          outcome_->done = true;
          stop();
          return;
      }
    }
  }

  void datagram(Direction direction, Bytes octets) {
    if (stopped_) return;
    const Buffer shown(octets);
    if (decoder_.on_datagram(state_, false, direction, Cursor(shown.view()), *this)) decoder_.construct(state_);
  }

  void gap(Direction direction, std::uint64_t octets) {
    if (stopped_ || octets == 0) return;
    Side& side = sides_[static_cast<std::size_t>(direction)];
    side.unread.clear();
    side.need = 0;
    if (decoder_.on_gap(state_, direction, octets, *this) == GapAnswer::stop) stop();
    side.skip -= std::min(side.skip, octets);
  }

  void end(Direction direction) {
    if (stopped_) return;
    Side& side = sides_[static_cast<std::size_t>(direction)];
    const Buffer shown(bytes(side.unread));
    decoder_.on_end(state_, direction, shown.view(), *this);
  }

  void close(CloseReason reason) {
    if (closed_) return;
    closed_ = true;
    if (!stopped_) decoder_.on_close(state_, reason, *this);
    stopped_ = true;
  }

  std::unique_ptr<Outcome> finish() {
    if (options_.close_at_end) close(CloseReason::shutdown);
    decoder_.destroy(state_);
    std::free(state_);
    state_ = nullptr;
    outcome_->arena_in_use = own_arena_.in_use();
    return std::move(outcome_);
  }

  void commit(Event&& event) override {
    Event taken = std::move(event);
    if (!taken) return;
    if (taken.header().timestamp == kNever) std::abort();  // the contract
    const Encoded encoded(taken);
    outcome_->documents.push_back(decode_event(encoded.octets()));
  }
  void set_timer(Time when) override { timer_ = when; }
  [[nodiscard]] std::uint64_t skip_left(Direction direction) const override {
    return sides_[static_cast<std::size_t>(direction)].skip;
  }

 protected:
  CommunityIdIs community_id(std::array<std::uint8_t, 20>&) override { return CommunityIdIs::absent; }

 private:
  struct Side {
    std::string unread;
    std::uint64_t need = 0;
    std::uint64_t skip = 0;
  };
  void stop() { stopped_ = true; }

  Decoder& decoder_;
  PlayOptions options_;
  EventArena own_arena_;
  Endpoints ends_;
  std::unique_ptr<Outcome> outcome_;
  Side sides_[2];
  Time timer_ = kNever;
  void* state_ = nullptr;
  bool stopped_ = false;
  bool closed_ = false;
};

void perform(Connection& connection, const Act& act, const Segmentation& segmentation, std::size_t& offset) {
  connection.at(act.time);
  switch (act.kind) {
    case Act::Kind::data: {
      const Bytes octets = bytes(act.octets);
      std::size_t at = 0;
      for (const std::size_t size : segmentation(octets.size(), offset)) {
        connection.data(act.direction, octets.subspan(at, size));
        at += size;
      }
      offset += octets.size();
      break;
    }
    case Act::Kind::datagram:
      connection.datagram(act.direction, bytes(act.octets));
      break;
    case Act::Kind::gap:
      connection.gap(act.direction, act.count);
      break;
    case Act::Kind::end:
      connection.end(act.direction);
      break;
    case Act::Kind::close:
      connection.close(act.reason);
      break;
    case Act::Kind::timer:
      break;
  }
}

}  // namespace

Script& Script::add(Act::Kind kind, Direction direction, std::string_view octets) {
  Act act;
  act.kind = kind;
  act.direction = direction;
  act.time = kBegin + now_;
  act.octets = octets;
  acts_.push_back(std::move(act));
  now_ += kSecond;
  return *this;
}

Script& Script::gap(Direction direction, std::uint64_t octets) {
  add(Act::Kind::gap, direction, {});
  acts_.back().count = octets;
  return *this;
}

Script& Script::end(Direction direction) { return add(Act::Kind::end, direction, {}); }

Script& Script::close(CloseReason reason) {
  add(Act::Kind::close, Direction::originator, {});
  acts_.back().reason = reason;
  return *this;
}

Script& Script::wait(Time duration) {
  now_ += duration;
  return add(Act::Kind::timer, Direction::originator, {});
}

std::size_t Script::octets() const {
  std::size_t sum = 0;
  for (const Act& act : acts_) sum += act.kind == Act::Kind::data ? act.octets.size() : 0;
  return sum;
}

Segmentation whole() {
  return [](std::size_t size, std::size_t) { return std::vector<std::size_t>(size == 0 ? 0 : 1, size); };
}
Segmentation octet_by_octet() { return pieces_of(1); }
Segmentation cut_at(std::size_t offset) {
  return [offset](std::size_t size, std::size_t begin) {
    if (size == 0) return std::vector<std::size_t>{};
    if (offset <= begin || offset >= begin + size) return std::vector<std::size_t>{size};
    return std::vector<std::size_t>{offset - begin, size - (offset - begin)};
  };
}
Segmentation pieces_of(std::size_t piece) {
  return [piece](std::size_t size, std::size_t) {
    std::vector<std::size_t> sizes(size / piece, piece);
    if (size % piece != 0) sizes.push_back(size % piece);
    return sizes;
  };
}

std::string Outcome::dump() const {
  std::string out;
  for (const Document& document : documents) out += document.dump();
  return out;
}

std::unique_ptr<Outcome> play(Decoder& decoder, const Script& script, const Segmentation& segmentation,
                              const PlayOptions& options) {
  Connection connection(decoder, options);
  std::size_t offset = 0;
  for (const Act& act : script.acts()) perform(connection, act, segmentation, offset);
  return connection.finish();
}

std::string differs_by_segments(Decoder& decoder, const Script& script, const PlayOptions& options) {
  const std::string expected = play(decoder, script, whole(), options)->dump();
  const auto compare = [&](const Segmentation& segmentation, const std::string& name) {
    const std::string got = play(decoder, script, segmentation, options)->dump();
    return got == expected ? std::string() : name + " gives\n" + got + "and in whole segments it is\n" + expected;
  };
  for (std::size_t piece = 1; piece <= 7; ++piece) {
    std::string difference = compare(pieces_of(piece), "in pieces of " + std::to_string(piece));
    if (!difference.empty()) return difference;
  }
  for (std::size_t offset = 1; offset < script.octets(); ++offset) {
    std::string difference = compare(cut_at(offset), "cut at " + std::to_string(offset));
    if (!difference.empty()) return difference;
  }
  return {};
}

void play_fuzz(Decoder& decoder, Bytes input, const PlayOptions& options) {
  // One octet says what comes: two bits of kind, one of direction, five of size (data: size octets times 8; others: as
  // is).
  Connection connection(decoder, options);
  Cursor cursor(input);
  Time now = kBegin;
  while (!cursor.empty()) {
    const std::uint8_t what = cursor.u8();
    const Direction direction = (what & 4) != 0 ? Direction::responder : Direction::originator;
    const std::size_t size = static_cast<std::size_t>(what >> 3);
    now += kMillisecond;
    connection.at(now);
    if ((what & 3) == 3) {
      if (size < 20) {
        connection.gap(direction, size * size * size + 1);
      } else if (size < 26) {
        connection.end(direction);
      } else if (size < 30) {
        connection.at(now += 5 * kSecond);
      } else {
        connection.close(static_cast<CloseReason>(cursor.u8() % 5));
      }
      continue;
    }
    const Bytes octets = cursor.take(std::min((what & 3) == 2 ? size : size * 8, cursor.size()));
    if (options.transport == Transport::tcp) {
      connection.data(direction, octets);
    } else {
      connection.datagram(direction, octets);
    }
  }
  if (connection.finish()->arena_in_use != 0) std::abort();
}

}  // namespace spanbeat::testing
