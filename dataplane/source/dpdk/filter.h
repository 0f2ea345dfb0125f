// The capture filter on DPDK: a libpcap expression as machine code that reads mbufs.
//
// What:   compiles the expression to classic BPF as every source does, turns it into eBPF (rte_bpf_convert) and that
// into
//         machine code. Where DPDK cannot, libpcap's interpreter runs it: `compiled()` tells, and why.
// Why:    a packet that is not wanted costs some nanoseconds and never leaves the source.
// Limits: EAL must run. Ethernet, the only link of DPDK ports. Immutable: any number of queues may share one.
#pragma once

#include <memory>
#include <string>

struct rte_mbuf;

namespace spanbeat {

class DpdkFilter {
 public:
  // Null, with libpcap's message in `problem`, when the expression is wrong.
  static std::unique_ptr<DpdkFilter> compile(const std::string& expression, std::string& problem);
  ~DpdkFilter();
  DpdkFilter(const DpdkFilter&) = delete;
  DpdkFilter& operator=(const DpdkFilter&) = delete;

  [[nodiscard]] bool matches(rte_mbuf* packet) const { return run_ != nullptr ? run_(packet) != 0 : interpret(packet); }
  [[nodiscard]] bool compiled() const { return run_ != nullptr; }
  // Why there is no machine code; empty when there is.
  [[nodiscard]] const std::string& reason() const { return reason_; }
  // From now on by the interpreter: for tests that compare the two.
  void only_interpret();

 private:
  struct Programs;
  explicit DpdkFilter(std::unique_ptr<Programs> programs);
  [[nodiscard]] bool interpret(const rte_mbuf* packet) const;

  std::unique_ptr<Programs> programs_;
  std::uint64_t (*run_)(void*) = nullptr;
  std::string reason_;
};

}  // namespace spanbeat
