// The octets of held fragments: blocks of fixed size from one pool.
//
// What:   a Chain is one datagram's octets in the order of arrival, appended without gaps; where a piece begins is a
//         Place. Blocks go back to the pool when the datagram ends.
// Why:    an attacker's small fragments cost what they hold, not a buffer each, and nothing is allocated per packet
// once
//         the pool has grown.
// Limits: the pool never has more than `octets` in all; append() says when it is used up.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "dataplane/bytes/bytes.h"

namespace spanbeat {

class FragmentStore {
 public:
  static constexpr std::size_t kBlock = 1024;
  static constexpr std::uint32_t kNone = UINT32_MAX;

  struct Place {
    std::uint32_t block = kNone;
    std::uint32_t at = 0;
  };
  struct Chain {
    std::uint32_t first = kNone;
    std::uint32_t last = kNone;
    std::uint32_t used = 0;  // octets of the last block
    std::uint32_t blocks = 0;
  };

  explicit FragmentStore(std::size_t octets) : limit_(std::max<std::size_t>(octets / kBlock, kWorst)) {}
  // What a store of so many octets may come to use.
  [[nodiscard]] static std::size_t octets(std::size_t limit) {
    return (std::max<std::size_t>(limit / kBlock, kWorst) + kSlab) * sizeof(Block);
  }

  // Whether `count` more octets fit; then append() does not fail.
  [[nodiscard]] bool fits(const Chain& chain, std::size_t count) const {
    const std::size_t room = chain.first == kNone ? 0 : kBlock - chain.used;
    return count <= room + (limit_ - taken_) * kBlock;
  }
  Place append(Chain& chain, Bytes octets) {
    if (chain.first == kNone || chain.used == kBlock) extend(chain);
    const Place place{chain.last, chain.used};
    while (!octets.empty()) {
      if (chain.used == kBlock) extend(chain);
      const std::size_t count = std::min(octets.size(), kBlock - chain.used);
      std::memcpy(block(chain.last).octets.data() + chain.used, octets.data(), count);
      chain.used += static_cast<std::uint32_t>(count);
      octets = octets.subspan(count);
    }
    return place;
  }
  void copy(Place from, std::size_t count, std::uint8_t* to) const {
    while (count > 0) {
      const Block& here = block(from.block);
      const std::size_t part = std::min(count, kBlock - from.at);
      std::memcpy(to, here.octets.data() + from.at, part);
      to += part;
      count -= part;
      from = {here.next, 0};
    }
  }
  [[nodiscard]] bool equal(Place from, Bytes octets) const {
    while (!octets.empty()) {
      const Block& here = block(from.block);
      const std::size_t part = std::min(octets.size(), kBlock - from.at);
      if (std::memcmp(octets.data(), here.octets.data() + from.at, part) != 0) return false;
      octets = octets.subspan(part);
      from = {here.next, 0};
    }
    return true;
  }
  void release(Chain& chain) {
    if (chain.first != kNone) {
      block(chain.last).next = free_;
      free_ = chain.first;
      taken_ -= chain.blocks;
    }
    chain = {};
  }

 private:
  struct Block {
    std::uint32_t next = kNone;
    std::array<std::uint8_t, kBlock> octets;
  };
  static constexpr std::size_t kSlab = 64;                         // blocks that are allocated together
  static constexpr std::size_t kWorst = 2 * (65536 / kBlock + 1);  // the longest datagram and a copy of it must fit

  Block& block(std::uint32_t index) { return slabs_[index / kSlab][index % kSlab]; }
  [[nodiscard]] const Block& block(std::uint32_t index) const { return slabs_[index / kSlab][index % kSlab]; }

  void extend(Chain& chain) {
    if (free_ == kNone) grow();
    const std::uint32_t taken = free_;
    free_ = block(taken).next;
    block(taken).next = kNone;
    if (chain.first == kNone) {
      chain.first = taken;
    } else {
      block(chain.last).next = taken;
    }
    chain.last = taken;
    chain.used = 0;
    ++chain.blocks;
    ++taken_;
  }
  void grow() {
    const auto base = static_cast<std::uint32_t>(slabs_.size() * kSlab);
    slabs_.push_back(std::make_unique_for_overwrite<Block[]>(kSlab));
    for (std::uint32_t i = 0; i < kSlab; ++i) block(base + i).next = i + 1 < kSlab ? base + i + 1 : kNone;
    free_ = base;
  }

  std::size_t limit_;      // blocks
  std::size_t taken_ = 0;  // blocks
  std::uint32_t free_ = kNone;
  std::vector<std::unique_ptr<Block[]>> slabs_;
};

}  // namespace spanbeat
