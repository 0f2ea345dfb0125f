// The mutable tree that a document is while processors run over it.
//
// What:   a Value is null, a boolean, a signed or unsigned integer, a floating-point number, text, a time, an array or
// an
//         object. Objects keep their members in the order of insertion and are searched linearly: they are small.
// Why:    most documents go from the event straight to JSON; only where processors are configured is this tree built.
// Limits: dotted paths follow Beats' MapStr: at every level a member whose whole name is the rest of the path is found
//         first, then the part before the first dot. `put` makes missing objects and never makes a dotted name. What is
//         read from outside (settings, JSON text, paths made of captured text) is cut at kMaxDepth levels.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/settings.h"
#include "dataplane/source/packet.h"

namespace spanbeat {

// What came of following a path.
enum class PathResult : std::uint8_t {
  found,
  not_found,
  not_an_object,  // something on the way is no object
  too_deep,       // only of put: more than kMaxDepth objects would have to be made
};

class Value {
 public:
  enum class Kind : std::uint8_t { null, boolean, integer, unsigned_integer, floating, string, time, array, object };
  using Array = std::vector<Value>;
  struct Member;
  using Object = std::vector<Member>;
  static constexpr int kMaxDepth = 128;

  Value() = default;
  static Value of_bool(bool value);
  static Value of_integer(std::int64_t value);
  static Value of_unsigned(std::uint64_t value);
  static Value of_double(double value);
  static Value of_string(std::string value);
  // Nanoseconds since 1970; shown in milliseconds, UTC.
  static Value of_time(Time value);
  static Value of_array();
  static Value of_object();
  // A deep copy of a setting. Dotted names in maps become nested objects.
  static Value of_setting(const Setting& setting);

  [[nodiscard]] Kind kind() const { return static_cast<Kind>(store_.index()); }
  [[nodiscard]] bool is_null() const { return kind() == Kind::null; }
  [[nodiscard]] bool is_string() const { return kind() == Kind::string; }
  [[nodiscard]] bool is_array() const { return kind() == Kind::array; }
  [[nodiscard]] bool is_object() const { return kind() == Kind::object; }
  [[nodiscard]] bool is_integer() const { return kind() == Kind::integer || kind() == Kind::unsigned_integer; }

  // Each may only be asked of a value of that kind.
  [[nodiscard]] bool boolean() const { return *std::get_if<1>(&store_); }
  [[nodiscard]] std::int64_t integer() const { return *std::get_if<2>(&store_); }
  [[nodiscard]] std::uint64_t unsigned_integer() const { return *std::get_if<3>(&store_); }
  [[nodiscard]] double floating() const { return *std::get_if<4>(&store_); }
  [[nodiscard]] const std::string& string() const { return *std::get_if<5>(&store_); }
  [[nodiscard]] std::string& string() { return *std::get_if<5>(&store_); }
  [[nodiscard]] Time time() const { return std::get_if<6>(&store_)->nanoseconds; }
  [[nodiscard]] const Array& array() const { return *std::get_if<7>(&store_); }
  [[nodiscard]] Array& array() { return *std::get_if<7>(&store_); }
  [[nodiscard]] const Object& object() const { return *std::get_if<8>(&store_); }
  [[nodiscard]] Object& object() { return *std::get_if<8>(&store_); }

  // The number in a value of any numeric kind; false for other kinds.
  [[nodiscard]] bool number(double& out) const;

  // Members by their plain name. Null when this is no object or has no such member.
  [[nodiscard]] const Value* member(std::string_view name) const;
  [[nodiscard]] Value* member(std::string_view name);
  // The member of that name, made (as null) at the end when there is none. This must be an object.
  Value& make(std::string_view name);
  // Adds a member without looking for one of that name: for whoever builds an object whose names are known to differ.
  Value& append_member(std::string_view name, Value value);
  // False when there was none.
  bool erase(std::string_view name);

  // By dotted path.
  [[nodiscard]] const Value* find(std::string_view path) const;
  [[nodiscard]] Value* find(std::string_view path);
  // `out` is the value when it was found, and what was in the way when that was no object.
  [[nodiscard]] PathResult find(std::string_view path, const Value*& out) const;
  // Replaces or makes the value; never `not_found`. Unless it is `found`, `value` is left alone.
  PathResult put(std::string_view path, Value&& value);
  // Moves the value out into `out` when that is given.
  PathResult remove(std::string_view path, Value* out = nullptr);

  // Merges another object into this one: objects are merged member by member, everything else is replaced (`overwrite`)
  // or kept.
  void merge(const Value& other, bool overwrite = true);

  friend bool operator==(const Value& left, const Value& right);  // members in any order

 private:
  struct Moment {
    Time nanoseconds;
    friend bool operator==(const Moment&, const Moment&) = default;
  };
  using Store =
      std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Moment, Array, Object>;
  explicit Value(Store store);
  Store store_;
};

struct Value::Member {
  std::string name;
  Value value;
  friend bool operator==(const Member& left, const Member& right);
};

// Here, as a Member has to be complete where a Value is made.
inline Value::Value(Store store) : store_(std::move(store)) {}
inline Value Value::of_bool(bool value) { return Value(Store(std::in_place_index<1>, value)); }
inline Value Value::of_integer(std::int64_t value) { return Value(Store(std::in_place_index<2>, value)); }
inline Value Value::of_unsigned(std::uint64_t value) { return Value(Store(std::in_place_index<3>, value)); }
inline Value Value::of_double(double value) { return Value(Store(std::in_place_index<4>, value)); }
inline Value Value::of_string(std::string value) { return Value(Store(std::in_place_index<5>, std::move(value))); }
inline Value Value::of_time(Time value) { return Value(Store(std::in_place_index<6>, Moment{value})); }
inline Value Value::of_array() { return Value(Store(std::in_place_index<7>)); }
inline Value Value::of_object() { return Value(Store(std::in_place_index<8>)); }

// Beats' words for why a path led nowhere: "key not found", "expected map but type is string".
[[nodiscard]] std::string path_problem(const Value& root, std::string_view path);
// The name of a value's type as Beats prints it in messages: "string", "int64", "mapstr.M" ...
[[nodiscard]] std::string_view go_type_name(const Value& value);

}  // namespace spanbeat
