// All outputs of a configuration, with what stands before them: the disk queue, and the spreading over several.
//
// What:   output.* is the first; spanbeat.outputs is a list of further ones, each `NAME: {…}` with the settings of
//         output.NAME. With queue.disk each output has a folder of its own.
// Why:    the service makes one sink and need not know what is behind it.
// Limits: every output gets the same octets, so they must agree on their codec.
#pragma once

#include "export/options.h"
#include "export/sinks/output.h"
#include "export/spool/options.h"

namespace spanbeat {

struct OutputsConfig {
  struct Further {
    std::string label;  // for folders and metrics: "kafka", "kafka-2"
    OutputConfig output;
  };
  OutputConfig first;  // of output.*
  std::vector<Further> further;
  SpoolOptions spool;
};

// Reads output.*, spanbeat.outputs and queue.disk.
[[nodiscard]] OutputsConfig read_outputs(const Setting& root, const OutputContext& context, Diagnostics& diagnostics);

// The sink of them all; null, with `problem`, when one of them or its disk queue cannot start.
[[nodiscard]] std::unique_ptr<Sink> make_outputs(const OutputsConfig& config, const ExportConfig& exporting,
                                                 const OutputContext& context, std::string& problem,
                                                 Clock& clock = Clock::system());

}  // namespace spanbeat
