// All DPDK ports of the configuration: from settings to one source for each thread that polls.
//
// What:   starts EAL when there is a device to open, opens every port, and stops and closes them at the end. Queue i of
//         all ports is one reader's, for the two directions of a tap come by two ports; says whether the NICs keep
//         flows together, or packets have to be steered by software.
// Why:    the program without DPDK devices never starts EAL, and needs no huge pages.
// Limits: one at a time; it outlives the workers that read its sources. What cannot be opened refuses everything, with
// the
//         remedy.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/source/dpdk/filter.h"
#include "dataplane/source/dpdk/options.h"
#include "dataplane/source/dpdk/port.h"
#include "dataplane/source/dpdk/queue.h"
#include "dataplane/source/group.h"

namespace spanbeat {

class DpdkPorts {
 public:
  // Null with what failed and the remedy in `problem`.
  static std::unique_ptr<DpdkPorts> open(const DpdkOptions& options, std::string& problem);
  // The same of ports that are open already. `options` are those they were opened with.
  static std::unique_ptr<DpdkPorts> of(const DpdkOptions& options, std::vector<std::unique_ptr<DpdkPort>> ports,
                                       std::string& problem);
  ~DpdkPorts();
  DpdkPorts(const DpdkPorts&) = delete;
  DpdkPorts& operator=(const DpdkPorts&) = delete;

  // One for each queue, port by port; each is read by a thread of its own. They are of this object.
  [[nodiscard]] const std::vector<std::unique_ptr<DpdkQueue>>& sources() const { return queues_; }
  // What is read by a thread each: queue i of all ports, or each queue alone where ports share no flows.
  [[nodiscard]] const std::vector<Source*>& readers() const { return readers_; }
  // The queues do not keep the directions of a flow together: every packet has to be handed to its flow's worker.
  [[nodiscard]] bool steered() const { return steered_; }
  [[nodiscard]] bool all_gone() const;
  [[nodiscard]] const DpdkOptions& options() const { return options_; }
  [[nodiscard]] const std::vector<std::unique_ptr<DpdkPort>>& ports() const { return ports_; }
  // Every number that the drivers know, as PORT.NAME; from any thread.
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> statistics() const;

 private:
  explicit DpdkPorts(const DpdkOptions& options) : options_(options) {}
  [[nodiscard]] bool open_ports(std::string& problem);
  [[nodiscard]] bool take_up(std::string& problem);
  [[nodiscard]] bool compile_filter(std::string& problem);
  void make_queues();
  void warn_of_distance(const DpdkPort& port, int core) const;
  void judge_spread();

  const DpdkOptions options_;
  std::unique_ptr<DpdkFilter> filter_;
  std::vector<std::unique_ptr<DpdkPort>> ports_;
  std::vector<std::unique_ptr<DpdkQueue>> queues_;
  std::vector<std::unique_ptr<GroupSource>> groups_;
  std::vector<Source*> readers_;
  bool steered_ = false;
};

}  // namespace spanbeat
