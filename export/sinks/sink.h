// Sinks: where documents go. One interface for the console, files and, later, Kafka, Logstash, Elasticsearch and Redis.
//
// What:   a Sink takes batches of documents and settles each document: acknowledged, or rejected for good. It owns a
// batch
//         until every document in it is settled, and then gives it back.
// Why:    a sink may keep several batches under way and may settle them late, in part, and out of order; the exporter
// does
//         not care, and nothing leaves the queue before it is settled.
// Limits: one thread calls a sink. It never discards what it has accepted because of an error of its medium: it retries
//         with back-off (and counts sink_write_errors) until it succeeds, or until close() is told to give up.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/counters.h"
#include "base/settings.h"
#include "dataplane/event/event.h"

namespace spanbeat {

enum class DocumentState : std::uint8_t { pending, acknowledged, rejected };

// Documents, one behind the other, in the order in which they were made.
struct Batch {
  struct Document {
    std::uint32_t offset;  // in `text`
    std::uint32_t size;    // with the newline behind it
    Time timestamp;        // @timestamp
    ProtocolId protocol;
    DocumentState state;
  };
  [[nodiscard]] std::string_view document(std::size_t index) const {
    return std::string_view(text).substr(documents[index].offset, documents[index].size);
  }

  std::string text;
  std::vector<Document> documents;
};

// Time and waiting, so that tests need neither.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Time steady() = 0;  // nanoseconds since some moment; never steps
  [[nodiscard]] virtual Time wall() = 0;    // nanoseconds since 1970
  virtual void sleep(Time duration) = 0;
  static Clock& system();
};

class Sink {
 public:
  virtual ~Sink() = default;
  // As in `output.NAME`.
  [[nodiscard]] virtual std::string_view name() const = 0;

  // Octets and documents of a batch that suit the sink; a batch may pass the octets by one document.
  [[nodiscard]] virtual std::size_t wanted_bytes() const { return std::size_t{256} << 10; }
  [[nodiscard]] virtual std::size_t wanted_documents() const { return 2048; }

  // Takes the batch (it is null afterwards) or, while it has no room, leaves it. Never waits.
  virtual void offer(std::unique_ptr<Batch>& batch) = 0;
  // Works for at most `wait` nanoseconds, and not at all when there is nothing to do. Gives a batch that is settled, or
  // null when none is.
  [[nodiscard]] virtual std::unique_ptr<Batch> settled(Time wait) = 0;
  // Ends: gives up what is not settled, returning it unsettled so that it can be counted. No call follows.
  [[nodiscard]] virtual std::vector<std::unique_ptr<Batch>> close() = 0;

  // Readable from any thread: sink_bytes, sink_write_errors.
  [[nodiscard]] const Counters& counters() const { return counters_; }

 protected:
  Counters counters_;
};

// How documents are written: codec.json.* and codec.format.string.
struct Codec {
  bool pretty = false;
  bool escape_html = false;
  bool local_time = false;  // @timestamp and other dates with the local zone's offset instead of Z
  std::string format;       // not empty: codec.format.string
};

// The one enabled output of a configuration.
struct OutputConfig {
  enum class Kind : std::uint8_t { none, console, file };
  Kind kind = Kind::none;  // none: documents are made and thrown away (-N)
  Codec codec;
  // output.file
  std::string path;
  std::string filename = "packetbeat";
  std::int64_t rotate_every_kb = 10240;
  std::int64_t number_of_files = 7;
  std::uint32_t permissions = 0600;
  bool rotate_on_startup = true;
  Time rotate_interval = 0;  // not Packetbeat's: rotate by time too, on multiples of the interval; 0: by size only
};

// Reads `output.*`: none or two enabled outputs, and outputs that are not built in, are errors.
[[nodiscard]] OutputConfig read_output(const Setting& root, Diagnostics& diagnostics);

// The sink of a configuration; null, with `problem` set, when it cannot start (a directory that cannot be made).
[[nodiscard]] std::unique_ptr<Sink> make_sink(const OutputConfig& config, std::string& problem,
                                              Clock& clock = Clock::system());

}  // namespace spanbeat
