// What the sections of all HTTP servers have in common: output.elasticsearch and setup.kibana (spec/config.md section
// 11).
//
// What:   reads username, password, api_key, headers, proxy_* and ssl.*.
// Limits: reading opens nothing but the files that ssl.* names, which must be there.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "export/net/http_client.h"

namespace spanbeat {

void read_http_options(SettingReader& reader, HttpOptions& options);

// A map of texts; a dotted name is one name again. With `header` no line's end may be in them.
void read_pairs(SettingReader& reader, const char* name, std::vector<std::pair<std::string, std::string>>& pairs,
                bool header);

}  // namespace spanbeat
