// A text of its own with the padding that vector code reads.
#pragma once

#include <string>
#include <string_view>

#include "dataplane/bytes/bytes.h"

namespace spanbeat {

class PaddedText {
 public:
  explicit PaddedText(std::string_view text) : octets_(text) { octets_.append(kPadding, '\0'); }
  // kPadding octets behind it are readable.
  [[nodiscard]] std::string_view view() const { return {octets_.data(), octets_.size() - kPadding}; }

 private:
  std::string octets_;
};

}  // namespace spanbeat
