// The flow table of one worker.
//
// What:   buckets of one cache line (ten 16-bit tags, ten record numbers and a count of entries that had to pass on to
// the next
//         bucket); beside them one 64-octet hot record per flow, which every packet touches, and one cold FlowInfo,
//         which is written when a flow begins and read when it is reported or decoded; for a flow that nobody hears of
//         it stays unwritten.
// Why:    a packet of a known flow costs two cache lines, both prefetched for a burst at a time.
// Limits: a fixed number of flows (`capacity`), reserved at start and resident only as far as used. When it is full the
//         caller evicts. Deleting leaves no tombstones: the pass-on counts are taken back.
#pragma once

#include <emmintrin.h>

#include <bit>
#include <memory>

#include "dataplane/bytes/prefetch.h"
#include "dataplane/flow/key.h"
#include "dataplane/flow/tunnel_info.h"

namespace spanbeat {

using FlowIndex = std::uint32_t;
inline constexpr FlowIndex kNoFlow = UINT32_MAX;

struct alignas(64) FlowRecord {
  std::uint64_t key_low;
  std::uint64_t key_high;
  std::uint64_t bytes[2];    // on the wire; [0] is the direction of the first packet
  std::uint32_t packets[2];  // low 32 bits, see FlowInfo::packets_high
  Time last;                 // greatest capture time of a packet
  std::uint32_t last_tick;   // tick of the packet clock at the last packet
  std::uint32_t connection;  // number of the decoded connection plus one; 0: none
  std::uint32_t link : 24;
  std::uint32_t live : 1;
  std::uint32_t swapped : 1;     // the first packet's source is the second end of the key
  std::uint32_t holding : 1;     // the connection holds segments, so bare ACKs matter
  std::uint32_t ended : 1;       // the decoder is done with it; only a new SYN begins anew
  std::uint32_t syn_seen : 2;    // by direction; FlowInfo::isn is set
  std::uint32_t other_link : 1;  // there is, or was, a flow of the same tuple on another link
  std::uint32_t syn_from : 1;    // who sent the first SYN, where syn_seen
  std::uint32_t home : 31;       // the bucket that the hash names
  std::uint32_t on_wheel : 1;    // the timing wheel holds this record's number, be it live or free
};
static_assert(sizeof(FlowRecord) == 64);

struct FlowInfo {
  Time first;                  // capture time of the first packet
  std::uint64_t first_packet;  // its number
  std::uint8_t source[16];     // innermost addresses, in the direction of the first packet
  std::uint8_t destination[16];
  std::uint8_t outer_source[16];
  std::uint8_t outer_destination[16];
  std::uint16_t source_port;
  std::uint16_t destination_port;
  std::uint8_t mac[12];  // destination then source
  std::uint16_t vlan[2];
  std::uint16_t packets_high[2];
  std::uint32_t isn[2];  // initial sequence numbers, where syn_seen
  std::uint32_t tunnel;  // a digest of the tunnels around the first packet; 0: none
  IpVersion version;
  IpVersion outer_version;
  IpProtocol protocol;
  Transport transport;
  std::uint8_t vlans;
  bool has_mac;
  bool protocol_known;
  std::uint8_t icmp_type;  // of the latest packet of the first direction
  std::uint8_t icmp_code;
};
static_assert(sizeof(FlowInfo) <= 128);

class FlowTable {
 public:
  explicit FlowTable(std::size_t capacity);
  ~FlowTable();
  FlowTable(const FlowTable&) = delete;
  FlowTable& operator=(const FlowTable&) = delete;

  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] FlowRecord& record(FlowIndex index) { return records_[index]; }
  [[nodiscard]] FlowInfo& info(FlowIndex index) { return infos_[index]; }
  // What a table of this capacity may come to use, without tunnels.
  [[nodiscard]] static std::size_t octets(std::size_t capacity);
  // Keeps tunnels from now on; before the first flow.
  void keep_tunnels();
  // Null where tunnels are not kept.
  [[nodiscard]] TunnelInfo* tunnel(FlowIndex index) { return tunnels_ == nullptr ? nullptr : &tunnels_[index]; }

  // The first flows lie in buckets all over the table: makes these resident before there is a packet, near the thread
  // that is going to use them.
  void populate();

  // For a burst: first for all keys prefetch_bucket, then for all candidate, which fetches the likely record.
  void prefetch_bucket(const FlowKey& key) const { __builtin_prefetch(&buckets_[key.hash & mask_]); }
  [[nodiscard]] FlowIndex candidate(const FlowKey& key) const {
    const Bucket& bucket = buckets_[key.hash & mask_];
    const std::uint32_t hits = matching(bucket, tag_of(key.hash));
    // On a miss: the record that an insertion would take.
    const FlowIndex index = hits != 0     ? bucket.indexes[std::countr_zero(hits)]
                            : freed_ != 0 ? free_[freed_ - 1]
                                          : used_;
    __builtin_prefetch(&records_[index], 1);
    return hits != 0 ? index : kNoFlow;
  }

  // Fetches what erase() touches beside the record, and the cold part.
  [[gnu::always_inline]] void prefetch_erase(FlowIndex index) const {
    __builtin_prefetch(&buckets_[records_[index].home], 1);
    prefetch_lines(&infos_[index], sizeof(FlowInfo));
  }

  // Is the record that of the key?
  [[nodiscard]] bool matches(FlowIndex index, const FlowKey& key) const {
    const FlowRecord& record = records_[index];
    return record.key_low == key.low && record.key_high == key.high && record.live != 0;
  }
  // The flow of the key, or kNoFlow.
  [[nodiscard]] FlowIndex find(const FlowKey& key) const;
  // A new flow with a cleared record (but for on_wheel, which stays); kNoFlow when the table is full. The key must not
  // be there yet.
  [[nodiscard]] FlowIndex insert(const FlowKey& key);
  void erase(FlowIndex index);

  // Calls visit(index) for every live flow, in the order of the records.
  template <typename Visit>
  void for_each(Visit visit) {
    for (FlowIndex index = 0; index < used_; ++index) {
      if (records_[index].live != 0) visit(index);
    }
  }

 private:
  static constexpr std::size_t kSlots = 10;
  static constexpr std::size_t kMaxProbe = 256;
  struct alignas(64) Bucket {
    std::uint16_t tags[kSlots];  // 0: free
    std::uint16_t passed;        // entries whose home is here or before and that lie further on
    std::uint16_t unused;
    FlowIndex indexes[kSlots];
  };
  static_assert(sizeof(Bucket) == 64);

  [[nodiscard]] static std::size_t buckets_for(std::size_t capacity);
  [[nodiscard]] static std::uint16_t tag_of(std::uint64_t hash) {
    const auto tag = static_cast<std::uint16_t>(hash >> 48);
    return tag == 0 ? std::uint16_t{1} : tag;
  }
  // One bit for each slot whose tag is `tag`.
  [[nodiscard]] static std::uint32_t matching(const Bucket& bucket, std::uint16_t tag) {
    const __m128i wanted = _mm_set1_epi16(static_cast<short>(tag));
    const __m128i low = _mm_cmpeq_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(bucket.tags)), wanted);
    const __m128i high = _mm_cmpeq_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(bucket.tags + 8)), wanted);
    // Packed to one octet a slot; of the second vector only two lanes are tags.
    return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(low, high))) & 0x3ffU;
  }

  std::size_t capacity_;
  std::size_t size_ = 0;
  FlowIndex used_ = 0;  // records below this were used at least once
  std::uint64_t mask_ = 0;
  Bucket* buckets_ = nullptr;
  FlowRecord* records_ = nullptr;
  FlowInfo* infos_ = nullptr;
  TunnelInfo* tunnels_ = nullptr;
  FlowIndex* free_ = nullptr;  // a stack of freed records
  std::size_t freed_ = 0;
};

}  // namespace spanbeat
