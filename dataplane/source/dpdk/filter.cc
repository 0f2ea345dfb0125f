#include "dataplane/source/dpdk/filter.h"

#include <pcap/pcap.h>
#include <rte_bpf.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <vector>

#include "dataplane/source/capture_file.h"

namespace spanbeat {
namespace {

// The program, free of two things that DPDK 22.11 gets wrong:
// - Its machine code for "jump if any of these bits is set" is broken when the bits fit into a signed octet (TEST has
// no
//   such short form), as in `tcp[tcpflags] & tcp-syn != 0`. It becomes an AND and a comparison, with register 5, which
//   converted programs leave alone.
// - rte_bpf_convert forgets the index register of loads of one octet (`tcp[13]`, where the header's length is not
// fixed).
std::vector<ebpf_insn> mended(const ebpf_insn* from, std::size_t count) {
  constexpr std::uint8_t kScratch = EBPF_REG_5;
  constexpr std::uint8_t kIndex = EBPF_REG_7;  // rte_bpf_convert's place for the X of classic BPF
  const auto is_jump = [](const ebpf_insn& each) {
    const int operation = BPF_OP(each.code);
    return BPF_CLASS(each.code) == BPF_JMP && operation != EBPF_CALL && operation != EBPF_EXIT;
  };
  const auto is_short_test = [](const ebpf_insn& each) {
    return each.code == (BPF_JMP | BPF_JSET | BPF_K) && each.imm >= INT8_MIN && each.imm <= INT8_MAX;
  };
  std::vector<std::size_t> place(count + 1);  // of each instruction among the new ones
  for (std::size_t i = 0; i < count; ++i) place[i + 1] = place[i] + (is_short_test(from[i]) ? 3 : 1);
  std::vector<ebpf_insn> to;
  for (std::size_t i = 0; i < count; ++i) {
    ebpf_insn made = from[i];
    if (BPF_CLASS(made.code) == BPF_LD && BPF_MODE(made.code) == BPF_IND) made.src_reg = kIndex;
    if (is_short_test(made)) {
      ebpf_insn step{};
      step.dst_reg = kScratch;
      step.code = EBPF_ALU64 | EBPF_MOV | BPF_X;
      step.src_reg = made.dst_reg;
      to.push_back(step);
      step.code = EBPF_ALU64 | BPF_AND | BPF_K;
      step.src_reg = 0;
      step.imm = made.imm;
      to.push_back(step);
      made.code = BPF_JMP | EBPF_JNE | BPF_K;
      made.dst_reg = kScratch;
      made.imm = 0;
    }
    if (is_jump(from[i])) {
      const auto target = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(i) + 1 + from[i].off);
      if (target > count) return {};
      made.off = static_cast<std::int16_t>(static_cast<std::ptrdiff_t>(place[target]) -
                                           static_cast<std::ptrdiff_t>(to.size()) - 1);
    }
    to.push_back(made);
  }
  if (to.size() > INT16_MAX) return {};
  return to;
}

}  // namespace

struct DpdkFilter::Programs {
  bpf_program classic{};
  rte_bpf* extended = nullptr;

  Programs() = default;
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;
  ~Programs() {
    ::pcap_freecode(&classic);
    if (extended != nullptr) ::rte_bpf_destroy(extended);
  }
};

DpdkFilter::DpdkFilter(std::unique_ptr<Programs> programs) : programs_(std::move(programs)) {}
DpdkFilter::~DpdkFilter() = default;

std::unique_ptr<DpdkFilter> DpdkFilter::compile(const std::string& expression, std::string& problem) {
  auto programs = std::make_unique<Programs>();
  pcap_t* handle = ::pcap_open_dead(DLT_EN10MB, kMaxCapturedOctets);
  if (handle == nullptr) {
    problem = "out of memory";
    return nullptr;
  }
  if (::pcap_compile(handle, &programs->classic, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    problem = ::pcap_geterr(handle);
    programs->classic = {};
    ::pcap_close(handle);
    return nullptr;
  }
  ::pcap_close(handle);
  std::unique_ptr<DpdkFilter> filter(new DpdkFilter(std::move(programs)));
  Programs& made = *filter->programs_;
  rte_bpf_prm* converted = ::rte_bpf_convert(&made.classic);
  if (converted == nullptr) {
    filter->reason_ = "DPDK does not know one of its instructions";
    return filter;
  }
  const std::vector<ebpf_insn> instructions = mended(converted->ins, converted->nb_ins);
  converted->ins = instructions.data();
  converted->nb_ins = static_cast<std::uint32_t>(instructions.size());
  made.extended = ::rte_bpf_load(converted);
  const int load_error = rte_errno;
  ::rte_free(converted);
  if (made.extended == nullptr) {
    filter->reason_ = std::string("rte_bpf_load: ") + ::rte_strerror(load_error);
    return filter;
  }
  rte_bpf_jit machine_code{};
  if (::rte_bpf_get_jit(made.extended, &machine_code) != 0 || machine_code.func == nullptr) {
    filter->reason_ = "no machine code for this processor";
    return filter;
  }
  filter->run_ = machine_code.func;
  return filter;
}

void DpdkFilter::only_interpret() {
  run_ = nullptr;
  reason_ = "asked for";
}

bool DpdkFilter::interpret(const rte_mbuf* packet) const {
  const std::uint32_t length = packet->pkt_len;
  if (packet->nb_segs == 1) {
    return ::bpf_filter(programs_->classic.bf_insns, rte_pktmbuf_mtod(packet, const u_char*), length,
                        packet->data_len) != 0;
  }
  // Filters look at headers; what lies behind so many octets is cut away.
  std::uint8_t linear[16384];
  const std::uint32_t kept = std::min<std::uint32_t>(length, sizeof linear);
  const void* start = ::rte_pktmbuf_read(packet, 0, kept, linear);
  return start != nullptr &&
         ::bpf_filter(programs_->classic.bf_insns, static_cast<const u_char*>(start), length, kept) != 0;
}

}  // namespace spanbeat
