#include "dataplane/source/af_packet/kernel_filter.h"

#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <pcap/pcap.h>

#include <cstddef>

namespace spanbeat {
namespace {

sock_filter statement(unsigned code, std::uint32_t k) { return {static_cast<std::uint16_t>(code), 0, 0, k}; }
sock_filter jump(unsigned code, std::uint32_t k, std::uint8_t yes, std::uint8_t no) {
  return {static_cast<std::uint16_t>(code), yes, no, k};
}
// What the kernel knows of a packet beside its octets.
constexpr std::uint32_t ancillary(int which) { return static_cast<std::uint32_t>(SKF_AD_OFF + which); }

// The expression for Ethernet frames as they are on the wire.
absl::Status compile(const std::string& expression, std::uint32_t snaplen, std::vector<sock_filter>& program) {
  pcap_t* handle = ::pcap_open_dead(DLT_EN10MB, static_cast<int>(snaplen));
  if (handle == nullptr) return absl::ResourceExhaustedError("out of memory");
  bpf_program code{};
  absl::Status status;
  if (::pcap_compile(handle, &code, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) == 0) {
    for (unsigned i = 0; i < code.bf_len; ++i) {
      const bpf_insn& one = code.bf_insns[i];
      program.push_back({one.code, one.jt, one.jf, one.k});
    }
    ::pcap_freecode(&code);
  } else {
    status = absl::InvalidArgumentError(::pcap_geterr(handle));
  }
  ::pcap_close(handle);
  return status;
}

}  // namespace

absl::StatusOr<KernelFilter> make_kernel_filter(const std::string& expression, std::uint32_t snaplen) {
  KernelFilter made;
  made.program = {
      // Loopback shows each packet twice: going out and coming in.
      statement(BPF_LD | BPF_W | BPF_ABS, ancillary(SKF_AD_PKTTYPE)),
      jump(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 3),
      statement(BPF_LD | BPF_W | BPF_ABS, ancillary(SKF_AD_HATYPE)),
      jump(BPF_JMP | BPF_JEQ | BPF_K, ARPHRD_LOOPBACK, 0, 1),
      statement(BPF_RET | BPF_K, 0),
  };
  const sock_filter keep = statement(BPF_RET | BPF_K, snaplen);
  std::vector<sock_filter> compiled;
  if (!expression.empty()) {
    if (absl::Status status = compile(expression, snaplen, compiled); !status.ok()) return status;
  }
  made.fallback = made.program;
  made.fallback.push_back(keep);
  constexpr std::size_t kJudge = 6;
  if (compiled.empty() || made.program.size() + kJudge + compiled.size() > BPF_MAXINSNS) {
    made.program = made.fallback;
    made.has_expression = expression.empty();
    if (!made.has_expression) {
      made.problem = "it has " + std::to_string(compiled.size()) + " instructions, and the kernel takes " +
                     std::to_string(BPF_MAXINSNS);
    }
    return made;
  }
  made.has_expression = true;
  const sock_filter judge[kJudge] = {
      statement(BPF_LD | BPF_W | BPF_ABS, ancillary(SKF_AD_VLAN_TAG_PRESENT)),
      jump(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3),
      statement(BPF_LD | BPF_W | BPF_ABS, ancillary(SKF_AD_HATYPE)),
      jump(BPF_JMP | BPF_JEQ | BPF_K, ARPHRD_ETHER, 2, 0),
      jump(BPF_JMP | BPF_JEQ | BPF_K, ARPHRD_LOOPBACK, 1, 0),
      keep,
  };
  made.program.insert(made.program.end(), judge, judge + kJudge);
  made.program.insert(made.program.end(), compiled.begin(), compiled.end());
  return made;
}

}  // namespace spanbeat
