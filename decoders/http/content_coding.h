// Content and transfer codings of bodies: gzip and deflate.
//
// What:   undoes a list of codings, innermost last, into a buffer that is kept from body to body.
// Limits: the output of each step is at most `max`, so a bomb costs no more than that; at most kMaxCodings steps.
//         "deflate" is taken in both forms that exist: with the zlib wrapper that RFC 9110 section 8.4.1.2 asks for,
//         and raw.
#pragma once

#include <memory>
#include <string_view>

#include "decoders/http/text.h"

namespace spanbeat::http {

inline constexpr std::size_t kMaxCodings = 5;

class ContentDecoder {
 public:
  ContentDecoder();
  ~ContentDecoder();
  ContentDecoder(const ContentDecoder&) = delete;
  ContentDecoder& operator=(const ContentDecoder&) = delete;

  struct Result {
    std::string_view body;   // valid until the next call; what could be decoded when there is an error in the last step
    std::string_view error;  // empty when all went well; valid until the next call
  };
  // `codings` as in the Content-Encoding header, the last one undone first; `transfer` as in Transfer-Encoding, all
  // undone before those of the content. "chunked" and "identity" are no coding here.
  [[nodiscard]] Result decode(std::string_view body, std::string_view codings, std::string_view transfer,
                              std::size_t max);

 private:
  struct Inflater;
  std::unique_ptr<Inflater> inflater_;
  Text output_[2];
  Text error_;
};

}  // namespace spanbeat::http
