// Sinks: where documents go. One interface for the console, files, servers, and what stands before them (disk queue,
// several outputs at once).
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
#include "dataplane/event/event.h"
#include "export/json/text_buffer.h"

namespace spanbeat {

// taken: the sink has a copy, on disk or in a queue of its own, sees it through and counts what becomes of it itself.
enum class DocumentState : std::uint8_t { pending, acknowledged, rejected, taken };

// Documents, one behind the other, in the order in which they were made.
struct Batch {
  struct Document {
    std::size_t offset;  // in `text`
    std::size_t size;    // with the newline behind it
    Time timestamp;      // @timestamp
    ProtocolId protocol;
    DocumentState state;
    std::uint32_t community_id = 0;  // where its text stands in the document; 0: not known
  };
  [[nodiscard]] std::string_view document(std::size_t index) const {
    return text.view().substr(documents[index].offset, documents[index].size);
  }

  TextBuffer text;
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
  // null when none is. Called now and then, without waiting, while it holds nothing, so that it can look after what it
  // is connected with.
  [[nodiscard]] virtual std::unique_ptr<Batch> settled(Time wait) = 0;
  // It holds documents that it has taken: settled() is to be called, as it works on them there.
  [[nodiscard]] virtual bool working() const { return false; }
  // True once nothing more can ever be written (the reader of the console has gone); what is offered is then rejected.
  [[nodiscard]] virtual bool gone() const { return false; }
  // What the sink's client counts by itself, for the metrics; from any thread.
  struct Statistic {
    std::string name;
    std::uint64_t value;
    std::string output{};  // of several, which one; empty: this one
  };
  [[nodiscard]] virtual std::vector<Statistic> statistics() const { return {}; }
  // Of several outputs, the account of each; from any thread. event_created is what was handed to it.
  struct Account {
    std::string output;
    const Counters* counters;
  };
  [[nodiscard]] virtual std::vector<Account> accounts() const { return {}; }
  // Ends: gives up what is not settled and returns it, so that it can be counted. No call follows.
  [[nodiscard]] virtual std::vector<std::unique_ptr<Batch>> close() = 0;

  // Where sink_bytes and sink_write_errors are counted from now on; the one who calls the sink writes these counters.
  virtual void count_in(Counters& counters) { counters_ = &counters; }

 protected:
  [[nodiscard]] Counters& counters() { return *counters_; }

 private:
  Counters own_;
  Counters* counters_ = &own_;
};

}  // namespace spanbeat
