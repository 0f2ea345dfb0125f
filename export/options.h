// What the exporter is told: who the sensor is, and what each stream of documents gets besides its own fields.
//
// What:   `ExportConfig` holds the identity, the global tags, fields and processors, and one `StreamOptions` per
// protocol
//         (and one for flows), filled from the settings by the functions below.
// Why:    everything that does not change from document to document is known before the first one and is rendered once.
// Limits: read-only once an Exporter was made from it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/settings.h"
#include "dataplane/stream/decoder.h"
#include "export/direction.h"
#include "export/json/codec.h"
#include "export/processors/processors.h"

namespace spanbeat {

// agent.* and host.*
struct Identity {
  std::string name;  // setting `name`, else the host's name: agent.name and host.name
  std::string id;
  std::string ephemeral_id;
  std::string type = "packetbeat";
  std::string version = "8.1.0";
};

// Options of a protocol's or of the flows' section that act on its documents (spec/config.md section 6).
struct StreamOptions {
  const DecoderInfo* info = nullptr;  // null: the flows
  std::string index;                  // @metadata.raw_index, lower case; empty: none
  std::vector<std::string> tags;
  Setting fields;  // a map, or null
  bool fields_under_root = false;
  bool keep_null = false;
  std::shared_ptr<const ProcessorChain> processors;  // null: none
};

struct QueueOptions {
  std::int64_t events = 4096;      // queue.mem.events: documents held at most
  std::int64_t min_events = 2048;  // queue.mem.flush.min_events: handed on when so many are there
  Time flush_timeout = kSecond;    // queue.mem.flush.timeout: or when the oldest is so old
};

struct ExportConfig {
  Identity identity;
  std::vector<std::string> tags;
  Setting fields;  // a map, or null
  bool fields_under_root = false;
  std::shared_ptr<Processor> geoip;                  // runs before all others; null: none
  std::shared_ptr<const ProcessorChain> processors;  // null: none
  std::vector<StreamOptions> streams;                // by ProtocolId; 0 is the flows
  NetworkList internal_networks;
  std::vector<IpAddress> own_addresses;  // of the sensor's interfaces
  bool ignore_outgoing = false;
  bool document_id = false;  // each document gets a @metadata._id made of its text
  QueueOptions queue;
  Codec codec;  // the output's
  // From a file nothing is dropped: the exporter waits for a slow sink. Live, new documents are dropped and counted.
  bool wait_when_full = true;
};

// Reads what `packetbeat.yml` says about documents as a whole: name, tags, fields, fields_under_root, processors,
// packetbeat.ignore_outgoing, packetbeat.interfaces.internal_networks and queue.mem. `root` is the whole configuration.
// Left to the caller: codec, identity (`name` is only replaced when it is set), streams, own_addresses, wait_when_full.
void read_export_config(const Setting& root, Diagnostics& diagnostics, ExportConfig& config);

// Reads index, tags, fields, fields_under_root, keep_null and processors of a protocol's section or of packetbeat.flows
// and marks them as known in `reader`. `info` is null for the flows.
[[nodiscard]] StreamOptions read_stream_options(SettingReader& reader, const DecoderInfo* info);

}  // namespace spanbeat
