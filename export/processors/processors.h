// Processors: the steps that a document goes through before it is written (spec config.md section 9).
//
// What:   a ProcessorChain is one `processors:` list, of a protocol, of flows or the global one, compiled once. `run`
// takes
//         a document through it in order. A step may have a condition (`when`), or be `if / then / else`.
// Why:    the same list, options and failures as Packetbeat's. A step that fails leaves the document, notes what went
//         wrong in error.message where Packetbeat does, is counted (processor_failures), and the list goes on.
// Limits: processors that are known but not built are warned of and do nothing. Several threads may use one chain; the
//         processors that keep state (rate_limit, add_id, metadata caches) lock.
// Order:  a protocol's or the flows' own list runs first, on what the event itself gives; then the global tags and
// fields,
//         agent, ecs and host are added; then the global list runs (Packetbeat's order).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/counters.h"
#include "base/settings.h"
#include "export/document/value.h"

namespace spanbeat {

// What processors may know of the run.
struct ProcessorEnvironment {
  std::string host_name;  // `name`, or the machine's name
  // What add_id makes identifiers of: another one for each run, but the same where runs must give the same documents.
  std::string id_seed;
};

enum class Verdict : std::uint8_t { keep, drop };

// One step, compiled.
class Processor {
 public:
  virtual ~Processor() = default;
  // What running a step came to. A failure leaves the document in whatever state the step says.
  struct Outcome {
    Verdict verdict = Verdict::keep;
    bool failed = false;
  };
  virtual Outcome run(Value& document) = 0;
  // Once, before the first document.
  virtual void begin(const ProcessorEnvironment& /*environment*/) {}
};

class ProcessorChain {
 public:
  // Compiles a list; null when `list` is null or an empty list, or when there are errors (see `diagnostics`). `prefix`
  // is the list's full dotted name: "processors", "packetbeat.protocols.0.processors".
  static std::unique_ptr<ProcessorChain> create(const Setting* list, std::string prefix, Diagnostics& diagnostics);

  // Once, before the first document.
  void begin(const ProcessorEnvironment& environment) const;

  // The document must be an object. `@timestamp` (a time) and `@metadata` (an object) are members of the root.
  Verdict run(Value& document, Counters& counters) const;
  [[nodiscard]] bool empty() const { return steps_.empty(); }

 private:
  std::vector<std::unique_ptr<Processor>> steps_;
};

}  // namespace spanbeat
