// The types of fields, and what the generator knows of each field.
//
// What:   fields.yml of every room and decoder names each field once, with its type. scripts/gen_fields.py numbers them
// in
//         the order of their dotted names and writes `enum class Field` and the traits that Event::set checks, so that
//         a misspelt or mistyped field does not compile.
#pragma once

#include <cstdint>
#include <string_view>

#include "dataplane/bytes/address.h"
#include "dataplane/source/packet.h"

namespace spanbeat {

enum class FieldType : std::uint8_t {
  keyword,   // text; std::string_view
  integer,   // std::int64_t
  floating,  // double
  boolean,   // bool
  ip,        // IpAddress
  date,      // Time; milliseconds are printed
  tree,      // an object or array of a shape known only at run time; written with TreeWriter
};

// How several values of one field are shown.
enum class FieldList : std::uint8_t {
  no,         // the last one set counts
  list,       // always an array
  one_plain,  // one value plain, several as an array
};

struct FieldInfo {
  std::string_view name;  // dotted
  FieldType type;
  FieldList list;
  bool derived;  // the exporter computes it from the event header
};

}  // namespace spanbeat
