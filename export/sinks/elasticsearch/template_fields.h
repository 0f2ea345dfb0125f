// What the index template and the index pattern say of fields: JSON, made from the fields.yml files at build time.
#pragma once

#include <string_view>

namespace spanbeat {

extern const std::string_view kTemplateProperties;  // mappings.properties
extern const std::string_view kSearchedFields;      // index.query.default_field
extern const std::string_view kPatternFields;       // of the index pattern
extern const std::string_view kPatternFormats;      // its fieldFormatMap

}  // namespace spanbeat
