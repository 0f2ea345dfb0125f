#include "dataplane/dissect/fragments.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "dataplane/dissect/fragment_store.h"
#include "dataplane/dissect/tunnel_digest.h"

namespace spanbeat {
namespace {

constexpr std::uint32_t kMaxDatagram = 65535;
// More than the fragments of a 64 KB datagram on any link that is in use (1280 octets for IPv6, 576 for IPv4).
constexpr std::size_t kMaxPieces = 1024;
// A list of pieces that grew beyond this gives its memory back.
constexpr std::size_t kKeptPieces = 64;
constexpr std::uint32_t kNone = UINT32_MAX;

// What fragments of one datagram have in common: RFC 791 section 3.2 (with the protocol), RFC 8200 section 4.5
// (without). Unused octets are zero, so that equal keys are equal octet by octet.
struct Key {
  std::array<std::uint8_t, 16> source{};
  std::array<std::uint8_t, 16> destination{};
  std::uint32_t id = 0;
  IpVersion version = IpVersion::none;
  std::uint8_t protocol = 0;
  std::uint16_t vlan[2] = {0, 0};
  std::uint16_t vlans = 0;
  std::uint16_t tunnels = 0;
  std::uint16_t spare = 0;
  std::uint64_t around[2] = {0, 0};  // a digest of the tunnels

  friend bool operator==(const Key& left, const Key& right) { return std::memcmp(&left, &right, sizeof left) == 0; }
  template <typename State>
  friend State AbslHashValue(State state, const Key& key) {
    return State::combine_contiguous(std::move(state), reinterpret_cast<const unsigned char*>(&key), sizeof key);
  }
};
static_assert(sizeof(Key) == 64 && std::has_unique_object_representations_v<Key>);

Key key_of(const Headers& headers) {
  Key key;
  const std::size_t length = headers.version == IpVersion::v4 ? 4 : 16;
  std::memcpy(key.source.data(), headers.source, length);
  std::memcpy(key.destination.data(), headers.destination, length);
  key.id = headers.fragment_id;
  key.version = headers.version;
  if (headers.version == IpVersion::v4) key.protocol = static_cast<std::uint8_t>(headers.protocol);
  key.vlans = std::min<std::uint8_t>(headers.vlans, 2);
  for (std::size_t i = 0; i < key.vlans; ++i) key.vlan[i] = headers.vlan[i];
  if (headers.tunnels != 0) {
    const TunnelDigest around = digest_tunnels(headers);
    key.tunnels = headers.tunnels;
    key.around[0] = around.low;
    key.around[1] = around.high;
  }
  return key;
}

// Times of a capture may lie further apart than a Time can say.
bool older_than(Time begun, Time timeout, Time now) {
  return now > begun &&
         static_cast<std::uint64_t>(now) - static_cast<std::uint64_t>(begun) > static_cast<std::uint64_t>(timeout);
}

// Octets [offset, end) of a datagram that are held.
struct Piece {
  std::uint32_t offset = 0;
  std::uint32_t end = 0;
  FragmentStore::Place place;
};

struct Datagram {
  Key key;
  Time begun = 0;
  std::uint32_t older = kNone;  // list in the order of `begun`
  std::uint32_t newer = kNone;
  std::uint32_t packets = 0;  // fragments that were taken
  std::uint32_t frames = 0;   // packets of the capture that they came in
  std::uint32_t held = 0;     // octets
  std::uint32_t end = 0;      // where the pieces end so far
  std::uint32_t total = 0;    // 0: the last fragment was not seen
  std::uint64_t wire_bytes = 0;
  IpProtocol protocol = IpProtocol::hop_by_hop;
  // It broke a rule: whatever still comes of it is refused until it would have timed out (RFC 5722 section 4).
  bool condemned = false;
  FragmentStore::Chain chain;
  std::vector<Piece> pieces;  // in the order of their offsets, without overlaps
};

struct Fragment {
  std::uint32_t offset = 0;
  std::uint32_t end = 0;
  bool more = false;
  const std::uint8_t* octets = nullptr;

  [[nodiscard]] Bytes part(std::uint32_t from, std::uint32_t to) const { return {octets + (from - offset), to - from}; }
};

}  // namespace

struct FragmentTable::Impl {
  Impl(const FragmentLimits& given, Counters& counted) : limits(given), counters(counted), store(given.octets) {
    limits.datagrams = std::max<std::size_t>(limits.datagrams, 1);
  }

  const Reassembled* add(const Headers& headers, std::uint32_t frames, std::uint64_t wire_bytes, Time now);
  void expire(Time now);
  std::uint32_t find_or_begin(const Headers& headers, Time now);
  void append_to_list(std::uint32_t index);
  void end(std::uint32_t index);
  void give_up(std::uint32_t index);
  void condemn(Datagram& datagram);
  bool make_room(std::uint32_t index, std::size_t octets);
  bool insert(std::uint32_t index, const Fragment& fragment);
  const Reassembled* finish(std::uint32_t index, std::size_t depth);
  std::uint8_t* out_at(std::size_t depth);
  std::nullptr_t refuse() {
    counters.add(Counter::capture_undecodable_fragment);
    return nullptr;
  }

  FragmentLimits limits;
  Counters& counters;
  FragmentStore store;
  absl::flat_hash_map<Key, std::uint32_t> index_of;
  std::vector<Datagram> datagrams;
  std::vector<std::uint32_t> unused;
  std::uint32_t oldest = kNone;
  std::uint32_t newest = kNone;
  // The datagram of each depth: an inner one is put together while headers still point into the one around it.
  std::array<std::vector<std::uint8_t>, kMaxTunnels + 1> out;
  Reassembled result;
};

// Takes the datagram out of the table; its fragments have been counted.
void FragmentTable::Impl::end(std::uint32_t index) {
  Datagram& datagram = datagrams[index];
  (datagram.older == kNone ? oldest : datagrams[datagram.older].newer) = datagram.newer;
  (datagram.newer == kNone ? newest : datagrams[datagram.newer].older) = datagram.older;
  index_of.erase(datagram.key);
  store.release(datagram.chain);
  datagram.pieces.clear();
  if (datagram.pieces.capacity() > kKeptPieces) datagram.pieces.shrink_to_fit();
  unused.push_back(index);
}

void FragmentTable::Impl::give_up(std::uint32_t index) {
  counters.add(Counter::capture_undecodable_fragment, datagrams[index].packets);
  end(index);
}

void FragmentTable::Impl::condemn(Datagram& datagram) {
  counters.add(Counter::capture_undecodable_fragment, std::exchange(datagram.packets, 0));
  datagram.condemned = true;
  store.release(datagram.chain);
  datagram.pieces.clear();
}

void FragmentTable::Impl::append_to_list(std::uint32_t index) {
  Datagram& datagram = datagrams[index];
  datagram.older = newest;
  datagram.newer = kNone;
  (newest == kNone ? oldest : datagrams[newest].newer) = index;
  newest = index;
}

void FragmentTable::Impl::expire(Time now) {
  while (oldest != kNone && older_than(datagrams[oldest].begun, limits.timeout, now)) {
    if (!datagrams[oldest].condemned) counters.add(Counter::fragment_timeouts);
    give_up(oldest);
  }
}

std::uint32_t FragmentTable::Impl::find_or_begin(const Headers& headers, Time now) {
  const Key key = key_of(headers);
  if (const auto found = index_of.find(key); found != index_of.end()) return found->second;
  if (index_of.size() >= limits.datagrams) {
    if (!datagrams[oldest].condemned) counters.add(Counter::fragment_evicted);
    give_up(oldest);
  }
  if (unused.empty()) {
    unused.push_back(static_cast<std::uint32_t>(datagrams.size()));
    datagrams.emplace_back();
  }
  const std::uint32_t index = unused.back();
  unused.pop_back();
  std::vector<Piece> pieces = std::move(datagrams[index].pieces);
  datagrams[index] = Datagram{};
  datagrams[index].pieces = std::move(pieces);
  datagrams[index].key = key;
  datagrams[index].begun = now;
  datagrams[index].protocol = headers.protocol;
  append_to_list(index);
  index_of.emplace(key, index);
  return index;
}

// Frees octets by giving up the oldest of the other datagrams. False when they are all gone and it still does not fit.
bool FragmentTable::Impl::make_room(std::uint32_t index, std::size_t octets) {
  while (!store.fits(datagrams[index].chain, octets)) {
    const std::uint32_t victim = oldest == index ? datagrams[index].newer : oldest;
    if (victim == kNone) return false;
    if (!datagrams[victim].condemned) counters.add(Counter::fragment_evicted);
    give_up(victim);
  }
  return true;
}

// Takes the octets of the fragment that are not held yet. False when the datagram is to be condemned.
bool FragmentTable::Impl::insert(std::uint32_t index, const Fragment& fragment) {
  Datagram& datagram = datagrams[index];
  std::vector<Piece>& pieces = datagram.pieces;
  // In order, as senders send: behind everything.
  if (fragment.offset >= datagram.end) {
    if (pieces.size() == kMaxPieces) return false;
    pieces.push_back(
        {fragment.offset, fragment.end, store.append(datagram.chain, fragment.part(fragment.offset, fragment.end))});
    datagram.end = fragment.end;
    datagram.held += fragment.end - fragment.offset;
    return true;
  }
  auto piece = std::lower_bound(pieces.begin(), pieces.end(), fragment.offset,
                                [](const Piece& held, std::uint32_t offset) { return held.end <= offset; });
  if (piece == pieces.end() || piece->offset >= fragment.end) {  // a hole takes it whole
    if (pieces.size() == kMaxPieces) return false;
    pieces.insert(piece, {fragment.offset, fragment.end,
                          store.append(datagram.chain, fragment.part(fragment.offset, fragment.end))});
    datagram.held += fragment.end - fragment.offset;
    return true;
  }
  // A second copy of a fragment is none of the overlaps that RFC 5722 forbids (RFC 8200 section 4.5).
  if (piece->offset == fragment.offset && piece->end == fragment.end &&
      store.equal(piece->place, fragment.part(fragment.offset, fragment.end))) {
    return true;
  }
  counters.add(Counter::fragment_overlaps);
  if (datagram.key.version == IpVersion::v6) return false;
  // RFC 791 leaves the choice open; here what came first stays, and the new fragment fills the holes between.
  std::uint32_t at = fragment.offset;
  auto position = static_cast<std::size_t>(piece - pieces.begin());
  while (at < fragment.end) {
    const bool last = position == pieces.size();
    const std::uint32_t hole_end = last ? fragment.end : std::min(fragment.end, pieces[position].offset);
    if (at < hole_end) {
      if (pieces.size() == kMaxPieces) return false;
      const Piece filled{at, hole_end, store.append(datagram.chain, fragment.part(at, hole_end))};
      pieces.insert(pieces.begin() + static_cast<std::ptrdiff_t>(position), filled);
      datagram.held += hole_end - at;
      ++position;
      at = hole_end;
    }
    if (position == pieces.size() || at >= fragment.end) break;
    at = std::max(at, pieces[position].end);
    ++position;
  }
  datagram.end = std::max(datagram.end, fragment.end);
  return true;
}

std::uint8_t* FragmentTable::Impl::out_at(std::size_t depth) {
  if (out[depth].empty()) out[depth].resize(kMaxDatagram + 1 + kPadding);
  return out[depth].data();
}

const Reassembled* FragmentTable::Impl::finish(std::uint32_t index, std::size_t depth) {
  const Datagram& datagram = datagrams[index];
  std::uint8_t* whole = out_at(depth);
  for (const Piece& piece : datagram.pieces) {
    store.copy(piece.place, piece.end - piece.offset, whole + piece.offset);
  }
  result = {datagram.protocol, Bytes(whole, datagram.total), datagram.frames, datagram.wire_bytes};
  counters.add(Counter::capture_fragment_merged, datagram.packets - 1);
  counters.add(Counter::fragment_reassembled);
  end(index);
  return &result;
}

const Reassembled* FragmentTable::Impl::add(const Headers& headers, std::uint32_t frames, std::uint64_t wire_bytes,
                                            Time now) {
  expire(now);
  Fragment fragment;
  fragment.offset = headers.fragment_offset;
  fragment.end = fragment.offset + static_cast<std::uint32_t>(headers.payload.size());
  fragment.more = headers.fragment_more;
  fragment.octets = headers.payload.data();
  const bool cut = headers.payload.size() < headers.payload_wire;
  if (headers.version == IpVersion::none || headers.payload.empty() || cut) return refuse();
  if (headers.reassembled >= out.size()) return refuse();
  if (headers.payload.size() > kMaxDatagram || fragment.end > kMaxDatagram) return refuse();
  if (fragment.offset == 0 && !fragment.more) {  // an atomic fragment stands alone (RFC 6946)
    std::uint8_t* whole = out_at(headers.reassembled);
    std::memcpy(whole, headers.payload.data(), headers.payload.size());
    result = {headers.protocol, Bytes(whole, headers.payload.size()), frames, wire_bytes};
    counters.add(Counter::fragment_reassembled);
    return &result;
  }
  // All but the last are multiples of 8 octets.
  if (fragment.more && headers.payload.size() % 8 != 0) return refuse();

  const std::uint32_t index = find_or_begin(headers, now);
  if (datagrams[index].condemned) return refuse();
  // Every octet may have to be stored; what of it is held already is known later.
  if (!make_room(index, headers.payload.size())) return refuse();
  Datagram& datagram = datagrams[index];
  // The fragments must agree on where the datagram ends.
  const bool beyond = datagram.total != 0 && fragment.end > datagram.total;
  const bool another_end = !fragment.more && datagram.total != 0 && fragment.end != datagram.total;
  const bool end_within = !fragment.more && datagram.end > fragment.end;
  if (beyond || another_end || end_within || !insert(index, fragment)) {
    condemn(datagram);
    return refuse();
  }
  if (!fragment.more) datagram.total = fragment.end;
  if (fragment.offset == 0) datagram.protocol = headers.protocol;
  ++datagram.packets;
  datagram.frames += frames;
  datagram.wire_bytes += wire_bytes;
  return datagram.total != 0 && datagram.held == datagram.total ? finish(index, headers.reassembled) : nullptr;
}

FragmentTable::FragmentTable(const FragmentLimits& limits, Counters& counters)
    : impl_(std::make_unique<Impl>(limits, counters)) {}
FragmentTable::~FragmentTable() = default;

const Reassembled* FragmentTable::add(const Headers& headers, const Packet& packet, Time now) {
  return impl_->add(headers, 1, packet.wire_length, now);
}

const Reassembled* FragmentTable::add_inner(const Headers& headers, const Reassembled& around, Time now) {
  const std::uint32_t packets = around.packets;
  const std::uint64_t wire_bytes = around.wire_bytes;
  return impl_->add(headers, packets, wire_bytes, now);
}

void FragmentTable::expire(Time now) { impl_->expire(now); }

void FragmentTable::flush() {
  while (impl_->oldest != kNone) impl_->give_up(impl_->oldest);
}

std::size_t FragmentTable::octets(const FragmentLimits& limits) {
  constexpr std::size_t kSmallestPiece = 8;  // octets: RFC 791 section 3.2
  constexpr std::size_t kOfIndex = 2 * (sizeof(Key) + sizeof(std::uint32_t) + 1);
  // Lists of pieces grow twofold, and keep their memory up to kKeptPieces.
  const std::size_t pieces =
      std::min(limits.datagrams * kMaxPieces, limits.octets / kSmallestPiece) + limits.datagrams * kKeptPieces;
  return FragmentStore::octets(limits.octets) + limits.datagrams * (2 * sizeof(Datagram) + kOfIndex) +
         2 * pieces * sizeof(Piece) + (kMaxTunnels + 1) * std::size_t{65536};
}

}  // namespace spanbeat
