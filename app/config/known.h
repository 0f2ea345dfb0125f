// The settings that are known by name, and what is to be said of those that have no effect yet.
//
// What:   the types of the generated lists (build/app/settings.gen.h), the check of a configuration against them, and
// the
//         check of the options of protocols that are not built yet.
// Why:    an unknown name is most often a misspelt one; an option that silently does nothing is worse than a warning.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/settings.h"

namespace spanbeat {

struct KnownSetting {
  enum class State : std::uint8_t {
    built,
    live,     // acts on live capture only
    later,    // not built yet: its use is warned of
    ignored,  // accepted without a word
  };
  std::string_view name;
  State state;
  std::string_view preset;  // the default as text; empty for lists and where it is worked out at start
};

struct LaterOption {
  enum class Type : std::uint8_t {
    bool_,
    int_,
    duration_,
    size_,
    string_,
    strings_,
    choice_,
    choices_,
    files_,
    ports_
  };
  std::string_view name;  // empty: the end of the list
  Type type;
  std::string_view choices;  // separated by commas
  std::int64_t least;
  std::int64_t most;
};

struct LaterProtocol {
  std::string_view name;
  bool tcp;
  bool udp;
  std::array<std::uint16_t, 2> default_ports;  // 0: none
  const LaterOption* options;
};

// Warns of every setting of `root` that is not known, with the nearest name that is, and of those that have no effect
// yet.
void check_known(const Setting& root, Diagnostics& diagnostics);

// Checks the values of a protocol's own options and marks them as known.
void check_later_options(SettingReader& reader, const LaterProtocol& protocol);
// The protocol of that name among those that come later, or null.
[[nodiscard]] const LaterProtocol* find_later_protocol(std::string_view name);
[[nodiscard]] std::vector<std::string> later_protocol_names();

// Complains when a size is out of range.
inline void check_size(SettingReader& reader, std::string_view name, std::int64_t& value, std::int64_t least,
                       std::int64_t most) {
  const Setting* setting = reader.raw(name);
  if (setting != nullptr && (value < least || value > most)) {
    reader.diagnostics().error(*setting, reader.key(name),
                               setting->describe() + " is out of range; write a size from " + std::to_string(least) +
                                   (most == INT64_MAX ? std::string(" up") : " to " + std::to_string(most)) +
                                   " octets");
  }
}

}  // namespace spanbeat
