#include "decoders/dns/punycode.h"

#include <algorithm>
#include <cstdint>

namespace spanbeat {
namespace {

bool code_points(std::string_view label, std::u32string& out) {
  for (std::size_t i = 0; i < label.size();) {
    const auto first = static_cast<std::uint8_t>(label[i]);
    const std::size_t more = first < 0x80 ? 0 : first >> 5 == 6 ? 1 : first >> 4 == 14 ? 2 : first >> 3 == 30 ? 3 : 4;
    if (more == 4 || label.size() - i <= more) return false;
    char32_t point = more == 0 ? first : first & (0x3f >> more);
    for (std::size_t k = 1; k <= more; ++k) {
      const auto next = static_cast<std::uint8_t>(label[i + k]);
      if (next >> 6 != 2) return false;
      point = point << 6 | (next & 0x3f);
    }
    out.push_back(point);
    i += more + 1;
  }
  return true;
}

// RFC 3492 section 6.1, with the parameters of section 5.
std::uint32_t adapt(std::uint32_t delta, std::uint32_t points, bool first) {
  delta = first ? delta / 700 : delta / 2;
  delta += delta / points;
  std::uint32_t k = 0;
  for (; delta > (36 - 1) * 26 / 2; k += 36) delta /= 36 - 1;
  return k + 36 * delta / (delta + 38);
}

// RFC 3492 section 6.3.
void encode(const std::u32string& points, std::string& out) {
  const auto digit = [](std::uint32_t value) {
    return static_cast<char>(value < 26 ? 'a' + value : '0' + (value - 26));
  };
  std::uint32_t basic = 0;
  for (const char32_t point : points) {
    if (point < 0x80) {
      out.push_back(static_cast<char>(point));
      ++basic;
    }
  }
  if (basic != 0) out.push_back('-');
  std::uint32_t handled = basic;
  std::uint32_t bias = 72;
  std::uint32_t delta = 0;
  for (char32_t next = 0x80; handled < points.size(); ++next) {
    char32_t least = 0x110000;
    for (const char32_t point : points) {
      if (point >= next) least = std::min(least, point);
    }
    delta += static_cast<std::uint32_t>(least - next) * (handled + 1);
    next = least;
    for (const char32_t point : points) {
      if (point < next) ++delta;
      if (point != next) continue;
      std::uint32_t value = delta;
      for (std::uint32_t k = 36;; k += 36) {
        const std::uint32_t threshold = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
        if (value < threshold) break;
        out.push_back(digit(threshold + (value - threshold) % (36 - threshold)));
        value = (value - threshold) / (36 - threshold);
      }
      out.push_back(digit(value));
      bias = adapt(delta, handled + 1, handled == basic);
      delta = 0;
      ++handled;
    }
    ++delta;
  }
}

}  // namespace

bool to_ascii_name(std::string_view name, std::string& out) {
  // Nearly all names are ASCII as they are.
  if (std::all_of(name.begin(), name.end(), [](char c) { return static_cast<std::uint8_t>(c) < 0x80; })) {
    out = name;
    return true;
  }
  out.clear();
  while (true) {
    const std::size_t dot = std::min(name.find('.'), name.size());
    const std::string_view label = name.substr(0, dot);
    std::u32string points;
    if (!code_points(label, points)) return false;
    if (points.size() == label.size()) {
      out.append(label);
    } else {
      out.append("xn--");
      encode(points, out);
    }
    if (dot == name.size()) return true;
    out.push_back('.');
    name.remove_prefix(dot + 1);
  }
}

}  // namespace spanbeat
