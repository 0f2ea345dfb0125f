#include "app/doctor/machine.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

namespace spanbeat {
namespace fs = std::filesystem;

bool Machine::has(const std::string& path) const {
  std::error_code error;
  return fs::exists(fs::path(root_) / path, error);
}

std::string Machine::text(const std::string& path) const {
  std::ifstream file(fs::path(root_) / path, std::ios::binary);
  std::string out(std::size_t{64} << 10, '\0');
  file.read(out.data(), static_cast<std::streamsize>(out.size()));
  out.resize(static_cast<std::size_t>(file.gcount()));
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ' || out.back() == '\t')) out.pop_back();
  return out;
}

std::optional<std::int64_t> Machine::number(const std::string& path) const {
  const std::string words = text(path);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(words.data(), words.data() + words.size(), value);
  if (error != std::errc() || end == words.data()) return std::nullopt;
  return value;
}

std::vector<std::string> Machine::names(const std::string& directory) const {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(fs::path(root_) / directory, error)) {
    out.push_back(entry.path().filename());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string Machine::link(const std::string& path) const {
  std::error_code error;
  const fs::path target = fs::read_symlink(fs::path(root_) / path, error);
  return error ? std::string() : target.filename().string();
}

std::vector<int> read_core_list(const std::string& text) {
  std::vector<int> out;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    int first = 0;
    auto read = std::from_chars(at, end, first);
    if (read.ec != std::errc()) break;
    int last = first;
    if (read.ptr < end && *read.ptr == '-') {
      read = std::from_chars(read.ptr + 1, end, last);
      if (read.ec != std::errc() || last - first > 65536) break;
    }
    for (int core = first; core <= last; ++core) out.push_back(core);
    at = read.ptr + 1;
  }
  return out;
}

}  // namespace spanbeat
