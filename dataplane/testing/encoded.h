// An event as it lies in a chunk, by itself.
#pragma once

#include <vector>

#include "dataplane/event/event_view.h"

namespace spanbeat::testing {

class Encoded {
 public:
  explicit Encoded(Event& event)
      : size_(event.encoded_size()), octets_((size_ + kPadding) / sizeof(std::uint64_t) + 1) {
    event.encode(reinterpret_cast<std::uint8_t*>(octets_.data()));
    if (size_ != 0) std::memcpy(&header_, data(), sizeof header_);
  }
  [[nodiscard]] const EventHeader& header() const { return header_; }
  [[nodiscard]] const std::uint8_t* data() const { return reinterpret_cast<const std::uint8_t*>(octets_.data()); }
  [[nodiscard]] Bytes octets() const { return {data(), size_}; }
  [[nodiscard]] EventView view() const { return {header_, data()}; }

 private:
  std::size_t size_;
  std::vector<std::uint64_t> octets_;
  EventHeader header_;
};

}  // namespace spanbeat::testing
