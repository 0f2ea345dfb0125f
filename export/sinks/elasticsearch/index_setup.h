// setup.template.* and setup.ilm.*: what an Elasticsearch has to be told before the first document.
//
// What:   reads the settings, makes the bodies of the index template and of the policy for indices' lives (ILM), and
//         puts them on a server.
// Why:    without the template, addresses and numbers would be indexed as text; the output puts it there by itself, and
//         so does the command `setup`.
// Limits: a server without ILM (OpenSearch) or without data streams gets a template without them, and a remark says so.
#pragma once

#include <functional>
#include <string>

#include "base/settings.h"
#include "export/document/value.h"
#include "export/net/http_client.h"

namespace spanbeat {

struct IndexSetup {
  bool template_enabled = true;
  bool template_overwrite = false;
  std::string template_name;
  std::string template_pattern;
  std::int64_t priority = 150;
  Value settings;         // setup.template.settings: an object, or null
  Value append_fields;    // setup.template.append_fields: an array, or null
  std::string json_path;  // setup.template.json.path: a file that is used instead; empty: none
  bool ilm_enabled = true;
  bool ilm_overwrite = false;
  bool ilm_check_exists = true;
  std::string policy_name = "packetbeat";
  std::string policy_file;
};

// `stream` is the preset name: packetbeat-8.1.0.
[[nodiscard]] IndexSetup read_index_setup(const Setting& root, const std::string& stream, Diagnostics& diagnostics);

// JSON. False, with the reason in `problem`, when a file that is named cannot be used.
[[nodiscard]] bool index_template(const IndexSetup& setup, bool with_ilm, bool with_data_stream, std::string& json,
                                  std::string& problem);
[[nodiscard]] bool lifecycle_policy(const IndexSetup& setup, std::string& json, std::string& problem);

// Kibana's index pattern packetbeat-* as a saved object: JSON.
[[nodiscard]] std::string index_pattern();

// Puts policy and template on the server, as far as they are enabled and not there. `force` overwrites the template.
// False, with the reason in `problem`, when the server refuses them for another reason than that it lacks the feature.
[[nodiscard]] bool set_up_indices(HttpClient& http, const IndexSetup& setup, bool force,
                                  const std::function<void(std::string)>& tell, std::string& problem);

}  // namespace spanbeat
