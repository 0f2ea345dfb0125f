// FlowShunt by rte_flow: for each flow a rule of COUNT and DROP for each direction at each port.
//
// What:   DpdkShunt owns the rules and a thread that makes, asks and removes them; `worker(i)` is what worker i talks
// to. Why:    making a rule takes a NIC up to milliseconds, which no worker can wait for. Limits: at most `most` flows
// at once; what a device refuses stays with software, and is said once. Rules of TCP let
//         SYN, FIN and RST through, so that a connection that ends, or begins anew, is seen. Counts are asked every
//         kPeriod, and at the end; packets between a removed device's last count and its removal are lost uncounted.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/flow/shunt.h"
#include "dataplane/source/dpdk/drop_rules.h"
#include "dataplane/source/dpdk/options.h"

namespace spanbeat {

class DpdkPort;

class DpdkShunt {
 public:
  // The ports outlive the shunt. `runs_itself`: with a thread; tests call `work` instead.
  DpdkShunt(std::vector<DpdkPort*> ports, unsigned workers, std::size_t most, DpdkLog log, bool runs_itself = true);
  ~DpdkShunt();
  DpdkShunt(const DpdkShunt&) = delete;
  DpdkShunt& operator=(const DpdkShunt&) = delete;

  [[nodiscard]] FlowShunt& worker(unsigned number);
  // What the thread does every kPeriod: makes the rules that were asked for, reads counts, removes.
  void work();
  // Flows that the hardware has now, and packets that it counted in all; from any thread.
  [[nodiscard]] std::size_t flows() const { return flows_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t packets() const { return packets_.load(std::memory_order_relaxed); }

 private:
  class Lane;
  struct Flow {
    enum class State : std::uint8_t { none, asked, running, released };
    State state = State::none;
    unsigned lane = 0;
    FlowIndex flow = kNoFlow;
    FlowMatch match;  // of side 0
    struct Rule {
      DpdkPort* port = nullptr;
      rte_flow* handle = nullptr;
      int side = 0;
      std::uint64_t packets = 0;
      std::uint64_t bytes = 0;
    };
    std::vector<Rule> rules;
  };
  struct Count {
    std::uint32_t number;
    FlowIndex flow;
    int side;
    std::uint64_t packets;
    std::uint64_t bytes;
  };

  void run();
  void make(Flow& flow);
  void read(std::uint32_t number, Flow& flow);
  static void remove(Flow& flow);
  void finish(unsigned lane);  // with the mutex held
  std::uint32_t ask(unsigned lane, FlowIndex flow, const FlowMatch& match);
  void release(std::uint32_t number);

  std::vector<DpdkPort*> ports_;
  DpdkLog log_;
  std::mutex mutex_;  // of all below; the workers take it at a flow's beginning and end, and only try at ticks
  std::vector<Flow> table_;
  std::vector<std::uint32_t> free_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  bool refused_ = false;  // said already
  std::atomic<std::size_t> flows_{0};
  std::atomic<std::uint64_t> packets_{0};

  std::mutex sleep_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace spanbeat
