// The flow table beside what could stand in its place: FlowTable, absl::flat_hash_map with the record inside and with
// an index into an array of records, rte_hash with such an array.
//
// What:   `hit`: packets of known flows, 32 looked up together and accounted in their records. `insert`: packets of new
//         flows, 32 looked up together in vain and inserted. Keys and hashes are made before, in random order, and all
//         tables get the same. `octets_per_flow`: resident memory of table and records.
// Limits: of a flow only its hot record is written, so the cold part has no share in the figures. Every table has room
//         for 5 % more than it gets. All memory is on huge pages where the system gives them, and faulted in before
//         time is taken: a table for `insert` has been filled and emptied once. rte_hash needs DPDK's environment,
//         which is started without huge pages; where it does not start its rows are skipped.
#include <absl/container/flat_hash_map.h>
#include <benchmark/benchmark.h>
#include <rte_hash.h>
#include <rte_malloc.h>
#include <rte_memory.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "dataplane/bytes/mix.h"
#include "dataplane/bytes/reserve.h"
#include "dataplane/flow/table.h"
#include "dataplane/source/dpdk/eal.h"

namespace spanbeat::perf {
namespace {

// Looked up together; rte_hash takes 64 at most.
constexpr std::size_t kAtOnce = 32;
template <typename Record>
using Found = std::array<Record*, kAtOnce>;  // null: no such flow
constexpr std::size_t kHitBursts = 250'000;
constexpr EalMemory kEalMemory{.small_pages = std::uint64_t{1} << 30};

std::uint64_t hash_of(std::uint64_t low, std::uint64_t high) {
  return multiply_and_fold(low ^ 0x9e3779b97f4a7c15, high ^ 0xd1b54a32d192ed03);
}

// Clients of 198.18.0.0/16 with 256 ports each (and beyond), one server.
struct Keys {
  std::vector<FlowKey> inserted;
  std::vector<FlowKey> looked_up;  // the same in another order
};
const Keys& keys_of(std::size_t flows) {
  static Keys keys;
  if (keys.inserted.size() == flows) return keys;
  keys = {};
  keys.inserted.resize(flows);
  for (std::size_t i = 0; i < flows; ++i) {
    FlowKey& key = keys.inserted[i];
    key.low = (0xc6120000 + (i >> 8)) << 16 | (20000 + (i & 0xff));
    key.high = std::uint64_t{0xc6130001} << 16 | 443;
    key.hash = hash_of(key.low, key.high);
    key.valid = true;
  }
  std::mt19937_64 random(1);
  std::shuffle(keys.inserted.begin(), keys.inserted.end(), random);
  keys.looked_up = keys.inserted;
  std::shuffle(keys.looked_up.begin(), keys.looked_up.end(), random);
  return keys;
}

std::size_t resident_octets() {
  unsigned long all = 0;
  unsigned long resident = 0;
  FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%lu %lu", &all, &resident) != 2) resident = 0;
  (void)std::fclose(file);
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// For absl, so that it has huge pages too.
template <typename Element>
struct HugePages {
  using value_type = Element;
  HugePages() = default;
  template <typename Other>
  HugePages(const HugePages<Other>&) {}  // implicit, as every allocator's
  Element* allocate(std::size_t count) { return reserve<Element>(count); }
  void deallocate(Element* array, std::size_t count) { unreserve(array, count); }
  bool operator==(const HugePages&) const = default;
};

struct Tuple {
  std::uint64_t low;
  std::uint64_t high;
  bool operator==(const Tuple&) const = default;
};
struct TupleHash {
  std::size_t operator()(const Tuple& tuple) const { return hash_of(tuple.low, tuple.high); }
};
Tuple tuple_of(const FlowKey& key) { return {key.low, key.high}; }
template <typename Value>
using AbslMap =
    absl::flat_hash_map<Tuple, Value, TupleHash, std::equal_to<Tuple>, HugePages<std::pair<const Tuple, Value>>>;

// Each table has find() for a burst, insert(), erase() and octets().
class Bucketed {
 public:
  using Record = FlowRecord;
  static constexpr const char* kName = "FlowTable";
  explicit Bucketed(std::size_t flows) : before_(resident_octets()), table_(flows) {}
  void find(const FlowKey* keys, Found<Record>& found) {
    std::array<FlowIndex, kAtOnce> guesses;
    for (std::size_t i = 0; i < kAtOnce; ++i) table_.prefetch_bucket(keys[i]);
    for (std::size_t i = 0; i < kAtOnce; ++i) guesses[i] = table_.candidate(keys[i]);
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      const bool right = guesses[i] != kNoFlow && table_.matches(guesses[i], keys[i]);
      const FlowIndex flow = right ? guesses[i] : table_.find(keys[i]);
      found[i] = flow == kNoFlow ? nullptr : &table_.record(flow);
    }
  }
  bool insert(const FlowKey& key) { return table_.insert(key) != kNoFlow; }
  void erase(const FlowKey& key) { table_.erase(table_.find(key)); }
  [[nodiscard]] std::size_t octets() const { return resident_octets() - before_; }

 private:
  std::size_t before_;
  FlowTable table_;
};

class AbslInside {
 public:
  struct Record {  // what FlowRecord holds beside the key
    std::uint64_t bytes[2];
    std::uint32_t packets[2];
    Time last;
    std::uint64_t more[2];
  };
  static_assert(sizeof(std::pair<const Tuple, Record>) == sizeof(FlowRecord));
  static constexpr const char* kName = "absl_record_inside";
  explicit AbslInside(std::size_t flows) : before_(resident_octets()) { map_.reserve(flows); }
  void find(const FlowKey* keys, Found<Record>& found) {
    for (std::size_t i = 0; i < kAtOnce; ++i) map_.prefetch(tuple_of(keys[i]));
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      const auto at = map_.find(tuple_of(keys[i]), keys[i].hash);
      found[i] = at == map_.end() ? nullptr : &at->second;
    }
  }
  bool insert(const FlowKey& key) { return map_.emplace(tuple_of(key), Record{}).second; }
  void erase(const FlowKey& key) { map_.erase(tuple_of(key)); }
  [[nodiscard]] std::size_t octets() const { return resident_octets() - before_; }

 private:
  std::size_t before_;
  AbslMap<Record> map_;
};

// The records of the tables that hold a number only.
class Records {
 public:
  explicit Records(std::size_t flows) : flows_(flows), records_(reserve<FlowRecord>(flows)) {}
  ~Records() { unreserve(records_, flows_); }
  Records(const Records&) = delete;
  Records& operator=(const Records&) = delete;
  FlowRecord* at(std::size_t index) { return &records_[index]; }
  void begin(std::size_t index, const FlowKey& key) {
    records_[index] = FlowRecord{};
    records_[index].key_low = key.low;
    records_[index].key_high = key.high;
  }

 private:
  std::size_t flows_;
  FlowRecord* records_;
};

class AbslIndex {
 public:
  using Record = FlowRecord;
  static constexpr const char* kName = "absl_index";
  explicit AbslIndex(std::size_t flows) : before_(resident_octets()), records_(flows) { map_.reserve(flows); }
  void find(const FlowKey* keys, Found<Record>& found) {
    for (std::size_t i = 0; i < kAtOnce; ++i) map_.prefetch(tuple_of(keys[i]));
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      const auto at = map_.find(tuple_of(keys[i]), keys[i].hash);
      found[i] = at == map_.end() ? nullptr : records_.at(at->second);
      __builtin_prefetch(found[i], 1);
    }
  }
  bool insert(const FlowKey& key) {
    const FlowIndex index = free_.empty() ? used_++ : free_.back();
    if (!free_.empty()) free_.pop_back();
    records_.begin(index, key);
    return map_.emplace(tuple_of(key), index).second;
  }
  void erase(const FlowKey& key) {
    const auto at = map_.find(tuple_of(key), key.hash);
    free_.push_back(at->second);
    map_.erase(at);
  }
  [[nodiscard]] std::size_t octets() const { return resident_octets() - before_; }

 private:
  std::size_t before_;
  AbslMap<FlowIndex> map_;
  Records records_;
  std::vector<FlowIndex> free_;
  FlowIndex used_ = 0;
};

// The record has the number that rte_hash gives to the key.
class RteHash {
 public:
  using Record = FlowRecord;
  static constexpr const char* kName = "rte_hash";
  explicit RteHash(std::size_t flows) : before_(heap_octets()), records_(flows + 1) {
    rte_hash_parameters parameters{};
    parameters.name = "flows";
    parameters.entries = static_cast<std::uint32_t>(flows);
    parameters.key_len = 16;
    parameters.socket_id = SOCKET_ID_ANY;
    table_ = rte_hash_create(&parameters);
  }
  ~RteHash() { rte_hash_free(table_); }
  RteHash(const RteHash&) = delete;
  RteHash& operator=(const RteHash&) = delete;
  [[nodiscard]] bool made() const { return table_ != nullptr; }
  void find(const FlowKey* keys, Found<Record>& found) {
    std::array<const void*, kAtOnce> pointers;
    std::array<hash_sig_t, kAtOnce> hashes;
    std::array<std::int32_t, kAtOnce> positions;
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      pointers[i] = &keys[i].low;  // and `high` behind it
      hashes[i] = signature(keys[i]);
    }
    (void)rte_hash_lookup_with_hash_bulk(table_, pointers.data(), hashes.data(), kAtOnce, positions.data());
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      found[i] = positions[i] < 0 ? nullptr : records_.at(static_cast<std::size_t>(positions[i]));
      __builtin_prefetch(found[i], 1);
    }
  }
  bool insert(const FlowKey& key) {
    const std::int32_t position = rte_hash_add_key_with_hash(table_, &key.low, signature(key));
    if (position >= 0) records_.begin(static_cast<std::size_t>(position), key);
    return position >= 0;
  }
  void erase(const FlowKey& key) { (void)rte_hash_del_key_with_hash(table_, &key.low, signature(key)); }
  [[nodiscard]] std::size_t octets() const { return heap_octets() - before_ + used() * sizeof(FlowRecord); }

 private:
  [[nodiscard]] std::size_t used() const { return static_cast<std::size_t>(rte_hash_count(table_)); }
  static hash_sig_t signature(const FlowKey& key) { return static_cast<hash_sig_t>(key.hash); }
  static std::size_t heap_octets() {  // what EAL took at start stays resident, so its heap is asked
    rte_malloc_socket_stats stats{};
    (void)rte_malloc_get_socket_stats(0, &stats);
    return stats.heap_allocsz_bytes;
  }
  std::size_t before_;
  Records records_;
  rte_hash* table_ = nullptr;
};
static_assert(offsetof(FlowKey, high) == offsetof(FlowKey, low) + 8);

template <typename Table>
std::unique_ptr<Table> make(benchmark::State& state, std::size_t flows) {
  const std::size_t capacity = flows + flows / 20;
  if constexpr (std::is_same_v<Table, RteHash>) {
    DpdkOptions options;
    options.eal_args = {"--no-huge", "--no-pci"};
    std::string problem;
    if (!start_eal(options, kEalMemory, problem)) {
      state.SkipWithError(problem.c_str());
      return nullptr;
    }
    // Its memory is a mapping of small pages.
    (void)rte_memseg_list_walk(
        [](const rte_memseg_list* list, void*) {
          (void)madvise(list->base_va, list->len, MADV_HUGEPAGE);
          return 0;
        },
        nullptr);
    auto table = std::make_unique<RteHash>(capacity);
    if (table->made()) return table;
    state.SkipWithError("rte_hash_create failed");
    return nullptr;
  } else {
    return std::make_unique<Table>(capacity);
  }
}

// Bursts of new flows: each is looked for before it is inserted. How many found no room.
template <typename Table>
std::size_t insert_all(Table& table, const std::vector<FlowKey>& keys) {
  std::size_t refused = 0;
  Found<typename Table::Record> found;
  for (std::size_t at = 0; at + kAtOnce <= keys.size(); at += kAtOnce) {
    table.find(&keys[at], found);
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      if (found[i] == nullptr && !table.insert(keys[at + i])) ++refused;
    }
  }
  return refused;
}

template <typename Table>
void hit(benchmark::State& state) {
  const auto flows = static_cast<std::size_t>(state.range(0));
  const Keys& keys = keys_of(flows);
  const auto table = make<Table>(state, flows);
  if (table == nullptr) return;
  if (insert_all(*table, keys.inserted) != 0) return state.SkipWithError("flows found no room");
  const std::size_t octets = table->octets();
  std::size_t at = 0;
  std::size_t lost = 0;
  Time now = 0;
  Found<typename Table::Record> found;
  for (auto _ : state) {
    table->find(&keys.looked_up[at], found);
    ++now;
    for (auto* record : found) {
      if (record == nullptr) {
        ++lost;
        continue;
      }
      record->packets[0] += 1;
      record->bytes[0] += 64;
      record->last = std::max(record->last, now);
    }
    at += kAtOnce;
    if (at + kAtOnce > keys.looked_up.size()) at = 0;
  }
  if (lost != 0) return state.SkipWithError("flows were lost");
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kAtOnce));
  state.counters["octets_per_flow"] = static_cast<double>(octets) / static_cast<double>(flows);
}

template <typename Table>
void insert(benchmark::State& state) {
  const auto flows = static_cast<std::size_t>(state.range(0));
  const Keys& keys = keys_of(flows);
  const auto table = make<Table>(state, flows);
  if (table == nullptr) return;
  std::size_t refused = insert_all(*table, keys.inserted);
  for (auto _ : state) {
    state.PauseTiming();
    for (const FlowKey& key : keys.looked_up) table->erase(key);
    state.ResumeTiming();
    refused += insert_all(*table, keys.inserted);
  }
  if (refused != 0) return state.SkipWithError("flows found no room");
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * flows));
}

template <typename Table>
void declare(std::int64_t flows) {
  // So many times, so that a table of ten million is filled once only.
  benchmark::RegisterBenchmark((std::string("hit/") + Table::kName).c_str(), hit<Table>)
      ->Arg(flows)
      ->Iterations(kHitBursts);
  benchmark::RegisterBenchmark((std::string("insert/") + Table::kName).c_str(), insert<Table>)
      ->Arg(flows)
      ->Iterations(std::max<std::int64_t>(1, 1'000'000 / flows));
}

}  // namespace
}  // namespace spanbeat::perf

int main(int argc, char** argv) {
  using namespace spanbeat::perf;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  for (const std::int64_t flows : {10'016, 1'000'000, 10'000'000}) {  // whole bursts
    declare<Bucketed>(flows);
    declare<AbslInside>(flows);
    declare<AbslIndex>(flows);
    declare<RteHash>(flows);
  }
  benchmark::RunSpecifiedBenchmarks();
}
