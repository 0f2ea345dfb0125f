// Loads index pattern and dashboards into Kibana: the command `setup`, and setup.dashboards.enabled at start.
#pragma once

#include <functional>
#include <string>

#include "export/kibana/kibana_options.h"

namespace spanbeat {

// One dashboard that is built in, as lines of JSON, with the index pattern that it needs; false when there is none of
// that id. `index` takes the place of packetbeat-* unless it is empty.
[[nodiscard]] bool built_in_objects(std::string_view id, const std::string& index, std::string& objects);

// False, with the reason in `problem`, when one of them could not be loaded. With retry it waits for a Kibana that is
// away until `enough` is set, and says so once. `interrupt` ends a request that is under way.
[[nodiscard]] bool load_dashboards(const KibanaSetup& setup, const Interrupt& interrupt, const Interrupt& enough,
                                   const std::function<void(std::string)>& tell, std::string& problem);

}  // namespace spanbeat
