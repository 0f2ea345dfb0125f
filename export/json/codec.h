// How documents are written: codec.json.* and codec.format.string of an output (spec/config.md section 11).
#pragma once

#include <string>

namespace spanbeat {

struct Codec {
  bool pretty = false;       // line breaks and indentation
  bool escape_html = false;  // <, > and & as \u003c, \u003e and \u0026
  bool local_time = false;   // dates with the local zone's offset instead of Z
  std::string format;        // codec.format.string: a line of text instead of JSON; empty: JSON
};

}  // namespace spanbeat
