// Prints the steps of `test output` as Packetbeat does: each on a line, indented below what it belongs to.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "export/sinks/output.h"

namespace spanbeat {

class CheckPrinter : public OutputCheck {
 public:
  void enter(std::string_view what) override {
    line("{}...", what);
    ++depth_;
  }
  void leave() override { --depth_; }
  void passed(std::string_view step, std::string_view detail) override {
    detail.empty() ? line("{}... OK", step) : line("{}... OK: {}", step, detail);
  }
  void warned(std::string_view step, std::string_view detail) override { line("{}... WARN {}", step, detail); }
  void failed(std::string_view step, std::string_view problem, std::string_view remedy) override {
    line("{}... ERROR {}", step, problem);
    if (!remedy.empty()) line("  {}", remedy);
    good_ = false;
  }
  void told(std::string_view name, std::string_view value) override { line("{}: {}", name, value); }

  // No step failed.
  [[nodiscard]] bool good() const { return good_; }

 private:
  template <typename... Words>
  void line(fmt::format_string<Words...> text, Words&&... words) {
    fmt::print("{:{}}{}\n", "", 2 * depth_, fmt::format(text, std::forward<Words>(words)...));
    (void)std::fflush(stdout);
  }

  int depth_ = 0;
  bool good_ = true;
};

}  // namespace spanbeat
