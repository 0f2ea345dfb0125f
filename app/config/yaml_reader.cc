#include "app/config/yaml_reader.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <memory>

#include "app/config/scalars.h"

namespace spanbeat {
namespace {

constexpr int kMaxDepth = 100;
constexpr std::size_t kMaxValues = 200'000;
constexpr std::size_t kMaxText = std::size_t{16} << 20;

class Reader {
 public:
  Reader(const std::string& file, Diagnostics& diagnostics)
      : file_(std::make_shared<const std::string>(file)), diagnostics_(diagnostics) {}

  bool read(const YAML::Node& node, Setting& value, int depth) {
    const Place place = place_of(node.Mark());
    if (depth > kMaxDepth) return fail(place, "nested more than 100 levels deep");
    if (++values_ > kMaxValues) return fail(place, "more than 200000 values (aliases count each time they are used)");
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        value = Setting{};
        value.place = place;
        return true;
      case YAML::NodeType::Scalar:
        return read_scalar(node, place, value);
      case YAML::NodeType::Sequence:
        value = Setting::of_list(place);
        for (const YAML::Node& element : node) {
          Setting item;
          if (!read(element, item, depth + 1)) return false;
          value.list().push_back(std::move(item));
        }
        return true;
      case YAML::NodeType::Map:
        return read_map(node, place, value, depth);
    }
    return true;
  }

  Place place_of(const YAML::Mark& mark) const {
    return mark.is_null() ? Place{file_, 0, 0} : Place{file_, mark.line + 1, mark.column + 1};
  }
  bool fail(const Place& place, std::string problem) {
    diagnostics_.error(place.text() + ": " + std::move(problem));
    return false;
  }

 private:
  bool read_scalar(const YAML::Node& node, const Place& place, Setting& value) {
    const std::string& tag = node.Tag();
    const std::string& word = node.Scalar();
    const bool text = tag == "!" || tag == "tag:yaml.org,2002:str" || tag == "!!str";
    const bool plain = tag.empty() || tag == "?" || tag.rfind("tag:yaml.org,2002:", 0) == 0;
    value = plain && !text ? plain_scalar(word, place) : Setting::of_string(word, place);
    return true;
  }

  // A key must be text. Gives false and complains otherwise.
  bool read_key(const YAML::Node& node, std::string& name) {
    const Place place = place_of(node.Mark());
    if (!node.IsScalar()) {
      return fail(place, node.IsNull() ? "a key is missing before ':'" : "a key must be text, not a list or a map");
    }
    Setting key;
    if (!read_scalar(node, place, key)) return false;
    if (key.is_string()) {
      name = key.string();
      if (name.empty()) return fail(place, "a key is empty");
      return true;
    }
    const std::string& word = node.Scalar();
    const char* kind = key.kind() == Setting::Kind::boolean ? "a boolean" : key.is_null() ? "null" : "a number";
    return fail(place, "key '" + word + "' is " + kind + " in YAML 1.1, and a key must be text; write \"" + word +
                           "\" in quotes");
  }

  bool read_map(const YAML::Node& node, const Place& place, Setting& value, int depth) {
    value = Setting::of_map(place);
    std::vector<std::pair<std::string, Place>> written;
    std::vector<YAML::Node> merges;
    for (auto pair = node.begin(); pair != node.end(); ++pair) {
      const YAML::Node key = pair->first;  // -> gives a temporary
      if (key.IsScalar() && key.Scalar() == "<<" && (key.Tag() == "?" || key.Tag().empty())) {
        merges.push_back(pair->second);
        continue;
      }
      std::string name;
      if (!read_key(key, name)) return false;
      const Place key_place = place_of(key.Mark());
      const auto earlier =
          std::find_if(written.begin(), written.end(), [&](const auto& entry) { return entry.first == name; });
      if (earlier != written.end()) {
        return fail(key_place, "duplicate key '" + name + "', already written at line " +
                                   std::to_string(earlier->second.line) + "; remove one of the two");
      }
      written.emplace_back(name, key_place);
      Setting item;
      if (!read(pair->second, item, depth + 1)) return false;
      // A map that begins on the line below is better told by its key.
      if (item.is_null() || item.is_map() || item.is_list()) item.place = key_place;
      if (!put_setting(value, name, std::move(item), diagnostics_)) return false;
    }
    for (const YAML::Node& merge : merges) {
      if (!read_merge(merge, value, depth)) return false;
    }
    return true;
  }

  // `<<: *base` or `<<: [*first, *second]`: what is written in the map itself, or merged earlier, wins.
  bool read_merge(const YAML::Node& merge, Setting& value, int depth) {
    if (merge.IsSequence()) {
      for (const YAML::Node& element : merge) {
        if (!element.IsMap()) return fail(place_of(element.Mark()), "merge key '<<': only maps can be merged");
        if (!read_merge(element, value, depth)) return false;
      }
      return true;
    }
    if (!merge.IsMap())
      return fail(place_of(merge.Mark()), "merge key '<<': only a map or a list of maps can be merged");
    Setting base;
    if (!read(merge, base, depth + 1)) return false;
    for (auto& [name, item] : base.map()) {
      if (value.member(name) != nullptr) continue;
      if (!put_setting(value, name, std::move(item), diagnostics_)) return false;
    }
    return true;
  }

  std::shared_ptr<const std::string> file_;
  Diagnostics& diagnostics_;
  std::size_t values_ = 0;
};

// Joins `value` into `old`, both written in one document under `name`.
bool join(Setting& old, Setting value, std::string_view name, Diagnostics& diagnostics) {
  if (old.is_null()) {
    old = std::move(value);
    return true;
  }
  if (value.is_null()) return true;
  if (old.is_map() && value.is_map()) {
    for (auto& [key, item] : value.map()) {
      if (!join(old.make(key), std::move(item), std::string(name) + "." + key, diagnostics)) return false;
    }
    return true;
  }
  diagnostics.error(value, name,
                    "duplicate key, already written at line " + std::to_string(old.place.line) +
                        " (dotted and nested spelling are the same key); remove one of the two");
  return false;
}

}  // namespace

bool put_setting(Setting& map, std::string_view dotted, Setting value, Diagnostics& diagnostics) {
  // A name with an empty part ("a..b", ".a") is no path.
  const bool path =
      !dotted.empty() && dotted.front() != '.' && dotted.back() != '.' && dotted.find("..") == std::string_view::npos;
  Setting* at = &map;
  std::string_view rest = dotted;
  while (path) {
    const std::size_t dot = rest.find('.');
    if (dot == std::string_view::npos) break;
    const std::string_view name = rest.substr(0, dot);
    Setting& next = at->make(name);
    if (next.is_null()) {
      const Place place = value.place;
      next = Setting::of_map(place);
    } else if (!next.is_map()) {
      diagnostics.error(value, dotted,
                        "'" + std::string(name) + "' is already written as " + next.describe() + " at line " +
                            std::to_string(next.place.line) + " and cannot hold further keys; remove one of the two");
      return false;
    }
    at = &next;
    rest.remove_prefix(dot + 1);
  }
  return join(at->make(rest), std::move(value), dotted, diagnostics);
}

bool read_yaml(std::string_view text, const std::string& file, Setting& root, Diagnostics& diagnostics) {
  Reader reader(file, diagnostics);
  if (text.size() > kMaxText) {
    diagnostics.error(file + ": larger than 16 MiB; a configuration is a small file");
    return false;
  }
  // yaml-cpp reports with exceptions; they end here.
  try {
    const YAML::Node node = YAML::Load(std::string(text));
    if (!reader.read(node, root, 0)) return false;
  } catch (const YAML::Exception& error) {
    return reader.fail(reader.place_of(error.mark), "yaml: " + error.msg);
  }
  if (root.is_null()) {
    const Place place = root.place;
    root = Setting::of_map(place);
  }
  if (!root.is_map()) {
    diagnostics.error(root.place.text() + ": yaml: " + root.describe() +
                      ", where a map of settings is expected; write 'key: value'");
    return false;
  }
  return true;
}

}  // namespace spanbeat
