// What is captured: files, network interfaces or DPDK ports, as one source for each worker.
//
// What:   opens what the configuration names. Files have one source; interfaces have one for each worker, which share
//         the packets by the flow's hash in the kernel.
// Limits: one of them at a time: -I (packetbeat.interfaces.file) wins over devices.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/settings.gen.h"
#include "dataplane/source/source.h"
#include "dataplane/steering.h"

namespace spanbeat {

class FlowShunt;

class Capture {
 public:
  virtual ~Capture() = default;

  // Sources, each for a thread of its own: one, or as many as workers were asked for.
  [[nodiscard]] virtual std::vector<Source*> sources() = 0;
  // Set when the sources do not keep a flow's directions together: their packets are then steered to the workers.
  [[nodiscard]] virtual std::optional<SteeringOptions::By> steering() const { return std::nullopt; }
  // Where worker `worker` of so many may send long flows; null: nowhere. Called before the workers run.
  [[nodiscard]] virtual FlowShunt* shunt(unsigned /*worker*/, unsigned /*workers*/) { return nullptr; }
  // Called by the thread of each worker when packets are steered to it.
  virtual void place_worker(unsigned /*worker*/) {}
  // "file", "memory", "af_packet" or "dpdk": for the log.
  [[nodiscard]] virtual std::string kind() const = 0;
  // The sources are one input that was shared out: bpf_filter was applied, and each is told of the input's clock.
  [[nodiscard]] virtual bool shared_out() const { return false; }
  // What should be told in the log since the last call: damaged files, interfaces that went away.
  virtual std::vector<std::string> take_remarks() = 0;
  // What the drivers count, by names of their own (PORT.NAME); from any thread.
  [[nodiscard]] virtual std::vector<std::pair<std::string, std::uint64_t>> statistics() const { return {}; }
  // After the end: empty, or why nothing could be captured.
  [[nodiscard]] virtual std::string failure() const { return {}; }
};

// How many workers there are when spanbeat.workers does not say: a core less than the machine has for live capture, one
// for files.
[[nodiscard]] unsigned worker_count(const GeneralSettings& general);

// `filter` is for interfaces, see source_filter(). Null, with what failed and the remedy in `problem`.
[[nodiscard]] std::unique_ptr<Capture> open_capture(const GeneralSettings& general, const std::string& filter,
                                                    unsigned workers, std::string& problem);

}  // namespace spanbeat
