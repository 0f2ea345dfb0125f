// The makers of all processors that are built; each is described at its definition in this folder.
#pragma once

#include <memory>

#include "export/processors/options.h"
#include "export/processors/processors.h"

namespace spanbeat {

std::unique_ptr<Processor> make_add_fields(ProcessorOptions& options);
std::unique_ptr<Processor> make_add_labels(ProcessorOptions& options);
std::unique_ptr<Processor> make_add_tags(ProcessorOptions& options);
std::unique_ptr<Processor> make_drop_event(ProcessorOptions& options);
std::unique_ptr<Processor> make_drop_fields(ProcessorOptions& options);
std::unique_ptr<Processor> make_include_fields(ProcessorOptions& options);
std::unique_ptr<Processor> make_rename(ProcessorOptions& options);
std::unique_ptr<Processor> make_copy_fields(ProcessorOptions& options);
std::unique_ptr<Processor> make_registered_domain(ProcessorOptions& options);

}  // namespace spanbeat
