// The commands `setup` and `export template|ilm-policy|index-pattern` (spec/cli.md section 3): what Elasticsearch and
// Kibana have to know of the documents.
#pragma once

#include "app/cli/command_line.h"
#include "base/settings.h"
#include "export/kibana/kibana_options.h"
#include "export/outputs.h"

namespace spanbeat {

// Puts index template and lifecycle policy on the server of output.elasticsearch, over what is there, and the
// dashboards on Kibana; or those of them that the flags name. Gives the exit status: 0, or 1 after a complaint on
// standard error.
[[nodiscard]] int setup_command(const CommandLine& line, const OutputsConfig& outputs, const KibanaSetup& kibana);

// Prints what the command exports, or writes it to --dir. `settings` is the whole configuration. The same statuses.
[[nodiscard]] int export_command(const CommandLine& line, const Setting& settings);

}  // namespace spanbeat
