// The list of all processors that Packetbeat knows (spec config.md section 9).
#include "export/processors/actions/actions.h"
#include "export/processors/options.h"

namespace spanbeat {

const std::vector<ProcessorKind>& processor_kinds() {
  static const std::vector<ProcessorKind> kinds = {
      {"add_cloud_metadata", nullptr, {}, {}},
      {"add_docker_metadata", nullptr, {}, {}},
      {"add_fields", make_add_fields, {"fields"}, {"fields", "target"}},
      {"add_host_metadata", nullptr, {}, {}},
      {"add_id", nullptr, {}, {}},
      {"add_kubernetes_metadata", nullptr, {}, {}},
      {"add_labels", make_add_labels, {"labels"}, {"labels"}},
      {"add_locale", nullptr, {}, {}},
      {"add_network_direction", nullptr, {}, {}},
      {"add_observer_metadata", nullptr, {}, {}},
      {"add_process_metadata", nullptr, {}, {}},
      {"add_tags", make_add_tags, {"tags"}, {"tags", "target"}},
      {"community_id", nullptr, {}, {}},
      {"convert", nullptr, {}, {}},
      {"copy_fields", make_copy_fields, {"fields"}, {}},
      {"decode_base64_field", nullptr, {}, {}},
      {"decode_json_fields", nullptr, {}, {}},
      {"decode_xml", nullptr, {}, {}},
      {"decode_xml_wineventlog", nullptr, {}, {}},
      {"decompress_gzip_field", nullptr, {}, {}},
      {"detect_mime_type", nullptr, {}, {}},
      {"dissect", nullptr, {}, {}},
      {"dns", nullptr, {}, {}},
      {"drop_event", make_drop_event, {}, {"when"}},
      {"drop_fields", make_drop_fields, {"fields"}, {"fields", "ignore_missing"}},
      {"extract_array", nullptr, {}, {}},
      {"fingerprint", nullptr, {}, {}},
      {"include_fields", make_include_fields, {"fields"}, {"fields"}},
      {"rate_limit", nullptr, {}, {}},
      {"registered_domain", make_registered_domain, {}, {}},
      {"rename", make_rename, {"fields"}, {}},
      {"replace", nullptr, {}, {}},
      {"truncate_fields", nullptr, {}, {}},
      {"urldecode", nullptr, {}, {}},
  };
  return kinds;
}

}  // namespace spanbeat
