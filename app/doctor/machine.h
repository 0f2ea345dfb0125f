// What the kernel tells of the machine in /sys and /proc, below a root that tests can choose.
//
// What:   small reads: a text, a number, the names in a directory, where a link points.
// Limits: what cannot be read is empty or absent, never an error: it is for the check to say what that means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace spanbeat {

class Machine {
 public:
  explicit Machine(std::string root = "/") : root_(std::move(root)) {}

  [[nodiscard]] const std::string& root() const { return root_; }
  // Paths are without the first slash: "sys/class/iommu".
  [[nodiscard]] bool has(const std::string& path) const;
  // Without white space at the end; the first 64 KiB.
  [[nodiscard]] std::string text(const std::string& path) const;
  [[nodiscard]] std::optional<std::int64_t> number(const std::string& path) const;
  [[nodiscard]] std::vector<std::string> names(const std::string& directory) const;
  // The last part of what a symbolic link points to; empty when it is none.
  [[nodiscard]] std::string link(const std::string& path) const;

 private:
  std::string root_;
};

// "0,2-4" as numbers; what is no list of cores gives what was read until then.
[[nodiscard]] std::vector<int> read_core_list(const std::string& text);

}  // namespace spanbeat
