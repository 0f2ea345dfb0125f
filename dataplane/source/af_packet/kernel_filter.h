// The capture filter as far as the kernel can apply it to an AF_PACKET socket.
//
// What:   a classic BPF program that drops the second copy of loopback packets, and packets that the user's expression
//         rejects, where the kernel sees the same octets as everybody else: Ethernet frames without a VLAN tag.
// Why:    the kernel keeps the tag of a frame beside it, so an expression means something else there. What it cannot
//         judge it passes; the source asks Filter for these, and so the same packets are selected as from a file.
// Limits: an expression that is too long for the kernel, or that it refuses (it knows no jump backwards, which
//         `protochain` needs), is left to Filter altogether.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace spanbeat {

struct KernelFilter {
  std::vector<sock_filter> program;
  // False: the program does not contain the expression, and every packet is to be asked about.
  bool has_expression = false;
  // What to attach when the kernel refuses `program`: the same without the expression.
  std::vector<sock_filter> fallback;
  std::string problem;  // why the program does not contain the expression; empty when it does
};

// `expression` may be empty. `snaplen` is how many octets of a selected packet are kept. Not ok with libpcap's message
// when the expression cannot be compiled.
absl::StatusOr<KernelFilter> make_kernel_filter(const std::string& expression, std::uint32_t snaplen);

}  // namespace spanbeat
