#include "dataplane/event/output.h"

#include <time.h>

#include <algorithm>

#include "dataplane/source/packet.h"

namespace spanbeat {
namespace {

// How long a worker on a file sleeps when every chunk is with the exporter; longer each time, as the output may be
// away.
constexpr Time kShortestWait = 50 * kMicrosecond;
constexpr Time kLongestWait = 5 * kMillisecond;

void wait_a_little(Time& wait) {
  const timespec pause{0, wait};
  nanosleep(&pause, nullptr);
  wait = std::min(wait * 2, kLongestWait);
}

}  // namespace

void EventOutput::make_owed() {
  if (owing_count_ == 0) return;
  make_community_ids({owing_.data(), owing_count_});
  owing_count_ = 0;
}

void EventOutput::hand_over() {
  make_owed();
  ring_.push(chunk_);
  chunk_ = nullptr;
}

bool EventOutput::make_room(std::size_t size) {
  if (chunk_ != nullptr && chunk_->fits(size)) return true;
  if (chunk_ != nullptr && chunk_->used != 0) hand_over();
  Time wait = kShortestWait;
  while (chunk_ == nullptr) {
    chunk_ = ring_.take_empty();
    if (chunk_ != nullptr) break;
    if (live_) return false;
    const std::uint64_t before = StageClocks::now();
    wait_a_little(wait);
    clocks_.slept(StageClocks::now() - before);
  }
  if (!chunk_->fits(size)) {
    chunk_->data = std::make_unique_for_overwrite<std::uint8_t[]>(size + kPadding);
    chunk_->capacity = size;
  }
  return true;
}

// What the worker's state makes of every event.
__attribute__((noinline)) void EventOutput::change(Event& event) {
  static constexpr Field kPayload[] = {F::request, F::response, F::http_request_body_content,
                                       F::http_response_body_content};
  if (without_payload_ && event.remove(kPayload)) counters_.add(Counter::overload_without_payload);
  if (sampling_rate_ < 1) event.set<F::spanbeat_sampling_rate>(sampling_rate_);
}

void EventOutput::emit(Event&& event, std::uint64_t order_flow, Time now) {
  const StageScope scope(clocks_, WorkStage::event);
  counters_.add(Counter::event_created);
  if (changes_events_) [[unlikely]]
    change(event);
  if (!event) {  // the arena had no room for it
    counters_.add(Counter::event_queue_dropped);
    return;
  }
  if (event.header().truncated != 0) counters_.add(Counter::event_truncated);
  if (!make_room((event.encoded_size() + 7) & ~std::size_t{7})) {
    counters_.add(Counter::event_queue_dropped);
  } else {
    if (chunk_->used == 0) chunk_packet_ = packet_;
    EventHeader& header = chunk_->append(event);
    header.order_packet = packet_;
    header.order_flow = stage_ == Stage::packet ? 0 : order_flow;  // a packet is one worker's alone
    header.order_stage = static_cast<std::uint8_t>(stage_);
    header.order_sequence = sequence_++;
    if (chunk_->opened == kNever) chunk_->opened = now;
    if (header.community_id_is == CommunityIdIs::owed) {
      owing_[owing_count_++] = &header;
      if (owing_count_ == owing_.size()) make_owed();
    }
  }
  event.drop();
}

void EventOutput::flush(Time now, bool in_any_case) {
  if (chunk_ == nullptr || chunk_->used == 0) return;
  if (!in_any_case && now - chunk_->opened < kSecond) return;
  hand_over();
}

void EventOutput::progress(std::uint64_t number) {
  ring_.progress(chunk_ != nullptr && chunk_->used != 0
                     ? std::min(number, std::max<std::uint64_t>(chunk_packet_, 1) - 1)
                     : number);
}

void EventOutput::close() {
  flush(0, true);
  ring_.close();
}

}  // namespace spanbeat
