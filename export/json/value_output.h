// The other output of the document walk: a Value, for processors and for whatever is not known before.
//
// What:   the same calls as JsonOutput, making a tree whose members stand in the order of the walk.
// Limits: not fast; used only where a document needs it.
#pragma once

#include <string>
#include <vector>

#include "export/document/value.h"
#include "export/json/plan.h"

namespace spanbeat {

// A tree field as a Value: the output of TreeWalk.
class ValueTree {
 public:
  [[nodiscard]] Value take() { return std::move(root_); }

  void null() { put(Value()); }
  void boolean(bool value) { put(Value::of_bool(value)); }
  void integer(std::int64_t value) { put(Value::of_integer(value)); }
  void unsigned_integer(std::uint64_t value) { put(Value::of_unsigned(value)); }
  void floating(double value) { put(Value::of_double(value)); }
  void string(std::string_view text) { put(Value::of_string(std::string(text))); }
  void ip(const IpAddress& address) {
    char characters[kScalarRoom];
    string({characters, static_cast<std::size_t>(write_ip(address, characters) - characters)});
  }
  void date(Time value) { put(Value::of_time(value)); }
  void begin_array() { open(Value::of_array()); }
  void item(std::size_t) {}
  void end_array() { close(); }
  void begin_object() { open(Value::of_object()); }
  std::size_t member(std::string_view key, std::size_t) {
    key_.assign(key);
    return 0;
  }
  void end_object() { close(); }
  void forget_members(std::span<const TreeScratch::Member> members) {
    std::size_t index = 0;
    std::erase_if(open_.back().value.object(), [&](const Value::Member&) { return members[index++].shadowed; });
  }

 private:
  struct Open {
    std::string key;  // its own in the container around it
    Value value;
  };
  void put(Value value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().value.is_array()) {
      open_.back().value.array().push_back(std::move(value));
    } else {
      (void)open_.back().value.append_member(key_, std::move(value));
    }
  }
  void open(Value value) { open_.push_back({key_, std::move(value)}); }
  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    key_ = std::move(done.key);
    put(std::move(done.value));
  }

  Value root_;
  std::string key_;
  std::vector<Open> open_;
};

[[nodiscard]] Value tree_value(Bytes tree);

class ValueOutput {
 public:
  static constexpr bool kShowsNulls = true;
  static constexpr bool kByProgram = false;
  using Loan = ValueOutput&;
  static void go_on(const ValueOutput&) {}

  ValueOutput() : document_(Value::of_object()) {}
  [[nodiscard]] Value take() { return std::move(document_); }

  void start(std::size_t) {}
  void begin(std::size_t field);
  [[nodiscard]] static std::size_t place() { return 0; }
  void text(std::string_view text) { *at_ = Value::of_string(std::string(text)); }
  void short_text(std::string_view characters) { text(characters); }
  void date(Time value) { *at_ = Value::of_time(value); }
  void ip(const IpAddress& address) { *at_ = ip_value(address); }
  void integer(std::int64_t value) { *at_ = Value::of_integer(value); }
  void floating(double value) { *at_ = Value::of_double(value); }
  void boolean(bool value) { *at_ = Value::of_bool(value); }
  void null() { *at_ = Value(); }
  void community_id(const std::array<std::uint8_t, 20>& digest) {
    char characters[kScalarRoom];
    text({characters, static_cast<std::size_t>(write_community_id(digest, characters) - characters)});
  }
  void constant(const Constant& constant) { *at_ = constant.value; }
  void tree(Bytes encoded) { *at_ = tree_value(encoded); }

  void begin_list() { *at_ = Value::of_array(); }
  void next(std::size_t) {}
  void end_list() {}
  void add_text(std::string_view text) { add(Value::of_string(std::string(text))); }
  void add_short_text(std::string_view text) { add_text(text); }
  void add_integer(std::int64_t value) { add(Value::of_integer(value)); }
  void add_floating(double value) { add(Value::of_double(value)); }
  void add_boolean(bool value) { add(Value::of_bool(value)); }
  void add_ip(const IpAddress& address) { add(ip_value(address)); }
  void add_date(Time value) { add(Value::of_time(value)); }
  void add_tree(Bytes encoded) { add(tree_value(encoded)); }
  void end() {}

 private:
  static Value ip_value(const IpAddress& address) {
    char characters[kScalarRoom];
    return Value::of_string({characters, static_cast<std::size_t>(write_ip(address, characters) - characters)});
  }
  void add(Value value) {
    if (at_->is_array()) {
      at_->array().push_back(std::move(value));
    } else {
      *at_ = std::move(value);
    }
  }

  Value document_;
  Value* at_ = &document_;
};

}  // namespace spanbeat
