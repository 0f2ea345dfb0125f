#include "app/config/known.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "app/settings.gen.h"

namespace spanbeat {
namespace {

using State = KnownSetting::State;

const KnownSetting* exact(std::string_view name) {
  for (const KnownSetting& known : kKnownSettings) {
    if (known.name == name) return &known;
  }
  return nullptr;
}

bool is_parent(std::string_view name) {
  for (const KnownSetting& known : kKnownSettings) {
    if (known.name.size() > name.size() && known.name[name.size()] == '.' && known.name.substr(0, name.size()) == name)
      return true;
  }
  return false;
}

// The known names that lie directly below `prefix`, without it.
std::vector<std::string> names_below(std::string_view prefix) {
  std::vector<std::string> names;
  for (const KnownSetting& known : kKnownSettings) {
    std::string_view rest = known.name;
    if (!prefix.empty()) {
      if (rest.size() <= prefix.size() || rest[prefix.size()] != '.' || rest.substr(0, prefix.size()) != prefix)
        continue;
      rest.remove_prefix(prefix.size() + 1);
    }
    std::string name(rest.substr(0, rest.find('.')));
    if (names.empty() || names.back() != name) names.push_back(std::move(name));
  }
  return names;
}

bool is_off(const Setting& setting) {
  if (setting.is_null()) return true;
  if (setting.kind() == Setting::Kind::boolean) return !setting.boolean();
  if (setting.kind() == Setting::Kind::integer) return setting.integer() == 0;
  if (setting.is_string()) return setting.string().empty();
  if (setting.is_list()) return setting.list().empty();
  if (!setting.is_map()) return false;
  if (setting.map().empty()) return true;
  if (const Setting* enabled = setting.member("enabled"); enabled != nullptr && is_off(*enabled)) return true;
  return std::all_of(setting.map().begin(), setting.map().end(),
                     [](const auto& entry) { return is_off(entry.second); });
}

class Check {
 public:
  explicit Check(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  void walk(const Setting& map, const std::string& prefix) {
    for (const auto& [name, setting] : map.map()) {
      const std::string key = prefix.empty() ? name : prefix + "." + name;
      const KnownSetting* known = exact(key);
      const bool parent = is_parent(key);
      if (known == nullptr && !parent) {
        if (prefix != "output") unknown(setting, key, name, prefix);  // outputs are refused by who reads them
        continue;
      }
      if (known == nullptr && !setting.is_map() && !setting.is_null()) {
        diagnostics_.error(setting, key,
                           setting.describe() + ", where a section of settings is expected, such as " + key + "." +
                               names_below(key).front());
        continue;
      }
      if (known != nullptr && known->state == State::later && prefix != "output") not_built(setting, key, *known);
      if (parent && setting.is_map()) walk(setting, key);
    }
  }

 private:
  void unknown(const Setting& setting, const std::string& key, const std::string& name, const std::string& prefix) {
    // A top-level name that holds things nobody knows may be there for ${references}; it is told all the same.
    const std::string near = nearest_name(name, names_below(prefix));
    if (near.empty()) {
      diagnostics_.warn(setting, key, "unknown setting, ignored");
    } else {
      diagnostics_.warn(
          setting, key,
          "unknown setting, ignored; did you mean '" + (prefix.empty() ? near : prefix + "." + near) + "'?");
    }
  }

  void not_built(const Setting& setting, const std::string& key, const KnownSetting& known) {
    if (is_off(setting) || (!known.preset.empty() && setting.scalar_text() == known.preset)) return;
    diagnostics_.warn(setting, key, "not built yet; it has no effect");
  }

  Diagnostics& diagnostics_;
};

std::vector<std::string> split(std::string_view words) {
  std::vector<std::string> out;
  while (true) {
    const std::size_t comma = words.find(',');
    out.emplace_back(words.substr(0, comma));
    if (comma == std::string_view::npos) return out;
    words.remove_prefix(comma + 1);
  }
}

std::string folded(std::string_view word) {
  std::string out(word);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return out;
}

// The elements of a setting that may be one text or a list of texts, with their places.
std::vector<const Setting*> elements(const Setting* setting) {
  std::vector<const Setting*> out;
  if (setting == nullptr || setting->is_null()) return out;
  if (!setting->is_list()) return {setting};
  for (const Setting& item : setting->list()) out.push_back(&item);
  return out;
}

}  // namespace

void check_known(const Setting& root, Diagnostics& diagnostics) { Check(diagnostics).walk(root, ""); }

void check_later_options(SettingReader& reader, const LaterProtocol& protocol) {
  using Type = LaterOption::Type;
  for (const LaterOption* option = protocol.options; !option->name.empty(); ++option) {
    bool yes = false;
    int chosen = 0;
    std::int64_t number = 0;
    std::string text;
    std::vector<std::string> texts;
    std::vector<std::uint16_t> ports;
    switch (option->type) {
      case Type::bool_:
        reader.read(option->name, yes);
        break;
      case Type::int_:
        reader.read(option->name, number, option->least, option->most);
        break;
      case Type::duration_:
        reader.read_duration(option->name, number);
        break;
      case Type::size_:
        reader.read_size(option->name, number);
        break;
      case Type::string_:
        reader.read(option->name, text);
        break;
      case Type::strings_:
        reader.read(option->name, texts);
        break;
      case Type::ports_:
        reader.read_ports(option->name, ports);
        break;
      case Type::choice_:
        reader.read_choice(option->name, split(option->choices), chosen);
        break;
      case Type::choices_: {
        reader.read(option->name, texts);
        const std::vector<std::string> choices = split(folded(option->choices));
        for (const Setting* item : elements(reader.raw(option->name))) {
          const std::string word = folded(item->scalar_text());
          if (std::find(choices.begin(), choices.end(), word) != choices.end()) continue;
          reader.diagnostics().error(
              *item, reader.key(option->name),
              item->describe() + " is not known here; write one of " + std::string(option->choices));
        }
        break;
      }
      case Type::files_: {
        reader.read(option->name, texts);
        for (const Setting* item : elements(reader.raw(option->name))) {
          if (::access(item->scalar_text().c_str(), R_OK) == 0) continue;
          reader.diagnostics().error(*item, reader.key(option->name),
                                     item->describe() + ": " + std::strerror(errno) + "; name a file that can be read");
        }
        break;
      }
    }
  }
}

const LaterProtocol* find_later_protocol(std::string_view name) {
  for (const LaterProtocol& protocol : kLaterProtocols) {
    if (protocol.name == name) return &protocol;
  }
  return nullptr;
}

std::vector<std::string> later_protocol_names() {
  std::vector<std::string> names;
  for (const LaterProtocol& protocol : kLaterProtocols) names.emplace_back(protocol.name);
  return names;
}

}  // namespace spanbeat
