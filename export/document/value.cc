#include "export/document/value.h"

#include <algorithm>

namespace spanbeat {
namespace {

// One level of a path: the object member that is meant, and what of the path is left after it.
struct Stop {
  Value* value = nullptr;
  std::string_view rest;  // empty when the whole path was the member's name
  bool last = false;
};

// A member whose name is all of `path` wins over one whose name is the part before the first dot.
Stop next_stop(Value::Object& members, std::string_view path) {
  const std::size_t dot = path.find('.');
  const std::string_view head = path.substr(0, dot);
  Value* by_head = nullptr;
  for (auto& [name, value] : members) {
    if (name.size() == path.size() && name == path) return {&value, {}, true};
    if (name.size() == head.size() && by_head == nullptr && name == head) by_head = &value;
  }
  if (dot == std::string_view::npos || by_head == nullptr) return {};
  return {by_head, path.substr(dot + 1), false};
}

Value from_setting(const Setting& setting, int depth);

void put_setting(Value& object, std::string_view name, const Setting& setting, int depth) {
  Value* at = &object;
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos && depth < Value::kMaxDepth;
       dot = name.find('.'), ++depth) {
    Value& below = at->make(name.substr(0, dot));
    if (!below.is_object()) below = Value::of_object();
    at = &below;
    name.remove_prefix(dot + 1);
  }
  Value value = from_setting(setting, depth + 1);
  Value& place = at->make(name);
  if (place.is_object() && value.is_object()) {
    place.merge(value);
  } else {
    place = std::move(value);
  }
}

Value from_setting(const Setting& setting, int depth) {
  if (depth >= Value::kMaxDepth) return {};
  switch (setting.kind()) {
    case Setting::Kind::null:
      return {};
    case Setting::Kind::boolean:
      return Value::of_bool(setting.boolean());
    case Setting::Kind::integer:
      return Value::of_integer(setting.integer());
    case Setting::Kind::floating:
      return Value::of_double(setting.floating());
    case Setting::Kind::string:
      return Value::of_string(setting.string());
    case Setting::Kind::list: {
      Value array = Value::of_array();
      for (const Setting& element : setting.list()) array.array().push_back(from_setting(element, depth + 1));
      return array;
    }
    case Setting::Kind::map: {
      Value object = Value::of_object();
      for (const auto& [name, member] : setting.map()) put_setting(object, name, member, depth);
      return object;
    }
  }
  return {};
}

}  // namespace

Value Value::of_setting(const Setting& setting) { return from_setting(setting, 0); }

bool Value::number(double& out) const {
  switch (kind()) {
    case Kind::integer:
      out = static_cast<double>(integer());
      return true;
    case Kind::unsigned_integer:
      out = static_cast<double>(unsigned_integer());
      return true;
    case Kind::floating:
      out = floating();
      return true;
    default:
      return false;
  }
}

const Value* Value::member(std::string_view name) const { return const_cast<Value*>(this)->member(name); }

Value* Value::member(std::string_view name) {
  if (!is_object()) return nullptr;
  for (auto& [key, value] : object()) {
    if (key.size() == name.size() && key == name) return &value;
  }
  return nullptr;
}

Value& Value::make(std::string_view name) {
  if (Value* existing = member(name)) return *existing;
  return append_member(name, {});
}

Value& Value::append_member(std::string_view name, Value value) {
  return object().emplace_back(Member{std::string(name), std::move(value)}).value;
}

bool Value::erase(std::string_view name) {
  if (!is_object()) return false;
  const auto at =
      std::find_if(object().begin(), object().end(), [&](const Member& member) { return member.name == name; });
  if (at == object().end()) return false;
  object().erase(at);
  return true;
}

const Value* Value::find(std::string_view path) const { return const_cast<Value*>(this)->find(path); }

Value* Value::find(std::string_view path) {
  const Value* found = nullptr;
  return find(path, found) == PathResult::found ? const_cast<Value*>(found) : nullptr;
}

PathResult Value::find(std::string_view path, const Value*& out) const {
  const Value* at = this;
  while (true) {
    if (!at->is_object()) {
      out = at;
      return PathResult::not_an_object;
    }
    // The walk itself changes nothing.
    const Stop stop = next_stop(const_cast<Value*>(at)->object(), path);
    if (stop.value == nullptr) {
      out = nullptr;
      return PathResult::not_found;
    }
    at = stop.value;
    if (stop.last) {
      out = at;
      return PathResult::found;
    }
    path = stop.rest;
  }
}

PathResult Value::put(std::string_view path, Value&& value) {
  Value* at = this;
  while (true) {
    if (!at->is_object()) return PathResult::not_an_object;
    const Stop stop = next_stop(at->object(), path);
    if (stop.last) {
      *stop.value = std::move(value);
      return PathResult::found;
    }
    if (stop.value != nullptr) {
      at = stop.value;
      path = stop.rest;
      continue;
    }
    const std::size_t dot = path.find('.');
    if (dot == std::string_view::npos) {
      at->append_member(path, std::move(value));
      return PathResult::found;
    }
    // Asked before the first object is made, so that a path that is too deep changes nothing.
    if (std::count(path.begin(), path.end(), '.') > kMaxDepth) return PathResult::too_deep;
    at = &at->append_member(path.substr(0, dot), of_object());
    path.remove_prefix(dot + 1);
  }
}

PathResult Value::remove(std::string_view path, Value* out) {
  Value* at = this;
  while (true) {
    if (!at->is_object()) return PathResult::not_an_object;
    Object& members = at->object();
    const Stop stop = next_stop(members, path);
    if (stop.value == nullptr) return PathResult::not_found;
    if (!stop.last) {
      at = stop.value;
      path = stop.rest;
      continue;
    }
    if (out != nullptr) *out = std::move(*stop.value);
    members.erase(std::find_if(members.begin(), members.end(),
                               [&](const Member& member) { return &member.value == stop.value; }));
    return PathResult::found;
  }
}

void Value::merge(const Value& other, bool overwrite) {
  if (!is_object() || !other.is_object()) return;
  for (const auto& [name, value] : other.object()) {
    Value* mine = member(name);
    if (mine == nullptr) {
      append_member(name, value);
    } else if (mine->is_object() && value.is_object()) {
      mine->merge(value, overwrite);
    } else if (overwrite || mine->is_null()) {
      *mine = value;
    }
  }
}

bool operator==(const Value& left, const Value& right) {
  if (left.kind() != right.kind()) return false;
  if (!left.is_object()) return left.store_ == right.store_;
  if (left.object().size() != right.object().size()) return false;
  return std::all_of(left.object().begin(), left.object().end(), [&](const Value::Member& member) {
    const Value* other = right.member(member.name);
    return other != nullptr && member.value == *other;
  });
}

bool operator==(const Value::Member& left, const Value::Member& right) {
  return left.name == right.name && left.value == right.value;
}

std::string path_problem(const Value& root, std::string_view path) {
  const Value* at = nullptr;
  switch (root.find(path, at)) {
    case PathResult::found:
      return {};
    case PathResult::not_found:
      return "key not found";
    case PathResult::not_an_object:
      return "expected map but type is " + std::string(go_type_name(*at));
    case PathResult::too_deep:
      break;
  }
  return {};
}

std::string_view go_type_name(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null:
      return "<nil>";
    case Value::Kind::boolean:
      return "bool";
    case Value::Kind::integer:
      return "int64";
    case Value::Kind::unsigned_integer:
      return "uint64";
    case Value::Kind::floating:
      return "float64";
    case Value::Kind::string:
      return "string";
    case Value::Kind::time:
      return "time.Time";
    case Value::Kind::array:
      return "[]interface {}";
    case Value::Kind::object:
      return "common.MapStr";
  }
  return {};
}

}  // namespace spanbeat
