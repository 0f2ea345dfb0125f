// Versions of servers, as they tell them: "8.19.5".
//
// What:   compares the first two numbers of a version; a number that is missing counts as 0.
// Limits: what follows the second number is not looked at.
#pragma once

#include <charconv>
#include <string_view>

namespace spanbeat {

inline bool older_than(std::string_view version, int major, int minor) {
  int numbers[2] = {0, 0};
  for (int& number : numbers) {
    const auto result = std::from_chars(version.data(), version.data() + version.size(), number);
    version.remove_prefix(static_cast<std::size_t>(result.ptr - version.data()));
    if (version.starts_with('.')) version.remove_prefix(1);
  }
  return numbers[0] < major || (numbers[0] == major && numbers[1] < minor);
}

}  // namespace spanbeat
