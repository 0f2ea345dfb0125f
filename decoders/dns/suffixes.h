// Public suffixes: which part of a name somebody registered.
//
// What:   finds the registered domain of a name (its public suffix and one label more) by the rules of
// publicsuffix.org,
//         private ones included. Letter case does not count.
// Why:    a lookup costs some hundred cycles less per octet than asking libpsl, which a query a packet cannot afford.
// The list is the
//         system's, so it is renewed with the system.
// Limits: the list is read once, when the first decoder is made. Where there is no list file, libpsl's own list is
// asked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/bytes/bytes.h"

struct psl_ctx_st;

namespace spanbeat {

class PublicSuffixes {
 public:
  // Reads rules in the form of public_suffix_list.dat.
  explicit PublicSuffixes(std::string_view rules);
  // Asks libpsl.
  PublicSuffixes();
  // The system's list.
  [[nodiscard]] static const PublicSuffixes& system();

  static constexpr std::size_t kNone = std::string_view::npos;
  // Where in `name` (without a final dot) the registered domain begins; kNone when it has none: the name is a suffix
  // itself.
  [[nodiscard]] std::size_t registered_domain(std::string_view name) const;
  [[nodiscard]] std::size_t rules() const { return rules_; }

 private:
  // What the rules say of a suffix.
  enum Flag : std::uint8_t {
    kRule = 1,       // it is a public suffix
    kWildcard = 2,   // every label before it makes one
    kException = 4,  // but this one does not
    kParent = 8,     // longer suffixes are known
  };
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t place = 0;  // in texts_, plus one; 0: free
  };

  void add(std::string_view suffix, std::uint8_t flags);
  std::uint8_t& flags_of(std::string_view suffix);
  void grow();
  [[nodiscard]] std::uint8_t find(std::uint64_t hash, std::string_view name, std::size_t begin) const;
  [[nodiscard]] std::size_t ask_library(std::string_view name) const;

  std::vector<Slot> slots_;
  std::string texts_;  // flags, length and lower-case text of each suffix
  std::size_t used_ = 0;
  std::size_t rules_ = 0;
  const psl_ctx_st* library_ = nullptr;
};

}  // namespace spanbeat
