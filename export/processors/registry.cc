// The list of all processors that Packetbeat knows (spec config.md section 9).
#include "export/processors/actions/actions.h"
#include "export/processors/options.h"

namespace spanbeat {

const std::vector<ProcessorKind>& processor_kinds() {
  static const std::vector<ProcessorKind> kinds = {
      {"add_cloud_metadata", nullptr, {}, {}},
      {"add_docker_metadata", nullptr, {}, {}},
      {"add_fields", make_add_fields, {"fields"}, {"fields", "target"}},
      {"add_host_metadata", make_add_host_metadata, {}, {}},
      {"add_id", make_add_id, {}, {}},
      {"add_kubernetes_metadata", nullptr, {}, {}},
      {"add_labels", make_add_labels, {"labels"}, {"labels"}},
      {"add_locale", make_add_locale, {}, {}},
      {"add_network_direction",
       make_add_network_direction,
       {"source", "destination", "target", "internal_networks"},
       {"source", "destination", "target", "internal_networks"}},
      {"add_observer_metadata", make_add_observer_metadata, {}, {}},
      {"add_process_metadata", nullptr, {}, {}},
      {"add_tags", make_add_tags, {"tags"}, {"tags", "target"}},
      {"append", make_append, {"target_field"}, {}},
      {"community_id", make_community_id, {}, {}},
      {"convert", make_convert, {}, {}},
      {"copy_fields", make_copy_fields, {"fields"}, {}},
      {"decode_base64_field", make_decode_base64_field, {"field"}, {"field", "ignore_missing", "fail_on_error"}},
      {"decode_json_fields",
       make_decode_json_fields,
       {"fields"},
       {"fields", "max_depth", "process_array", "target", "overwrite_keys", "expand_keys", "add_error_key",
        "document_id"}},
      {"decode_xml", nullptr, {}, {}},
      {"decode_xml_wineventlog", nullptr, {}, {}},
      {"decompress_gzip_field",
       make_decompress_gzip_field,
       {"field"},
       {"field", "ignore_missing", "overwrite_keys", "fail_on_error"}},
      {"detect_mime_type", make_detect_mime_type, {"field", "target"}, {"field", "target"}},
      {"dissect", make_dissect, {}, {}},
      {"dns", make_dns, {"type", "fields"}, {}},
      {"drop_event", make_drop_event, {}, {"when"}},
      {"drop_fields", make_drop_fields, {"fields"}, {"fields", "ignore_missing"}},
      {"extract_array",
       make_extract_array,
       {"field", "mappings"},
       {"field", "mappings", "ignore_missing", "overwrite_keys", "fail_on_error", "omit_empty"}},
      {"fingerprint", make_fingerprint, {}, {}},
      {"include_fields", make_include_fields, {"fields"}, {"fields"}},
      {"rate_limit", make_rate_limit, {}, {}},
      {"registered_domain", make_registered_domain, {}, {}},
      {"rename", make_rename, {"fields"}, {}},
      {"replace", make_replace, {"fields"}, {}},
      {"script", make_script, {}, {}},
      {"truncate_fields", make_truncate_fields, {"fields"}, {}},
      {"urldecode", make_urldecode, {"fields"}, {"fields", "ignore_missing", "fail_on_error"}},
  };
  return kinds;
}

}  // namespace spanbeat
