#include "app/config/merge.h"

#include <charconv>

namespace spanbeat {
namespace {

constexpr std::size_t kMaxIndex = 1023;

bool parse_index(std::string_view name, std::size_t& index) {
  const auto result = std::from_chars(name.data(), name.data() + name.size(), index);
  return !name.empty() && result.ec == std::errc{} && result.ptr == name.data() + name.size();
}

}  // namespace

void merge_settings(Setting& base, Setting overlay) {
  if (base.is_map() && overlay.is_map()) {
    for (auto& [name, value] : overlay.map()) merge_settings(base.make(name), std::move(value));
  } else if (base.is_list() && overlay.is_list()) {
    for (std::size_t i = 0; i < overlay.list().size(); ++i) {
      if (i < base.list().size()) {
        merge_settings(base.list()[i], std::move(overlay.list()[i]));
      } else {
        base.list().push_back(std::move(overlay.list()[i]));
      }
    }
  } else {
    base = std::move(overlay);
  }
}

bool override_setting(Setting& root, std::string_view dotted, Setting value, std::string& problem) {
  Setting* at = &root;
  std::string_view rest = dotted;
  bool first = true;
  while (true) {
    const std::size_t dot = rest.find('.');
    const std::string_view name = rest.substr(0, dot);
    std::size_t index = 0;
    const bool number = parse_index(name, index);
    if (number && !first && (at->is_list() || at->is_null())) {
      if (index > kMaxIndex) {
        problem = "element " + std::string(name) + " is beyond what a list can hold";
        return false;
      }
      if (at->is_null()) *at = Setting::of_list(value.place);
      if (at->list().size() <= index) at->list().resize(index + 1);
      at = &at->list()[index];
    } else if (at->is_list()) {
      problem = "what '" + std::string(name) + "' is to be set in is a list, written at " + at->place.text() +
                "; name an element by its number, from 0 to " + std::to_string(at->list().size() - 1);
      return false;
    } else {
      if (!at->is_map()) *at = Setting::of_map(value.place);
      at = &at->make(name);
    }
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
    first = false;
  }
  merge_settings(*at, std::move(value));
  return true;
}

}  // namespace spanbeat
