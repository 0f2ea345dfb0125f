// The options of one processor as its maker sees them, and the list of all processors.
//
// What:   ProcessorKind names a processor, its required and allowed options and the function that makes it. Adding a
//         processor is a file in actions/ and a line in registry.cc.
// Limits: kinds without a maker are known to Packetbeat and not built: they are warned of and skipped.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/settings.h"
#include "export/processors/processors.h"

namespace spanbeat {

class ProcessorOptions {
 public:
  ProcessorOptions(const Setting& section, std::string key, Diagnostics& diagnostics)
      : reader(&section, key, diagnostics), section_(section), key_(std::move(key)) {}

  SettingReader reader;

  [[nodiscard]] const Setting& section() const { return section_; }
  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] Diagnostics& diagnostics() { return reader.diagnostics(); }

  // Complains of the section as a whole.
  void error(const std::string& problem) { reader.diagnostics().error(section_, key_, problem); }
  // A text that must be there and not be empty; complains when it is not.
  std::string required_text(std::string_view name);
  // A list of maps under `name`, each read by `read(SettingReader&)`; a single map is taken as a list of one.
  template <typename Read>
  void each(std::string_view name, Read read) {
    const Setting* list = reader.raw(name);
    if (list == nullptr || list->is_null()) return;
    if (!list->is_list()) {
      each_one(*list, reader.key(name), read);
      return;
    }
    for (std::size_t i = 0; i < list->list().size(); ++i) {
      each_one(list->list()[i], reader.key(name) + "." + std::to_string(i), read);
    }
  }

 private:
  template <typename Read>
  void each_one(const Setting& entry, const std::string& key, Read read) {
    if (!entry.is_map()) {
      diagnostics().error(entry, key, "expected a map of options, found " + entry.describe());
      return;
    }
    SettingReader inner(&entry, key, diagnostics());
    read(inner);
    inner.warn_unknown();
  }

  const Setting& section_;
  std::string key_;
};

// Reads a text that must be there; complains and gives an empty one when it is not.
std::string required_text(SettingReader& reader, std::string_view name);

struct ProcessorKind {
  std::string_view name;
  // Null after a complaint; null itself: not built yet.
  std::unique_ptr<Processor> (*make)(ProcessorOptions& options);
  std::vector<std::string_view> required;
  // Empty: unknown options are only warned of, as Packetbeat ignores them. `when` is always allowed.
  std::vector<std::string_view> allowed;
};

// All processors of Packetbeat, append, and what is refused, by name.
[[nodiscard]] const std::vector<ProcessorKind>& processor_kinds();

}  // namespace spanbeat
