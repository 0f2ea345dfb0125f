// The makers of all processors that are built; each is described at its definition in this folder.
#pragma once

#include <memory>

#include "export/processors/options.h"
#include "export/processors/processors.h"

namespace spanbeat {

std::unique_ptr<Processor> make_add_fields(ProcessorOptions& options);
std::unique_ptr<Processor> make_add_host_metadata(ProcessorOptions& options);
std::unique_ptr<Processor> make_add_id(ProcessorOptions& options);
std::unique_ptr<Processor> make_add_labels(ProcessorOptions& options);
std::unique_ptr<Processor> make_add_locale(ProcessorOptions& options);
std::unique_ptr<Processor> make_add_network_direction(ProcessorOptions& options);
std::unique_ptr<Processor> make_add_observer_metadata(ProcessorOptions& options);
std::unique_ptr<Processor> make_add_tags(ProcessorOptions& options);
std::unique_ptr<Processor> make_append(ProcessorOptions& options);
std::unique_ptr<Processor> make_community_id(ProcessorOptions& options);
std::unique_ptr<Processor> make_convert(ProcessorOptions& options);
std::unique_ptr<Processor> make_copy_fields(ProcessorOptions& options);
std::unique_ptr<Processor> make_decode_base64_field(ProcessorOptions& options);
std::unique_ptr<Processor> make_decode_json_fields(ProcessorOptions& options);
std::unique_ptr<Processor> make_decompress_gzip_field(ProcessorOptions& options);
std::unique_ptr<Processor> make_detect_mime_type(ProcessorOptions& options);
std::unique_ptr<Processor> make_dissect(ProcessorOptions& options);
std::unique_ptr<Processor> make_dns(ProcessorOptions& options);
std::unique_ptr<Processor> make_drop_event(ProcessorOptions& options);
std::unique_ptr<Processor> make_drop_fields(ProcessorOptions& options);
std::unique_ptr<Processor> make_extract_array(ProcessorOptions& options);
std::unique_ptr<Processor> make_fingerprint(ProcessorOptions& options);
std::unique_ptr<Processor> make_include_fields(ProcessorOptions& options);
std::unique_ptr<Processor> make_rate_limit(ProcessorOptions& options);
std::unique_ptr<Processor> make_registered_domain(ProcessorOptions& options);
std::unique_ptr<Processor> make_rename(ProcessorOptions& options);
std::unique_ptr<Processor> make_replace(ProcessorOptions& options);
std::unique_ptr<Processor> make_script(ProcessorOptions& options);
std::unique_ptr<Processor> make_truncate_fields(ProcessorOptions& options);
std::unique_ptr<Processor> make_urldecode(ProcessorOptions& options);

}  // namespace spanbeat
