// The commands `setup --dashboards` and `export dashboard` (spec/cli.md section 3): Kibana's dashboards.
#pragma once

#include "app/cli/command_line.h"
#include "base/settings.h"
#include "export/kibana/kibana_options.h"

namespace spanbeat {

// Loads them into Kibana. Gives the exit status: 0, or 1 after a complaint on standard error.
[[nodiscard]] int load_dashboards_command(const KibanaSetup& setup);

// Prints saved objects as lines of JSON, or writes ID.ndjson to --folder: the dashboard of --id, those of the list
// --yml, else all that are built in. What is built in needs no Kibana. The same statuses.
[[nodiscard]] int export_dashboard_command(const CommandLine& line, const Setting& settings);

}  // namespace spanbeat
