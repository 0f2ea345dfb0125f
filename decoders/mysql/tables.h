// The tables of a result, as `path` names them.
//
// What:   distinct `schema.table`, joined by a comma and a blank, in the order of the columns.
// Limits: kMost octets; what does not fit is left out.
#pragma once

#include "dataplane/event/event.h"

namespace spanbeat::mysql {

class Tables {
 public:
  static constexpr std::size_t kMost = 4096;

  void add(EventArena& arena, std::string_view schema, std::string_view table) {
    if (!names_.empty() && is(last_, schema, table)) return;  // the columns of a table stand together
    for (std::size_t at = 0; at < names_.size();) {
      if (is(at, schema, table)) return;
      const std::size_t comma = view().find(kJoint, at);
      at = comma == std::string_view::npos ? names_.size() : comma + kJoint.size();
    }
    const std::size_t size = schema.size() + 1 + table.size();
    if (names_.size() + kJoint.size() + size > kMost) return;
    if (!names_.empty()) names_.append(arena, bytes(kJoint), kMost);
    last_ = names_.size();
    names_.append(arena, bytes(schema), kMost);
    names_.append(arena, bytes("."), kMost);
    names_.append(arena, bytes(table), kMost);
  }
  [[nodiscard]] bool empty() const { return names_.empty(); }
  [[nodiscard]] std::string_view view() const { return text(names_.view()); }
  void clear() { names_.clear(); }

 private:
  static constexpr std::string_view kJoint = ", ";
  [[nodiscard]] bool is(std::size_t at, std::string_view schema, std::string_view table) const {
    const std::string_view name = view().substr(at);
    const std::size_t size = schema.size() + 1 + table.size();
    return name.size() >= size && name.starts_with(schema) && name[schema.size()] == '.' &&
           name.substr(schema.size() + 1, table.size()) == table &&
           (name.size() == size || name.substr(size).starts_with(kJoint));
  }
  GrowBuffer names_;
  std::size_t last_ = 0;
};

}  // namespace spanbeat::mysql
