#include "dataplane/filter/filter.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <utility>

namespace spanbeat {
namespace {

// libpcap names link types by the DLT_ numbers of the system, which differ from the LINKTYPE_ numbers of files for a
// few.
int dlt_of(LinkType link) {
  switch (link) {
    case LinkType::raw:
    case LinkType::raw_12:
    case LinkType::raw_14:
      return DLT_RAW;
    default:
      return static_cast<int>(link);
  }
}

class Program {
 public:
  Program() = default;
  ~Program() { ::pcap_freecode(&code_); }
  Program(Program&& other) noexcept : code_(std::exchange(other.code_, {})) {}
  Program& operator=(Program&& other) noexcept {
    std::swap(code_, other.code_);
    return *this;
  }

  // The message of libpcap, empty when it compiled. A program that did not compile matches nothing.
  std::string compile(const std::string& expression, int dlt, int snap_length) {
    pcap_t* handle = ::pcap_open_dead(dlt, snap_length);
    if (handle == nullptr) return "out of memory";
    std::string message;
    if (::pcap_compile(handle, &code_, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
      message = ::pcap_geterr(handle);
      if (message.empty()) message = "cannot be compiled";
      code_ = {};
    }
    ::pcap_close(handle);
    return message;
  }

  [[nodiscard]] bool matches(const Packet& packet) const {
    if (code_.bf_insns == nullptr) return false;
    return ::bpf_filter(code_.bf_insns, packet.octets.data(), packet.wire_length,
                        static_cast<u_int>(packet.octets.size())) != 0;
  }

 private:
  bpf_program code_{};
};

// A capture may hold interfaces of several kinds, and an expression need not have a meaning for all of them.
constexpr int kKnownTypes[] = {DLT_EN10MB, DLT_LINUX_SLL2, DLT_LINUX_SLL, DLT_RAW, DLT_NULL, DLT_LOOP, DLT_PPP};

}  // namespace

struct Filter::Impl {
  // Few captures hold more link types; beyond them a program is compiled anew each time the type changes.
  static constexpr std::size_t kPrograms = 8;
  struct Entry {
    int dlt = -1;
    Program program;
  };

  std::string expression;
  std::string problem;  // why it cannot be compiled for the first type
  int snap_length = 0;
  std::array<Entry, kPrograms> entries;
  std::size_t next = 0;
  Entry* last = nullptr;

  const Program& program_for(int dlt) {
    if (last != nullptr && last->dlt == dlt) return last->program;
    for (Entry& entry : entries) {
      if (entry.dlt == dlt) return (last = &entry)->program;
    }
    Program made;
    (void)made.compile(expression, dlt, snap_length);  // it has a meaning for some type: for this one perhaps none
    last = &entries[next++ % kPrograms];
    last->dlt = dlt;
    last->program = std::move(made);
    return last->program;
  }
};

Filter::Filter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Filter::~Filter() = default;
Filter::Filter(Filter&&) noexcept = default;
Filter& Filter::operator=(Filter&&) noexcept = default;

absl::StatusOr<Filter> Filter::compile(std::string_view expression, LinkType link, int snaplen) {
  auto impl = std::make_unique<Impl>();
  impl->expression = expression;
  impl->snap_length = snaplen;
  Impl::Entry& first = impl->entries[impl->next++];
  first.dlt = dlt_of(link);
  impl->problem = first.program.compile(impl->expression, first.dlt, snaplen);
  if (!impl->problem.empty()) {
    const bool useful = std::any_of(std::begin(kKnownTypes), std::end(kKnownTypes),
                                    [&](int dlt) { return Program().compile(impl->expression, dlt, snaplen).empty(); });
    if (!useful) return absl::InvalidArgumentError(impl->problem);
  }
  impl->last = &first;
  return Filter(std::move(impl));
}

const std::string& Filter::problem() const { return impl_->problem; }

bool Filter::matches(const Packet& packet) {
  int dlt = dlt_of(packet.link);
  // LINKTYPE_NULL has the address family in the byte order of the capturing host, and libpcap compiles for this one's.
  // Where the first octets say that it was the other order, the packet reads as LINKTYPE_LOOP, which is big-endian.
  if (packet.link == LinkType::null_loopback && packet.octets.size() >= 4 && packet.octets[0] == 0 &&
      packet.octets[1] == 0) {
    dlt = DLT_LOOP;
  }
  return impl_->program_for(dlt).matches(packet);
}

}  // namespace spanbeat
