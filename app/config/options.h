// Everything that the configuration says, typed and checked: what the service is built from.
//
// What:   reads the expanded tree of settings into the settings of each room, and collects what is wrong with them.
// Limits: opens nothing and starts nothing; only existence of named files is looked at.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/settings.gen.h"
#include "base/settings.h"
#include "dataplane/source/dpdk/options.h"
#include "dataplane/stream/decoder.h"
#include "dataplane/worker.h"
#include "export/kibana/kibana_options.h"
#include "export/options.h"
#include "export/outputs.h"

namespace spanbeat {

struct Options {
  GeneralSettings general;
  bool show_stages = false;  // --stages: a table at exit
  WorkerConfig worker;
  DpdkOptions dpdk;                                            // of packetbeat.interfaces.type: dpdk
  std::vector<std::shared_ptr<const DecoderConfig>> decoders;  // by ProtocolId - 1; null: off
  ExportConfig exporting;
  OutputContext output_context;  // what is not read from the settings is set before
  OutputsConfig outputs;
  KibanaSetup kibana;
};

// Reads everything. What is wrong goes to `diagnostics`; with errors there the options are of no use.
void read_options(const Setting& root, Options& options, Diagnostics& diagnostics);

// The part of it that reads packetbeat.protocols: a list of {type: NAME, …} or a dictionary. Fills `decoders` and
// `streams` (by ProtocolId; 0, the flows, is left alone).
void read_protocols(const Setting& root, std::vector<std::shared_ptr<const DecoderConfig>>& decoders,
                    std::vector<StreamOptions>& streams, Diagnostics& diagnostics);

}  // namespace spanbeat
