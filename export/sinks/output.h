// The outputs of a configuration: which one is enabled, and how to make its sink.
//
// What:   read_output() finds the one enabled section of `output` and lets that output read its own settings. Every
//         output is one line of the table in output.cc and one function `read_NAME_output`.
// Why:    the rest of the program knows sinks by their interface only.
// Limits: reading opens nothing; make() and check() do.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/remarks.h"
#include "base/settings.h"
#include "export/json/codec.h"
#include "export/sinks/sink.h"

namespace spanbeat {

// What outputs are told besides their own section.
struct OutputContext {
  std::string beat = "packetbeat";
  std::string version = "8.1.0";
  std::string name;       // of the sensor: agent.name
  std::string data_path;  // path.data; may not be there yet
  // Where sinks say what their servers answered; never null.
  std::shared_ptr<Remarks> remarks = std::make_shared<Remarks>();
};

// Shows the steps of `test output`, and remembers whether one failed.
class OutputCheck {
 public:
  virtual ~OutputCheck() = default;
  // Everything until leave() belongs to this: "elasticsearch: http://localhost:9200".
  virtual void enter(std::string_view what) = 0;
  virtual void leave() = 0;
  virtual void passed(std::string_view step, std::string_view detail = {}) = 0;
  virtual void warned(std::string_view step, std::string_view detail) = 0;
  // `remedy` says what to do.
  virtual void failed(std::string_view step, std::string_view problem, std::string_view remedy) = 0;
  virtual void told(std::string_view name, std::string_view value) = 0;
};

struct OutputConfig {
  std::string name;  // as in `output.NAME`; empty: documents are made and thrown away (-N)
  Codec codec;       // the exporter's too: ExportConfig::codec
  // The sink; null, with `problem` set, when it cannot start (a directory that cannot be made). Null for no output.
  std::function<std::unique_ptr<Sink>(std::string& problem, Clock& clock)> make;
  // Tells the server what it has to know before the first document, whatever is there already (`setup`); `tell` is
  // called for each step. False, with `problem`, when that failed. Null where there is nothing to set up.
  std::function<bool(const std::function<void(std::string)>& tell, std::string& problem)> set_up;
  // Tries the connection, step by step. Null where there is nothing to try.
  std::function<void(OutputCheck& check)> check;
};

// What an output's reader is given. `root` is the whole configuration (setup.* belongs to an output too).
struct OutputSettings {
  SettingReader& reader;
  const Setting& root;
  const OutputContext& context;
};

// Reads the one enabled section of `output`. None or more than one is an error.
[[nodiscard]] OutputConfig read_output(const Setting& root, const OutputContext& context, Diagnostics& diagnostics);

// Reads one output's section, which stands at `key` ("output.kafka"). A name that is no output is an error.
[[nodiscard]] OutputConfig read_output_section(const std::string& name, const Setting& section, const std::string& key,
                                               const Setting& root, const OutputContext& context,
                                               Diagnostics& diagnostics);

// Reads codec.* (spec/config.md section 11) of an output that has it.
[[nodiscard]] Codec read_codec(SettingReader& reader);

[[nodiscard]] std::unique_ptr<Sink> make_sink(const OutputConfig& config, std::string& problem,
                                              Clock& clock = Clock::system());

// Each output's reader: fills `config` except the name, and complains of what is wrong.
void read_console_output(OutputSettings& settings, OutputConfig& config);
void read_file_output(OutputSettings& settings, OutputConfig& config);
void read_kafka_output(OutputSettings& settings, OutputConfig& config);
void read_elasticsearch_output(OutputSettings& settings, OutputConfig& config);
void read_logstash_output(OutputSettings& settings, OutputConfig& config);
void read_redis_output(OutputSettings& settings, OutputConfig& config);

}  // namespace spanbeat
