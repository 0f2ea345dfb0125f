// The dashboards that come with the program: Kibana's saved objects, made from export/dashboards/*.yml and
// decoders/NAME/dashboard.yml at build time.
#pragma once

#include <span>
#include <string_view>

namespace spanbeat {

struct BuiltInDashboard {
  std::string_view id;
  std::string_view title;
  std::string_view objects;  // its panels and then itself, a JSON object a line; they refer to packetbeat-*
};

[[nodiscard]] std::span<const BuiltInDashboard> built_in_dashboards();

}  // namespace spanbeat
