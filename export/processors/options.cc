#include "export/processors/options.h"

namespace spanbeat {

std::string required_text(SettingReader& reader, std::string_view name) {
  std::string value;
  reader.read(name, value);
  if (value.empty() && reader.section() != nullptr) {
    const Setting* setting = reader.raw(name);
    const bool wrong_kind = setting != nullptr && (setting->is_list() || setting->is_map());
    if (!wrong_kind) {
      reader.diagnostics().error(setting != nullptr ? *setting : *reader.section(), reader.prefix(),
                                 "missing " + std::string(name) + " option in " + reader.prefix());
    }
  }
  return value;
}

std::string ProcessorOptions::required_text(std::string_view name) { return spanbeat::required_text(reader, name); }

}  // namespace spanbeat
