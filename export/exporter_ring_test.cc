// A worker and an exporter, each in its thread, with the ring between them. Runs under ThreadSanitizer as well.
#include <gtest/gtest.h>

#include <thread>

#include "export/exporter.h"
#include "export/sinks/file.h"
#include "export/testing.h"

namespace spanbeat {
namespace {

using testing::TemporaryFolder;
using testing::transaction;

TEST(ExporterThread, EveryEventOfAWorkerBecomesALineInOrder) {
  TemporaryFolder folder;
  FileOptions options;
  options.path = folder.path();
  options.rotate_every_bytes = std::uint64_t{1} << 30;
  ExportConfig config = testing::plain_config();
  config.queue.min_events = 8;
  config.queue.flush_timeout = kMillisecond;
  Exporter exporter(config, std::make_unique<FileSink>(options));
  ChunkRing ring(4);
  constexpr int kEvents = 5000;

  std::thread exporting([&] { exporter.run(ring); });
  std::thread working([&] {
    EventArena arena;
    Chunk* chunk = nullptr;
    for (int i = 0; i < kEvents; ++i) {
      Event event = transaction(arena);
      event.set<F::path>("/" + std::to_string(i));
      // A chunk is handed over when it is full, and now and then before.
      if (chunk != nullptr && (!chunk->fits(event.encoded_size() + 8) || i % 97 == 0)) {
        ring.push(chunk);
        chunk = nullptr;
      }
      while (chunk == nullptr) {
        chunk = ring.take_empty();
        if (chunk == nullptr) std::this_thread::yield();
      }
      chunk->append(event);
    }
    ring.push(chunk);
    ring.close();
  });
  // Somebody shows the counters meanwhile.
  std::uint64_t seen = 0;
  while (seen < kEvents) {
    const std::uint64_t now = exporter.counters().get(Counter::event_acknowledged);
    EXPECT_GE(now, seen);
    seen = now;
    std::this_thread::yield();
  }
  working.join();
  exporting.join();

  EXPECT_EQ(exporter.counters().get(Counter::event_acknowledged), std::uint64_t{kEvents});
  EXPECT_EQ(exporter.counters().get(Counter::event_pending), 0u);
  const std::string text = folder.read(folder.names().at(0));
  EXPECT_EQ(exporter.counters().get(Counter::sink_bytes), text.size());
  std::size_t at = 0;
  for (int i = 0; i < kEvents; ++i) {
    const std::size_t end = text.find('\n', at);
    ASSERT_NE(end, std::string::npos);
    const std::string expected = "\"path\":\"/" + std::to_string(i) + "\"";
    ASSERT_NE(text.substr(at, end - at).find(expected), std::string::npos) << i;
    at = end + 1;
  }
  EXPECT_EQ(at, text.size());
}

TEST(ExporterThread, AnEmptyRingThatIsClosedEndsTheThread) {
  TemporaryFolder folder;
  FileOptions options;
  options.path = folder.path();
  Exporter exporter(testing::plain_config(), std::make_unique<FileSink>(options));
  ChunkRing ring(2);
  std::thread exporting([&] { exporter.run(ring); });
  ring.close();
  exporting.join();
  EXPECT_TRUE(folder.names().empty());
}

}  // namespace
}  // namespace spanbeat
