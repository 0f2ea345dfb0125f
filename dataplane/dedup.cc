#include "dataplane/dedup.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace spanbeat {
namespace {

constexpr std::size_t kOfCut = 64;  // octets of IP that count when a packet was cut
constexpr std::size_t kMacs = 12;
constexpr std::size_t kTag = 4;

std::uint16_t load16(const std::uint8_t* at) { return static_cast<std::uint16_t>(at[0] << 8 | at[1]); }

// From the outermost IP header on. `fixed` is the header with what may differ set to zero.
std::uint64_t hash_ip(const std::uint8_t* ip, std::size_t captured, std::size_t wire, IpVersion version) {
  std::uint8_t fixed[40];
  std::size_t fixed_size = 20;
  std::size_t total = 0;
  if (version == IpVersion::v4) {
    std::memcpy(fixed, ip, 20);
    fixed[8] = 0;  // TTL
    fixed[10] = fixed[11] = 0;
    total = load16(ip + 2);
  } else {
    fixed_size = 40;
    std::memcpy(fixed, ip, 40);
    fixed[7] = 0;  // hop limit
    total = load16(ip + 4);
    if (total != 0) total += 40;
  }
  if (total < fixed_size) total = wire;  // segmentation offload, or a jumbogram
  const std::size_t counts = captured < std::min(total, wire) ? std::min(captured, kOfCut) : std::min(captured, total);
  const std::uint64_t of_header = XXH3_64bits_withSeed(fixed, fixed_size, total);
  return counts > fixed_size ? XXH3_64bits_withSeed(ip + fixed_size, counts - fixed_size, of_header) : of_header;
}

std::uint64_t hash_frame(const Packet& packet) {
  const Bytes octets = packet.octets;
  if (packet.link != LinkType::ethernet || octets.size() < kMacs)
    return XXH3_64bits_withSeed(octets.data(), octets.size(), packet.wire_length);
  std::size_t at = kMacs;
  while (octets.size() >= at + kTag) {
    const std::uint16_t type = load16(octets.data() + at);
    if (type != 0x8100 && type != 0x88a8 && type != 0x9100) break;
    at += kTag;
  }
  return XXH3_64bits_withSeed(octets.data() + at, octets.size() - at, XXH3_64bits(octets.data(), kMacs));
}

std::uint64_t hash_of(const Packet& packet, const Headers& headers) {
  const bool inside = headers.tunnels != 0;
  const IpVersion version = inside ? headers.tunnel[0].version : headers.version;
  if (version == IpVersion::none) return hash_frame(packet);
  // Where the addresses lie tells where the header begins (RFC 791 section 3.1, RFC 8200 section 3).
  const std::uint8_t* ip = (inside ? headers.tunnel[0].source : headers.source) - (version == IpVersion::v4 ? 12 : 8);
  const auto before = static_cast<std::size_t>(ip - packet.octets.data());
  const std::size_t wire = std::max<std::size_t>(packet.wire_length, packet.octets.size());
  return hash_ip(ip, packet.octets.size() - before, wire - before, version);
}

}  // namespace

namespace {
std::size_t sets_for(const DedupConfig& config) { return std::bit_ceil(std::max<std::size_t>(config.packets / 4, 1)); }
}  // namespace

std::size_t Deduplicator::octets(const DedupConfig& config) {
  return config.window > 0 ? sets_for(config) * sizeof(Set) : 0;
}

Deduplicator::Deduplicator(const DedupConfig& config, Counters& counters)
    : counters_(counters), window_(config.window) {
  if (!on()) return;
  sets_.resize(sets_for(config));
  mask_ = sets_.size() - 1;
}

void Deduplicator::prepare(std::size_t place, const Packet& packet, const Headers& headers) {
  const std::uint64_t hash = hash_of(packet, headers);
  hashes_[place] = hash == 0 ? 1 : hash;
  __builtin_prefetch(&sets_[hash & mask_], 1);
}

bool Deduplicator::is_copy(std::size_t place, Time timestamp) {
  const std::uint64_t hash = hashes_[place];
  Set& set = sets_[hash & mask_];
  Seen* oldest = set.seen.data();
  for (Seen& seen : set.seen) {
    if (seen.hash == hash) {
      // A copy may have the earlier time, when it came through another queue of the NIC.
      const Time apart = timestamp > seen.time ? timestamp - seen.time : seen.time - timestamp;
      const bool copy = apart <= window_;
      if (!copy) seen.time = timestamp;
      return copy;
    }
    if (oldest->hash != 0 && (seen.hash == 0 || seen.time < oldest->time)) oldest = &seen;
  }
  if (oldest->hash != 0 && timestamp - oldest->time <= window_) counters_.add(Counter::dedup_forgotten);
  *oldest = {hash, timestamp};
  return false;
}

}  // namespace spanbeat
