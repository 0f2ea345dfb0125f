// output.elasticsearch (spec/config.md section 11): what is read from the settings.
#pragma once

#include <optional>
#include <string>

#include "export/net/hosts.h"
#include "export/net/http_client.h"
#include "export/sinks/elasticsearch/index_setup.h"
#include "export/sinks/file.h"
#include "export/sinks/output.h"
#include "export/sinks/selector.h"

namespace spanbeat {

struct ElasticsearchOptions {
  ClientOptions client;
  HttpOptions http;
  std::string bulk_path;  // "/_bulk" and the parameters
  Selector index;
  Selector pipeline;
  bool allow_older_versions = false;
  std::string dead_letter_index;  // empty, and no file: refused documents are rejected
  std::optional<FileOptions> dead_letter_file;
  IndexSetup setup;
};

[[nodiscard]] ElasticsearchOptions read_elasticsearch_options(OutputSettings& settings);

}  // namespace spanbeat
