// Several sources read by one thread as one: queue i of every port of a tap, or a worker's share of several steering
// threads.
//
// What:   asks its members in turn, numbers their packets anew, and waits when none of them has anything.
// Why:    the two directions of a tap come by two ports and belong to one worker.
// Limits: the members do not wait themselves (each says how). Bursts are a member's, never mixed: order between members
//         is that in which they are asked.
#pragma once

#include <vector>

#include "dataplane/source/source.h"

namespace spanbeat {

class GroupSource final : public Source {
 public:
  enum class Idle : std::uint8_t { spin, sleep };
  // The members outlive the group.
  GroupSource(std::vector<Source*> members, Idle idle) : members_(std::move(members)), idle_(idle) {}

  std::size_t burst(std::span<Packet, kBurst> packets) override;
  [[nodiscard]] State state() const override;
  [[nodiscard]] bool live() const override;
  [[nodiscard]] Time idle_time() const override;
  // That of the fullest member.
  [[nodiscard]] unsigned backlog() const override;
  void collect(Counters& counters) override;
  void interrupt() override;

 private:
  std::vector<Source*> members_;
  Idle idle_;
  std::size_t next_ = 0;
  std::uint64_t number_ = 0;
  Time nap_ = 0;
};

}  // namespace spanbeat
