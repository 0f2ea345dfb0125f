// The capture filter: a libpcap expression that selects packets.
//
// What:   compiles the expression to classic BPF for the link type of the input and runs it on each packet with
//         libpcap's interpreter. A packet of another link type compiles the expression once more, for that type.
// Why:    the same expression must select the same packets from a file, an AF_PACKET ring and a DPDK queue.
// Limits: not shared between threads (it compiles while it runs): one per worker. Where libpcap has no such test for a
//         link type (`tcp` on a type that it cannot read), packets of that type do not match.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "dataplane/source/packet.h"

namespace spanbeat {

class Filter {
 public:
  // Compiled for `link` first, and for others when their packets come. Not ok, with libpcap's message, when the
  // expression cannot be compiled for any link type that is known.
  static absl::StatusOr<Filter> compile(std::string_view expression, LinkType link, int snaplen);
  ~Filter();
  Filter(Filter&&) noexcept;
  Filter& operator=(Filter&&) noexcept;

  // Why no packet of the `link` of compile() can match; empty when some can. Worth a warning.
  [[nodiscard]] const std::string& problem() const;
  [[nodiscard]] bool matches(const Packet& packet);

 private:
  struct Impl;
  explicit Filter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace spanbeat
