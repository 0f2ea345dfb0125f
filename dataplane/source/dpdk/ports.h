// All DPDK ports of the configuration: from settings to one source for each queue.
//
// What:   starts EAL when there is a device to open, opens every port, and stops and closes them at the end.
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

namespace spanbeat {

class DpdkPorts {
 public:
  // Null with what failed and the remedy in `problem`.
  static std::unique_ptr<DpdkPorts> open(const DpdkOptions& options, std::string& problem);
  ~DpdkPorts();
  DpdkPorts(const DpdkPorts&) = delete;
  DpdkPorts& operator=(const DpdkPorts&) = delete;

  // One for each queue, port by port; each is read by a thread of its own. They are of this object.
  [[nodiscard]] const std::vector<std::unique_ptr<DpdkQueue>>& sources() const { return queues_; }
  [[nodiscard]] const std::vector<std::unique_ptr<DpdkPort>>& ports() const { return ports_; }
  // Every number that the drivers know, as PORT.NAME; from any thread.
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> statistics() const;

 private:
  explicit DpdkPorts(const DpdkOptions& options) : options_(options) {}
  [[nodiscard]] bool open_ports(std::string& problem);
  [[nodiscard]] bool compile_filter(std::string& problem);
  void make_queues();

  const DpdkOptions options_;
  std::unique_ptr<DpdkFilter> filter_;
  std::vector<std::unique_ptr<DpdkPort>> ports_;
  std::vector<std::unique_ptr<DpdkQueue>> queues_;
};

}  // namespace spanbeat
