#include "dataplane/source/dpdk/filter.h"

#include <pcap/pcap.h>
#include <rte_bpf.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include <algorithm>

#include "dataplane/source/capture_file.h"

namespace spanbeat {

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
    filter->reason_ = std::string("rte_bpf_convert: ") + ::rte_strerror(rte_errno);
    return filter;
  }
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
