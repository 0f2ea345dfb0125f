// A document's _id, made of its own text: spanbeat.document_id.
//
// What:   every document is written with a _id of zeros in its @metadata; stamp() puts the XXH3 hash (128 bits) of the
//         text there. The same text twice in a short time is two documents: the later one's hash has another seed.
// Why:    a document that is sent again, by a retry or from the disk queue, is the same document to Elasticsearch.
// Limits: "a short time" is the last 65 536 documents, roughly: one is forgotten early when four others whose hash ends
//         in the same 14 bits came after it. A text that does not begin with the zeros (a processor
//         has set another _id, or dropped @metadata) stays as it is. One thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace spanbeat {

class DocumentIds {
 public:
  // What stands in the place of an id until it is known.
  static constexpr std::string_view kNone = "00000000000000000000000000000000";

  DocumentIds() : seen_(kRemembered) {}
  // `text` is a document in compact JSON.
  void stamp(char* text, std::size_t size);

 private:
  static constexpr std::size_t kRemembered = std::size_t{1} << 16;
  static constexpr std::size_t kTogether = 4;  // where a hash may stand: a cache line of them
  struct Seen {
    std::uint64_t hash = 0;
    std::uint64_t times = 0;
  };
  std::vector<Seen> seen_;
};

}  // namespace spanbeat
