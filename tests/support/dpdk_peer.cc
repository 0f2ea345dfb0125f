// A peer for tests of DPDK devices that need one: sends the packets of a capture file, as they are.
//
// What:   dpdk-peer send FILE EAL-ARGUMENTS: through the first port (net_memif as client), when its link is up.
//         dpdk-peer ring NAME FILE EAL-ARGUMENTS: as a secondary process, into the ring of a net_ring device, with
//         buffers of the pool `spanbeat_0` of the primary one. Says "sent N" and then stays until its standard input
//         ends: with it goes the memory that the packets lie in.
// Limits: a test's helper; whatever goes wrong ends it with a message and status 1.
#include <pcap/pcap.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr int kPatience = 30'000;  // milliseconds

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "dpdk-peer: %s\n", what.c_str());
  std::exit(1);
}

template <typename Done>
void wait_until(const Done& done, const char* what) {
  for (int waited = 0; !done(); ++waited) {
    if (waited == kPatience) fail(std::string("no ") + what);
    ::rte_delay_us_sleep(1000);
  }
}

// A packet in as many buffers as it takes.
rte_mbuf* packet_in(rte_mempool* pool, const std::uint8_t* octets, std::size_t size) {
  rte_mbuf* const head = ::rte_pktmbuf_alloc(pool);
  if (head == nullptr) return nullptr;
  for (rte_mbuf* part = head; size != 0;) {
    const std::uint16_t room = ::rte_pktmbuf_tailroom(part);
    if (room == 0) {
      rte_mbuf* const next = ::rte_pktmbuf_alloc(pool);
      if (next == nullptr) {
        ::rte_pktmbuf_free(head);
        return nullptr;
      }
      part->next = next;
      ++head->nb_segs;
      part = next;
      continue;
    }
    const auto step = static_cast<std::uint16_t>(size < room ? size : room);
    std::memcpy(rte_pktmbuf_mtod_offset(part, std::uint8_t*, part->data_len), octets, step);
    part->data_len = static_cast<std::uint16_t>(part->data_len + step);
    head->pkt_len += step;
    octets += step;
    size -= step;
  }
  return head;
}

std::uint16_t start_port(rte_mempool* pool) {
  const std::uint16_t port = 0;
  const rte_eth_conf configuration{};
  if (::rte_eth_dev_configure(port, 1, 1, &configuration) != 0 ||
      ::rte_eth_rx_queue_setup(port, 0, 256, 0, nullptr, pool) != 0 ||
      ::rte_eth_tx_queue_setup(port, 0, 256, 0, nullptr) != 0 || ::rte_eth_dev_start(port) != 0) {
    fail("the port does not start");
  }
  wait_until(
      [&] {
        rte_eth_link link{};
        return ::rte_eth_link_get_nowait(port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
      },
      "link");
  return port;
}

template <typename Give>
void send_file(const char* path, rte_mempool* pool, const Give& give) {
  char message[PCAP_ERRBUF_SIZE] = {};
  pcap_t* file = ::pcap_open_offline(path, static_cast<char*>(message));
  if (file == nullptr) fail(static_cast<char*>(message));
  pcap_pkthdr* header = nullptr;
  const u_char* octets = nullptr;
  std::size_t count = 0;
  while (::pcap_next_ex(file, &header, &octets) == 1) {
    rte_mbuf* packet = nullptr;
    wait_until([&] { return (packet = packet_in(pool, octets, header->caplen)) != nullptr; }, "buffer");
    wait_until([&] { return give(packet); }, "room");
    ++count;
  }
  ::pcap_close(file);
  std::printf("sent %zu\n", count);
  (void)std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const int own = what == "ring" ? 4 : 3;
  if ((what != "send" && what != "ring") || argc < own) fail("send FILE EAL-ARGUMENTS | ring NAME FILE EAL-ARGUMENTS");
  const std::string path = argv[own - 1];
  const std::string ring_name = what == "ring" ? argv[2] : "";
  std::vector<char*> arguments = {argv[0]};
  for (int i = own; i < argc; ++i) arguments.push_back(argv[i]);
  arguments.push_back(nullptr);
  if (::rte_eal_init(static_cast<int>(arguments.size()) - 1, arguments.data()) < 0) fail("EAL does not start");
  if (what == "ring") {
    rte_ring* const ring = ::rte_ring_lookup(ring_name.c_str());
    rte_mempool* const pool = ::rte_mempool_lookup("spanbeat_0");
    if (ring == nullptr || pool == nullptr) fail("no such ring or pool");
    send_file(path.c_str(), pool, [&](rte_mbuf* packet) { return ::rte_ring_enqueue(ring, packet) == 0; });
  } else {
    rte_mempool* const pool = ::rte_pktmbuf_pool_create("peer", 2047, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    if (pool == nullptr) fail("no pool");
    const std::uint16_t port = start_port(pool);
    send_file(path.c_str(), pool, [&](rte_mbuf* packet) { return ::rte_eth_tx_burst(port, 0, &packet, 1) == 1; });
  }
  char octet = 0;
  while (::read(STDIN_FILENO, &octet, 1) > 0) {
  }
  return 0;
}
