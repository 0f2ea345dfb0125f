// What is known of a stream of documents before its first one.
//
// What:   a StreamPlan holds every field that is the same in all documents of a protocol (or of the flows): who made
// them,
//         what they are, the tags and fields of the configuration, each rendered once.
// Why:    a third of a document's octets is copied instead of made.
// Limits: fields at the root of the document (fields_under_root) are not in it; they are merged into a Value.
#pragma once

#include <array>
#include <bit>
#include <memory>
#include <string>
#include <vector>

#include "export/document/value.h"
#include "export/json/json_output.h"
#include "export/options.h"

namespace spanbeat {

// A set of fields, walked in the order of their ids.
class FieldSet {
 public:
  static constexpr std::size_t kWords = (kFields + 63) / 64;
  void add(std::size_t field) { words_[field / 64] |= std::uint64_t{1} << (field % 64); }
  void add(Field field) { add(static_cast<std::size_t>(field)); }
  void add(const FieldSet& fields) {
    for (std::size_t i = 0; i < kWords; ++i) words_[i] |= fields.words_[i];
  }
  void add_if(bool condition, const FieldSet& fields) {
    const std::uint64_t all = std::uint64_t{0} - std::uint64_t{condition};
    for (std::size_t i = 0; i < kWords; ++i) words_[i] |= fields.words_[i] & all;
  }
  [[nodiscard]] std::size_t count() const {
    std::size_t sum = 0;
    for (const std::uint64_t word : words_) sum += static_cast<std::size_t>(std::popcount(word));
    return sum;
  }
  void remove(const FieldSet& fields) {
    for (std::size_t i = 0; i < kWords; ++i) words_[i] &= ~fields.words_[i];
  }
  void remove(std::size_t field) { words_[field / 64] &= ~(std::uint64_t{1} << (field % 64)); }
  [[nodiscard]] bool has(std::size_t field) const { return (words_[field / 64] >> (field % 64) & 1) != 0; }
  [[nodiscard]] bool has(Field field) const { return has(static_cast<std::size_t>(field)); }
  friend bool operator==(const FieldSet&, const FieldSet&) = default;
  [[nodiscard]] std::uint64_t word(std::size_t index) const { return words_[index]; }

 private:
  std::array<std::uint64_t, kWords> words_{};
};

// A field that is the same in every document of a stream.
struct Constant {
  std::string_view json;  // without quotes where is_quoted; kPadding octets behind it are readable
  Value value;
};

class StreamPlan {
 public:
  // `with_builtins`: agent, ecs and host belong to the walk; otherwise the caller adds them later.
  StreamPlan(const ExportConfig& config, const StreamOptions& options, bool with_builtins, JsonStyle& style);
  StreamPlan(StreamPlan&&) = default;
  StreamPlan& operator=(StreamPlan&&) = default;

  // No other plan of the program has it.
  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] bool is_flow() const { return is_flow_; }
  [[nodiscard]] bool keep_null() const { return keep_null_; }
  [[nodiscard]] const FieldSet& constants() const { return constants_; }
  [[nodiscard]] const Constant& constant(std::size_t field) const { return values_[field]; }

 private:
  void set(Field field, Value value, JsonStyle& style);
  void set(Field field, std::string_view value, JsonStyle& style) {
    set(field, Value::of_string(std::string(value)), style);
  }

  std::uint64_t id_;
  bool is_flow_;
  bool keep_null_;
  FieldSet constants_;
  std::vector<Constant> values_;                // by field
  std::vector<std::unique_ptr<char[]>> texts_;  // what their `json` points into
};

// The configuration's fields that go to the root of the document: global ones, then the stream's.
[[nodiscard]] Value root_fields(const ExportConfig& config, const StreamOptions& options);
// agent, ecs and host, as members of one object.
[[nodiscard]] Value builtin_fields(const Identity& identity);

}  // namespace spanbeat
