// Fuzz target: a folder of the disk queue with a segment and a state file of any octets. The first octet says how many
// of the rest are the state file's. Whatever is there, it opens or says why not, and reading ends.
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "export/spool/store.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace spanbeat;
  static const std::string folder = [] {
    char name[] = "/tmp/spanbeat-fuzz-spool-XXXXXX";
    return std::string(::mkdtemp(name));
  }();
  if (size == 0) return 0;
  std::filesystem::remove_all(folder + "/q");
  std::filesystem::create_directories(folder + "/q");
  const auto* octets = reinterpret_cast<const char*>(data + 1);
  const std::size_t state = std::min<std::size_t>(data[0], size - 1);
  std::ofstream(folder + "/q/state.dat", std::ios::binary).write(octets, static_cast<std::streamsize>(state));
  std::ofstream(folder + "/q/1.seg", std::ios::binary)
      .write(octets + state, static_cast<std::streamsize>(size - 1 - state));
  SpoolOptions options;
  options.path = folder + "/q";
  options.segment_size = 1'000'000;
  SpoolStore store(options);
  SpoolStore::Recovery recovery;
  std::string problem;
  if (!store.open(recovery, problem)) {
    if (problem.empty()) __builtin_trap();
    return 0;
  }
  std::uint64_t documents = 0;
  SpoolStore::Damage damage;
  while (store.unread()) {
    Batch batch;
    const SpoolPosition before = store.read_position();
    if (!store.read(batch, 100, 1'000'000, false, damage)) __builtin_trap();
    if (store.read_position() == before) __builtin_trap();
    documents += batch.documents.size();
  }
  if (documents + damage.documents != recovery.documents) __builtin_trap();
  store.acknowledge(store.read_position());
  store.close();
  return 0;
}
